/** Requests by their structure: valid ones first, then with changed values, fields, parts and bytes. */

import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { tensorOf } from "../../src/tensor.ts";
import { image, imagePng } from "../../test/service/tiny-service.ts";
import { chunk, ihdr, pngSignature } from "../../test/image/png-writer.ts";
import { chance, pick, type Random } from "../../src/random.ts";
import { below, damaged, oddNumber } from "./pick.ts";

export interface Sent {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

const endpoints = {
  "/v1/segment": ["image"],
  "/v1/attack": ["image", "labels", "target"],
  "/v1/robustness": ["image", "labels"],
  "/v1/score": ["prediction", "reference", "adversarial"],
} as const;

const specs: Readonly<Record<string, readonly [key: string, values: readonly unknown[]][]>> = {
  "/v1/segment": [
    ["model", ["tiny", "none", ""]],
    [
      "crf",
      [
        "none",
        { iterations: 1, gaussian: { weight: 1, theta: 1 }, bilateral: { weight: 1, thetaAlpha: 1, thetaBeta: 1 } },
      ],
    ],
    ["backend", ["auto", "wasm", "webgpu"]],
  ],
  "/v1/attack": [
    ["attack", ["fgsm", "fgsm-ii", "ifgsm", "ifgsm-ii", "pgd"]],
    ["epsilon", [8, 0.5, 255]],
    ["alpha", [1, 2]],
    ["steps", [1, 2]],
    ["label", ["prediction", "ground-truth"]],
    ["targeted", [{ kind: "class", class: 1 }, { kind: "map" }]],
    ["pixelRange", ["clip", "none"]],
    ["label255", ["void", "foreground"]],
    ["images", [[], ["adversarial", "perturbation"]]],
    ["seed", [0, 7]],
  ],
  "/v1/robustness": [
    ["attacks", [["fgsm"], ["ifgsm", "fgsm-ii"]]],
    ["epsilons", [[1], [0.25, 1]]],
    ["threshold", [0.5]],
    ["label", ["prediction", "ground-truth"]],
  ],
  "/v1/score": [
    ["classes", [2, 4]],
    ["model", ["tiny"]],
    ["meanOver", ["reference", "union"]],
    ["label255", ["void", "foreground"]],
  ],
};

/** Any JSON value. */
const oddValue = (next: Random, depth = 0): unknown =>
  pick(next, [
    () => oddNumber(next),
    () => pick(next, ["", "tiny", "\u0000", "x".repeat(2000), "__proto__", "🙂"]),
    () => null,
    () => chance(next, 0.5),
    () => (depth > 3 ? [] : Array.from({ length: below(next, 4) }, () => oddValue(next, depth + 1))),
    () => (depth > 3 ? {} : { [pick(next, ["a", "kind", "class", "constructor"])]: oddValue(next, depth + 1) }),
  ])();

const specOf = (next: Random, path: string): unknown => {
  if (chance(next, 0.03)) return oddValue(next);
  const fields = specs[path]!.filter(() => chance(next, 0.5)).map(([key, values]) => [
    chance(next, 0.03) ? `${key}s` : key,
    chance(next, 0.15) ? oddValue(next) : pick(next, values),
  ]);
  return Object.fromEntries(fields) as unknown;
};

const labelMap = (next: Random): Uint8Array => {
  const [height, width] = chance(next, 0.8) ? [12, 16] : [1 + below(next, 20), 1 + below(next, 20)];
  const values = pick(next, [[0, 1, 2, 3], [0, 255], [255], [1], [0, 1, 200]]);
  const data = Array.from({ length: height * width }, () => pick(next, values));
  return encodeLabels(tensorOf("uint8", [height, width], data), [
    [1, 2, 3],
    [4, 5, 6],
  ]);
};

/** A PNG whose chunks are of random kinds, in a random order, with sizes at the limits. */
const oddPng = (next: Random): Uint8Array => {
  const side = () => (chance(next, 0.7) ? 1 + below(next, 40) : (Math.abs(oddNumber(next)) % 2 ** 31) | 0);
  const header = ihdr({
    width: side(),
    height: side(),
    depth: pick(next, [1, 2, 4, 8, 16, 3]),
    colour: below(next, 8),
    interlaced: chance(next, 0.3),
  });
  const chunks = Array.from({ length: below(next, 6) }, () =>
    chunk(
      pick(next, ["IDAT", "PLTE", "tRNS", "IEND", "tEXt", "acTL"]),
      Uint8Array.from({ length: below(next, 60) }, () => below(next, 256)),
    ),
  );
  return Buffer.concat([pngSignature, header, ...chunks, chunk("IEND", [])]);
};

const fileOf = (next: Random, part: string): Uint8Array => {
  const sound = part === "image" ? (chance(next, 0.8) ? imagePng : encodePng(image)) : labelMap(next);
  const draw = next();
  if (draw < 0.6) return sound;
  if (draw < 0.8) return damaged(next, sound);
  if (draw < 0.95) return oddPng(next);
  return Uint8Array.from({ length: below(next, 200) }, () => below(next, 256));
};

const join = (pieces: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece))));

const multipart = (
  parts: readonly (readonly [string, Uint8Array])[],
  spec: unknown,
): Pick<Sent, "headers" | "body"> => {
  const boundary = "----fuzz";
  const body = join([
    ...parts.flatMap(([name, bytes]) => [
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${name}.png"\r\nContent-Type: image/png\r\n\r\n`,
      bytes,
      "\r\n",
    ]),
    `--${boundary}\r\nContent-Disposition: form-data; name="spec"\r\n\r\n${JSON.stringify(spec)}\r\n--${boundary}--\r\n`,
  ]);
  return { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, body };
};

const jsonOf = (parts: readonly (readonly [string, Uint8Array])[], spec: unknown): Pick<Sent, "headers" | "body"> => ({
  headers: { "content-type": "application/json" },
  body: join([JSON.stringify({ ...Object.fromEntries(parts.map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")])), spec })]), // prettier-ignore
});

const accepts = ["application/json", "image/png", "text/event-stream", "*/*", "image/png;depth=16", "nonsense"];

export const requestBody = (next: Random): Sent => {
  const path = pick(next, Object.keys(endpoints) as (keyof typeof endpoints)[]);
  const parts = endpoints[path].filter((_, i) => chance(next, i === 0 ? 0.97 : 0.4));
  const files = parts.map((part) => [chance(next, 0.02) ? `${part}s` : part, fileOf(next, part)] as const);
  const made = (chance(next, 0.6) ? multipart : jsonOf)(files, specOf(next, path));
  const query = chance(next, 0.03) ? `?${pick(next, ["model=tiny", "a", "%", "__proto__=1"])}` : "";
  const accept = chance(next, 0.5) ? { accept: pick(next, accepts) } : {};
  const body = chance(next, 0.15) ? damaged(next, made.body) : made.body;
  return { path: `${path}${query}`, method: "POST", headers: { ...made.headers, ...accept }, body };
};
