/** A network one can attack: images in, labels and gradients out. */

import { capturable } from "../lowering/webgpu/kernels.ts";
import { writeModel } from "../onnx/write.ts";
import type { Footprint } from "../runtime/memory/memory.ts";
import { RuntimeError, type AscentRequest, type AscentWatch, type Session } from "../runtime/session.ts";
import { tensor, type Tensor } from "../tensor.ts";
import { compileForward, compileGradient, type Compiled, type LossLabels } from "./compile.ts";
import type { Manifest } from "./manifest.ts";
import type { Network } from "./network.ts";
import { refinementOf, usualRefinement, type Crf, type Refinement } from "./refinement.ts";
import type { SessionCache } from "./session-cache.ts";
import type { Size } from "./size.ts";

/** float32 [3,H,W], RGB, grey levels 0..255. */
export type Image = Tensor<"float32">;
/** uint8 [H,W], class indices, 255 = void. */
export type Labels = Tensor<"uint8">;

/** What a network sees in an image [3,H,W]. */
export interface Prediction {
  readonly labels: Labels;
  /** float32 [H,W]: the largest class probability of each pixel. */
  readonly confidence: Tensor<"float32">;
}

/** What an attack wants of each pixel: another class than given, the given one, or the least likely of the moment. */
export type Goal = { readonly kind: "away" | "towards"; readonly labels: Labels } | { readonly kind: "least-likely" };

export interface SegmentationEvaluation {
  /** ∂ value / ∂ image [3,H,W]. */
  readonly gradient: Image;
  /** What is climbed: the cross-entropy summed over the pixels, or its negative where labels are approached. */
  readonly value: number;
  /** The mean cross-entropy over the pixels that are not void. */
  readonly loss: number;
  /** The prediction at this image. */
  readonly labels: Labels;
}

/** A sign ascent from `start`; α is the size of its steps, towards the goal's labels or away from them. */
export type DeviceAscent = Omit<AscentRequest, "feeds"> & { readonly start: Image };

/** The ascent on the backend's device. The steps' losses are means over the pixels that are not void. */
export type DeviceClimb = (ascent: DeviceAscent, watch?: AscentWatch) => Promise<Image>;

/** A network with its preprocessing: images [3,H,W] in grey levels in, labels [H,W] and gradients out. */
export interface Segmenter {
  readonly manifest: Manifest;
  /** The CRF behind the network. */
  readonly crf: Crf | null;
  /** @throws MemoryBudgetError where the run would not fit. */
  readonly predict: (image: Image) => Promise<Prediction>;
  /** The objective whose ascent reaches the goal. @throws UnsupportedOperatorError, MemoryBudgetError when it is evaluated. */
  readonly objective: (goal: Goal) => (image: Image) => Promise<SegmentationEvaluation>;
  /**
   * How that objective is climbed without leaving the backend's device; null where it has none, or where each image has a graph
   * of its own (through a CRF).
   */
  readonly onDevice: (goal: Goal) => DeviceClimb | null;
  /** Sessions that an attack on an image of this size holds: the forward one and the gradient's. */
  readonly attackFootprints: (size: Size, goal: Goal["kind"]) => readonly Footprint[];
  readonly forwardFootprint: (size: Size) => Footprint;
  /** The same network with another CRF behind it, or with none. */
  readonly withCrf: (crf: Crf | null) => Segmenter;
}

const sizeOfImage = ({ shape }: Image): Size => ({ height: shape[1]!, width: shape[2]! });

type Kind = "forward" | LossLabels;

/** How many compiled graphs are remembered; each is a few megabytes outside the WASM memory. */
const REMEMBERED = 4;

/** The manifest's CRF is part of the network: attacks climb through it. */
const ownCrf = ({ manifest: { crf } }: Network): Crf | null => (crf ? { parameters: crf, attacked: true } : null);

