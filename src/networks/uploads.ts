/** Networks that come by request: checked as shipped ones are, tried once, then kept where every request finds them. */

import { OnnxError } from "../onnx/graph.ts";
import { RuntimeError } from "../runtime/session.ts";
import { requireFit } from "../segmenter/fit.ts";
import { describeNetwork } from "../segmenter/describe/describe.ts";
import { requireProbabilities } from "../segmenter/describe/probabilities.ts";
import { ManifestError, parseManifest, channelCount, withOwnFile, type Manifest } from "../segmenter/manifest.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { wholeFile } from "../segmenter/whole-file.ts";
import { readPrepared, type Network } from "../segmenter/network.ts";
import type { Image } from "../segmenter/segmenter.ts";
import { type Size, tensorOf } from "../tensor.ts";
import { FaultlineError, type Failure } from "../contract/failure.ts";
import { modelInfo } from "./info.ts";
import { sha256Of } from "../digest.ts";
import { checkedNetwork, openModel, type OpenModel } from "./open.ts";
import type { ModelInfo, UploadRequest, UploadResult, Uploads } from "../contract/models.ts";
import type { Models } from "./registry.ts";
import { nodesOf } from "./largest-fit.ts";
import { requireMemory } from "./require-memory.ts";
import type { UploadStore } from "./upload-store.ts";

const fail = (failure: Failure, cause?: unknown): never => {
  throw new FaultlineError(failure, { cause });
};

/** Grey levels that differ from pixel to pixel. */
const testPlanes = (planes: number, { height, width }: Size): Image =>
  tensorOf(
    "float32",
    [planes, height, width],
    Float32Array.from({ length: planes * height * width }, (_, i) => (i * 7919) % 256),
  );

/** One run on a small picture: what the runtime refuses is refused now. */
const tryOut = async ({ network, segmenter }: OpenModel, size: Size, cache: SessionCache): Promise<void> => {
  const picture = testPlanes(channelCount(network.manifest.input.channels), size);
  await requireProbabilities(network, picture, cache);
  const { confidence } = await segmenter.predict(picture);
  if (confidence.data.every((v) => v > 0 && v <= 1.0001)) return;
  const where = `a picture of ${size.width}×${size.height}`;
  throw new RuntimeError(`the output on ${where} gives confidences outside 0 to 1: it overflows, or is no probability`);
};

/** Maximum number of nodes; compiling and planning take time about linear in it. */
const MAX_NODES = 4096;

/** Names of operators are kept and listed with the model. */
const MAX_OPERATOR_LENGTH = 200;

const requireFewNodes = ({ graph }: Network["model"]): void => {
  const { length } = graph.nodes;
  if (length > MAX_NODES) throw new OnnxError(`has ${length} nodes; at most ${MAX_NODES} are taken`, "graph");
  const long = graph.nodes.find(({ op }) => op.length > MAX_OPERATOR_LENGTH);
  if (long)
    throw new OnnxError(
      `has an operator whose name has ${long.op.length} characters: ${long.op.slice(0, 100)}…`,
      "graph",
    );
};

/** Whose fault an error is: the manifest's or the file's. A RangeError is a stack or an array that no honest file asks for. */
const blamed = (cause: unknown): never => {
  if (cause instanceof ManifestError && cause.field !== undefined) {
    const pointer = `/manifest/${cause.field.replaceAll(".", "/")}`;
    return fail({ kind: "manifest-mismatch", errors: [{ pointer, detail: cause.detail }] }, cause);
  }
  if (cause instanceof OnnxError || cause instanceof RuntimeError || cause instanceof RangeError)
    return fail({ kind: "network-refused", reason: cause.message }, cause);
  throw cause;
};

/** Numbers that identify a network by name, where none is given. */
const NAME_DIGITS = 12;

/** The fields that say how a network is run; where one is missing, the network is run to find it. */
const described = ["classes", "input", "output", "precision"] as const;

/**
 * The manifest, under a file name that no other upload has: its digest is filled in or compared, and what is not given is found from
 * the file. `bytes` is the file that is kept, with all weights; a given digest may also be that of the file as it was sent.
 */
