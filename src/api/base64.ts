/** Base64 (RFC 4648, section 4) and `data:` URLs, in loops over bytes, because `atob` and `btoa` convert from and to binary strings. */

const alphabet = new TextEncoder().encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const padding = "=".charCodeAt(0);
const space = 64;
const invalid = 255;

/** The meaning of each byte of UTF-8: six bits, white space or invalid. */
const values = new Uint8Array(256).fill(invalid);
alphabet.forEach((code, value) => (values[code] = value));
for (const code of new TextEncoder().encode("\t\n\f\r ")) values[code] = space;

export const toBase64 = (bytes: Uint8Array): string => {
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill(padding);
  let at = 0;
  for (let i = 0; i < bytes.length; i += 3, at += 4) {
    const left = bytes.length - i;
    const group = (bytes[i]! << 16) | (left > 1 ? bytes[i + 1]! << 8 : 0) | (left > 2 ? bytes[i + 2]! : 0);
    text[at] = alphabet[group >> 18]!;
    text[at + 1] = alphabet[(group >> 12) & 63]!;
    if (left > 1) text[at + 2] = alphabet[(group >> 6) & 63]!;
    if (left > 2) text[at + 3] = alphabet[group & 63]!;
  }
  return new TextDecoder().decode(text);
};

/** Decodes like `atob`: white space is skipped, padding is optional. Groups of four digits without white space take one step. */
const decode = (text: string): Uint8Array | undefined => {
  const codes = new TextEncoder().encode(text);
  const out = new Uint8Array(Math.ceil((codes.length * 3) / 4));
  let [length, digits, group, pads] = [0, 0, 0, 0];
  for (let i = 0; i < codes.length; i++) {
    const value = values[codes[i]!]!;
    if ((digits & 3) === 0 && pads === 0 && i + 3 < codes.length) {
      const second = values[codes[i + 1]!]!;
      const third = values[codes[i + 2]!]!;
      const fourth = values[codes[i + 3]!]!;
      if ((value | second | third | fourth) < space) {
        out[length++] = (value << 2) | (second >> 4);
        out[length++] = (second << 4) | (third >> 2);
        out[length++] = (third << 6) | fourth;
        i += 3;
        continue;
      }
    }
    if (value === space) continue;
    if (value === invalid || pads > 0) {
      if (codes[i] !== padding) return undefined;
      pads += 1;
      continue;
    }
    group = ((group << 6) | value) & 0xffffff;
    digits += 1;
    if ((digits & 3) !== 0) continue;
    out[length++] = group >> 16;
    out[length++] = group >> 8;
    out[length++] = group;
  }
  const rest = digits & 3;
  if (rest === 1 || pads > 2 || (pads > 0 && rest + pads !== 4)) return undefined;
  if (rest >= 2) out[length++] = rest === 2 ? group >> 4 : group >> 10;
  if (rest === 3) out[length++] = group >> 2;
  return out.subarray(0, length);
};

/** The bytes, or `undefined` if the text is not base64. The media type of a `data:` URL is ignored. */
export const fromBase64 = (text: string): Uint8Array | undefined => {
  const comma = text.startsWith("data:") ? text.indexOf(",") : -1;
  if (text.startsWith("data:") && !text.slice(0, comma).endsWith(";base64")) return undefined;
  return decode(text.slice(comma + 1));
};