/** A segmenter over a network; its sessions live in `cache`, which several segmenters may share. */
export const createSegmenter = (
  network: Network,
  cache: SessionCache,
  crf: Crf | null = ownCrf(network),
): Segmenter => {
  const { manifest } = network;
  const { backend } = cache.runtime;
  const remembered = new Map<string, Compiled>();
  // Preprocessing is part of a graph: networks of one name and file may differ in it.
  const identity = JSON.stringify(manifest);
  const compile = (kind: Kind, size: Size, refinement?: Refinement): Compiled & { readonly key: string } => {
    const key = `${identity} ${size.height}×${size.width} ${kind} ${JSON.stringify(refinement)}`;
    const known = remembered.get(key);
    const whole = refinement ? { ...network, refinement } : network;
    const compiled =
      known ??
      (kind === "forward"
        ? compileForward(whole, size, backend)
        : compileGradient(whole, size, kind, gradientRoom(size), backend));
    remembered.delete(key);
    remembered.set(key, compiled);
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!);
    return { ...compiled, key };
  };
  /** An attack holds the forward session beside the gradient's. */
  const gradientRoom = (size: Size): number => cache.room() - usual("forward", size).footprint.staticBytes;
  const crfOf = (kind: Kind): Crf | null => (kind === "forward" || crf?.attacked ? crf : null);
  /** For an image of this size, not yet seen. */
  const usual = (kind: Kind, size: Size): Compiled => {
    const stage = crfOf(kind);
    return compile(kind, size, stage ? usualRefinement(stage, size) : undefined);
  };
  const run = async (kind: Kind, image: Image, feeds: Readonly<Record<string, Tensor>> = {}) => {
    const stage = crfOf(kind);
    const lattice = stage && refinementOf(stage, image, backend);
    const { key, footprint, model } = compile(kind, sizeOfImage(image), lattice?.refinement);
    const session: Session = await cache.session({ key, footprint, bytes: () => writeModel(model) });
    return session.run({ image: batched(image), ...feeds, ...lattice?.feeds });
  };

  const predict = async (image: Image): Promise<Prediction> => {
    const size = sizeOfImage(image);
    const { labels, confidence } = await run("forward", image);
    const shape = [size.height, size.width];
    return {
      labels: tensor("uint8", shape, labels!.data as Uint8Array<ArrayBuffer>),
      confidence: tensor("float32", shape, confidence!.data as Float32Array<ArrayBuffer>),
    };
  };

  const objective = (goal: Goal) => {
    const { against, sense, target, count } = towards(goal, manifest.void);
    return async (image: Image): Promise<SegmentationEvaluation> => {
      const size = sizeOfImage(image);
      const { gradient, loss, labels } = await run(against, image, target);
      const raw = gradient!.data as Float32Array<ArrayBuffer>;
      const total = Number(loss!.data[0]);
      if (!Number.isFinite(total)) throw new RuntimeError(`the network's loss is ${total}: its output overflows`);
      return {
        gradient: tensor("float32", image.shape, sense > 0 ? raw : negated(raw)),
        value: sense * total,
        loss: total / count(image),
        labels: tensor("uint8", [size.height, size.width], labels!.data as Uint8Array<ArrayBuffer>),
      };
    };
  };

  const onDevice = (goal: Goal): DeviceClimb | null => {
    const { against, sense, target, count } = towards(goal, manifest.void);
    if (!cache.runtime.createAscent || crfOf(against)) return null;
    return async ({ start, alpha, ...ascent }, { onStep, signal } = {}) => {
      const { key, footprint, model } = compile(against, sizeOfImage(start));
      const source = { key, footprint, bytes: () => writeModel(model) };
      const session = await cache.ascent(source, { capture: capturable(model.graph) });
      const moved = await session.ascend(
        { ...ascent, alpha: sense * alpha, feeds: { image: batched(start), ...target } },
        { signal, onStep: onStep && ((step) => onStep({ ...step, loss: step.loss / count(start) })) },
      );
      return tensor("float32", start.shape, moved);
    };
  };

  return {
    manifest,
    crf,
    predict,
    objective,
    onDevice,
    forwardFootprint: (size) => usual("forward", size).footprint,
    attackFootprints: (size, goal) =>
      (["forward", goal === "least-likely" ? "least-likely" : "given"] as const).map(
        (kind) => usual(kind, size).footprint,
      ),
    withCrf: (other) => createSegmenter(network, cache, other),
  };
};

/** What a goal means for the graph: labels to feed, the loss's sign, and over how many pixels the loss is a sum. */
const towards = (goal: Goal, voidLabel: number) => {
  if (goal.kind === "least-likely")
    return { against: goal.kind, sense: -1, target: {}, count: ({ shape }: Image) => shape[1]! * shape[2]! } as const;
  const counted = Math.max(countOther(goal.labels.data, voidLabel), 1);
  const sense = goal.kind === "away" ? 1 : -1;
  return { against: "given", sense, target: { target: int32(goal.labels) }, count: () => counted } as const;
};

const batched = (image: Image): Image => tensor("float32", [1, ...image.shape], image.data);

/** In place: what a run gives is the caller's. */
const negated = (values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> => {
  for (let i = 0; i < values.length; i++) values[i] = -values[i]!;
  return values;
};

/** How many labels are not `label`. */
const countOther = (labels: Uint8Array, label: number): number => {
  let count = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] !== label) count += 1;
  return count;
};

const int32 = (labels: Labels): Tensor<"int32"> => tensor("int32", [1, ...labels.shape], Int32Array.from(labels.data));
