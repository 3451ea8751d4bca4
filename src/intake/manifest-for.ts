/** The manifest of a network's file: found from the file and by a run, or completed where one was given. */

import { sha256Of } from "../digest.ts";
import type { Model } from "../onnx/graph.ts";
import { normal, random } from "../random.ts";
import { describeNetwork, precisionOf, type Hints } from "../segmenter/describe/describe.ts";
import { requireFit } from "../segmenter/fit.ts";
import { ManifestError, parseManifest, withOwnFile, type Manifest } from "../segmenter/manifest.ts";
import { networkOf, prepared } from "../segmenter/network.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { type Size, sizeOf, tensorOf } from "../tensor.ts";

/** A network's file. */
export interface NetworkFile {
  /** Its name, without folders. */
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly model: Model;
}

export interface FoundManifest {
  readonly manifest: Manifest;
  /** What was taken for granted in it, in whole sentences. */
  readonly assumed: readonly string[];
}

/** Grey levels that vary from place to place, with noise on them. */
const scene = (planes: number, { height, width }: Size) => {
  const next = random(1);
  const shape = [planes, height, width];
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const [x, y] = [(i % width) / width, (Math.floor(i / width) % height) / height];
    return Math.min(255, Math.max(0, 128 + 90 * Math.sin(7 * x + 3 * y + i / (height * width)) + 20 * normal(next)));
  });
  return tensorOf("float32", shape, values);
};

/**
 * A manifest by the file alone.
 *
 * @throws ManifestError, OnnxError where it is no segmentation network; MemoryBudgetError, RuntimeError where it does not run.
 */
export const manifestFor = async (file: NetworkFile, hints: Hints, cache: SessionCache): Promise<FoundManifest> => {
  const model = prepared(file.model);
  const { found, assumed } = await describeNetwork(model, hints, scene, cache);
  const sha256 = await sha256Of(file.bytes);
  const manifest = parseManifest({ ...found, file: file.name, sha256, assumed: [...assumed] });
  requireFit(networkOf(manifest, model));
  return { manifest, assumed };
};

/** Whether the digest is still to be filled in: absent, empty or zeros. */
const undecided = (sha256: unknown): boolean =>
  sha256 === undefined || (typeof sha256 === "string" && /^0*$/.test(sha256));

/**
 * The manifest given, with the digest of the network filled in, its precision where it is left out, and the name replaced where one is given.
 *
 * @throws ManifestError naming each field at fault, also where the digest is another file's.
 */
export const completedManifest = async (
  given: Readonly<Record<string, unknown>>,
  { name: file, bytes, model }: NetworkFile,
  name?: string,
): Promise<Manifest> => {
  const sha256 = await sha256Of(bytes);
  const named = name === undefined ? {} : { name };
  const manifest = withOwnFile(parseManifest({ precision: precisionOf(model), ...given, ...named, file, sha256 }));
  if (undecided(given["sha256"]) || given["sha256"] === sha256) return manifest;
  throw new ManifestError(
    `is that of another file; this one's is ${sha256} (leave the field out to have it filled in)`,
    "sha256",
  );
};