const completed = async ({ manifest: given, model: sent }: UploadRequest, bytes: Uint8Array, cache: SessionCache) => {
  const sha256 = await sha256Of(bytes);
  const { name = `network-${sha256.slice(0, NAME_DIGITS)}` } = given;
  try {
    withOwnFile(given);
    const digests = [sha256, bytes === sent ? sha256 : await sha256Of(sent)];
    if (given.sha256 !== undefined && !digests.includes(given.sha256))
      throw new ManifestError(`is another file's; this one's is ${sha256}`, "sha256");
    const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const file = `${sha256}-${crypto.randomUUID()}.onnx`;
    if (described.every((field) => given[field] !== undefined))
      return { manifest: parseManifest({ ...stated, name, sha256, file }), assumed: [] };
    const model = readPrepared(bytes);
    requireFewNodes(model);
    const { found, assumed } = await describeNetwork(model, { name, classes: given.classes }, testPlanes, cache);
    return { manifest: parseManifest({ ...found, assumed: [...assumed], ...stated, name, sha256, file }), assumed };
  } catch (cause) {
    return blamed(cause);
  }
};

/** The file that is kept. */
const whole = ({ model, data = [] }: UploadRequest): Uint8Array => {
  try {
    return wholeFile(model, data);
  } catch (cause) {
    return blamed(cause);
  }
};

const same = (a: Manifest, b: Manifest): boolean =>
  JSON.stringify({ ...a, file: "" }) === JSON.stringify({ ...b, file: "" });

/** Codes of the file system for a full disk, a quota that is reached, and a file that is too large for either. */
const fullCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

const written = async (writing: Promise<void>): Promise<void> => {
  try {
    await writing;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && fullCodes.has(String(cause.code)))
      fail({ kind: "storage-full" }, cause);
    throw cause;
  }
};

export interface UploadsOptions {
  readonly models: Models;
  readonly cache: SessionCache;
  readonly store: UploadStore;
  /** Networks that are kept. */
  readonly most: number;
}

export const createUploads = ({ models, cache, store, most }: UploadsOptions): Uploads => {
  /** What is told of a network that passes. */
  const examined = async (manifest: Manifest, bytes: Uint8Array): Promise<ModelInfo> => {
    try {
      const network = await checkedNetwork(manifest, bytes);
      requireFewNodes(network.model);
      const size = requireFit(network);
      const model = openModel(network, bytes.length, cache);
      requireMemory({ cache, segmenter: model.segmenter, nodes: nodesOf(network) }, size, []);
      await tryOut(model, size, cache);
      return modelInfo(model, cache);
    } catch (cause) {
      return blamed(cause);
    }
  };

  const add = async (request: UploadRequest): Promise<UploadResult> => {
    const wanted = request.manifest.name;
    if (wanted !== undefined && models.isShipped(wanted)) fail({ kind: "model-exists", model: wanted, sha256: null });
    const bytes = whole(request);
    const { manifest, assumed } = await completed(request, bytes, cache);
    const { name } = manifest;
    const former = await models.uploaded(name);
    if (former && same(former.manifest, manifest))
      return { outcome: "unchanged", model: await models.info(name), assumed };
    if (former && !request.replace) fail({ kind: "model-exists", model: name, sha256: former.manifest.sha256 });
    if (!former && (await store.list()).length >= most) fail({ kind: "uploads-full", most });
    const info = await examined(manifest, bytes);
    await written(store.write({ manifest, info, foundBy: models.foundBy }, bytes));
    if (former) await store.removeFile(name, former.manifest.file);
    return { outcome: former ? "replaced" : "created", model: info, assumed };
  };

  /** Also where the entry cannot be read any more. */
  const remove = async (name: string): Promise<void> => {
    if (models.isShipped(name)) fail({ kind: "model-shipped", model: name });
    const entry = await models.uploaded(name).catch((cause: unknown) => {
      if (cause instanceof FaultlineError && cause.failure.kind === "model-unavailable") return undefined;
      throw cause;
    });
    if (entry === null) fail({ kind: "unknown-model", model: name, accepted: await models.names() });
    await store.removeEntry(name);
    if (entry) await store.removeFile(name, entry.manifest.file);
  };

  return { add, remove };
};
