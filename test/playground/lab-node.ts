/** What tests of the page /lab compare it with: the same network and picture in Node. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter, type Image, type Labels } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor } from "../../src/tensor.ts";
import { makeScene } from "../conformance/scene.ts";
import { out } from "./lab-page.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const file = (path: string): Buffer => readFileSync(join(root, path));

/** Writes a file that a test gives to the page or to the command line. */
export const put = (name: string, content: Uint8Array | string): string => {
  writeFileSync(join(out, name), content);
  return join(out, name);
};

export const manifest = parseManifest(JSON.parse(file("models/enet-street/manifest.json").toString()));
export const names = manifest.classes.map(({ name }) => name);
export const segmenter = createSegmenter(
  openNetwork(manifest, file("models/enet-street/model.onnx")),
  new SessionCache(startWasm(), 2 ** 30),
);

export const scene = makeScene(11, 96, 64);

export const pixelsOf = ({ data }: Image): Uint8Array => {
  const area = data.length / 3;
  return Uint8Array.from({ length: 3 * area }, (_, i) => data[(i % 3) * area + Math.floor(i / 3)]!);
};

export const imageFrom = (pixels: Uint8Array): Image => {
  const area = pixels.length / 3;
  const planes = Float32Array.from(pixels, (_, i) => pixels[3 * (i % area) + Math.floor(i / area)]!);
  return tensor("float32", scene.image.shape, planes);
};

export const coloursOf = ({ data }: Labels): Uint8Array =>
  Uint8Array.from({ length: 3 * data.length }, (_, i) => manifest.classes[data[Math.floor(i / 3)]!]!.color[i % 3]!);

export const differing = (a: Uint8Array, b: Uint8Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((count, value, i) => count + Number(value !== b[i]), 0) / a.length;
};
