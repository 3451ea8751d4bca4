/** Base64 (RFC 4648, section 4) and `data:` URLs, with what every runtime has. */

const chunk = 0x8000;

export const toBase64 = (bytes: Uint8Array): string => {
  let text = "";
  for (let i = 0; i < bytes.length; i += chunk) text += String.fromCharCode(...bytes.subarray(i, i + chunk));
  return btoa(text);
};

/** The bytes, or `undefined` where the text is not base64. The media type of a `data:` URL is not looked at. */
export const fromBase64 = (text: string): Uint8Array | undefined => {
  const comma = text.startsWith("data:") ? text.indexOf(",") : -1;
  if (text.startsWith("data:") && !text.slice(0, comma).endsWith(";base64")) return undefined;
  try {
    const binary = atob(text.slice(comma + 1));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
};
