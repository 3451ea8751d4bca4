/** A network one can attack: images in, labels and gradients out. */

import { capturable } from "../lowering/webgpu/kernels.ts";
import type { Footprint } from "../runtime/memory/memory.ts";
import type { Runtime } from "../runtime/session.ts";
import { type Size, spatialSize, tensor, type Tensor } from "../tensor.ts";
import type { Clock } from "../objectives/objective.ts";
import {
  aimedAt,
  gradientFrom,
  valueFrom,
  type Aim,
  type Evaluate,
  type Feeds,
  type Image,
  type Labels,
  type SegmentationValue,
} from "./aim.ts";
import { expectation } from "./expectation.ts";
import type { Defence } from "./defence.ts";
import { climbing, type DeviceClimb } from "./climb.ts";
import { createFronts, type Front } from "./front.ts";
import { createGraphs, createRemembered, type Evaluated, type Graph, type Kind, type Remembered } from "./graphs.ts";
import type { Manifest } from "./manifest.ts";
import { atScales } from "./ensemble.ts";
import type { Network } from "./network.ts";
import { readShare } from "./reads.ts";
import { refinementOf, expectedRefinement, type Crf, type Refinement } from "./refinement.ts";
import type { SessionCache } from "./session-cache.ts";

export type { Aim, Evaluate, Image, Labels, SegmentationEvaluation, SegmentationValue } from "./aim.ts";
export type { Evaluated } from "./graphs.ts";

/** What a network sees in an image [P,H,W]. */
export interface Prediction {
  readonly labels: Labels;
  /** float32 [H,W]: the largest class probability of each pixel. */
  readonly confidence: Tensor<"float32">;
}

/** A network with its preprocessing: images [P,H,W] in grey levels in, labels [H,W] and gradients out. */
export interface Segmenter {
  readonly manifest: Manifest;
  /** Where its graphs run, and what executes them. */
  readonly runs: Pick<Runtime, "backend" | "version">;
  /** The CRF behind the network. */
  readonly crf: Crf | null;
  /** The transformations before the network, and how attacks take them. A CRF sees the image itself. */
  readonly defence: Defence | null;
  /** @throws MemoryBudgetError where the run would not fit. */
  readonly predict: (image: Image) => Promise<Prediction>;
  /** @throws UnsupportedOperatorError, MemoryBudgetError when it is evaluated. */
  readonly objective: (aim: Aim) => Evaluate;
  /** The same without the gradient, for any network. @throws MemoryBudgetError when it is evaluated. */
  readonly value: (aim: Aim) => Evaluate<SegmentationValue>;
  /**
   * How an objective is climbed without leaving the backend's device; null where the backend has none, where each image has a
   * graph of its own (through a CRF), or where the objective is random (by a transformation).
   */
  readonly onDevice: (aim: Aim) => DeviceClimb | null;
  /**
   * Share of the pixels of an image of this size that may have influence on an objective at a step of an attack: resizing to less than half
   * the size steps over the others, whose gradient is zero.
   */
  readonly readShare: (image: Image, at: Clock) => number;
  /** Sessions that an attack on an image of this size holds: the forward one and the objective's. */
  readonly attackFootprints: (size: Size, evaluated: Evaluated) => readonly Footprint[];
  readonly forwardFootprint: (size: Size) => Footprint;
  /** The same network with another CRF behind it, or with none. */
  readonly withCrf: (crf: Crf | null) => Segmenter;
  /**
   * The same network with other transformations before it, or with none.
   * @throws TransformError for a transformation out of range; RangeError for a number of draws that is.
   */
  readonly withTransform: (defence: Defence | null) => Segmenter;
  /**
   * The same network as it sees an image at these scales, whose logits are fused by their largest or their mean.
   * @throws ManifestError where the network has one size alone, or a scale is there twice.
   */
  readonly withScales: (scales: readonly number[], fusion?: Manifest["fusion"]) => Segmenter;
}

/** The manifest's CRF is part of the network: attacks climb through it. */
const ownCrf = ({ manifest: { crf } }: Network): Crf | null => (crf ? { parameters: crf, attacked: true } : null);

/** The manifest's transformations too: attacks climb through them. */
const ownDefence = ({ manifest: { transform } }: Network): Defence | null =>
  transform ? { transform, seed: 0, through: "differentiable", draws: 1 } : null;

/** A segmenter over a network; its sessions live in `cache`, which several segmenters may share. */
export const createSegmenter = (
  network: Network,
  cache: SessionCache,
  crf: Crf | null = ownCrf(network),
  defence: Defence | null = ownDefence(network),
): Segmenter => segmenterOf(network, cache, { crf, defence }, createRemembered());

/** What a network stands between. */
interface Around {
  readonly crf: Crf | null;
  readonly defence: Defence | null;
}

const segmenterOf = (
  network: Network,
  cache: SessionCache,
  { crf, defence }: Around,
  remembered: Remembered,
): Segmenter => {
  const fronts = defence && createFronts(defence);
  const { manifest } = network;
  const { backend } = cache.runtime;
  const graphs = createGraphs(network, cache, remembered);
  const compile = (kind: Kind, size: Size, refinement?: Refinement): Graph =>
    graphs.of(kind, size, { refinement, front: frontOf(kind), room: () => gradientRoom(size) });
  /** An attack holds the forward session beside the gradient's. */
  const gradientRoom = (size: Size): number => cache.roomBeside([usual("forward", size).footprint]);
  /** A value is a score: it is of the refined labels, as predictions are. */
  const crfOf = (kind: Kind): Crf | null => (kind === "forward" || "scored" in kind || crf?.attacked ? crf : null);
  const frontOf = (kind: Kind): Front | undefined =>
    kind === "forward" || "scored" in kind ? fronts?.scored : fronts?.climbed;
  /** For an image of this size, not yet seen. */
  const usual = (kind: Kind, size: Size): Graph => {
    const stage = crfOf(kind);
    return compile(kind, size, stage ? expectedRefinement(stage, size) : undefined);
  };
  /** The graph of a batch, where nothing stands around the network that is of one image. */
  const graphOfBatch = (kind: Kind, size: Size, single: Graph) => {
    const isBare = !crfOf(kind) && !frontOf(kind);
    return (batch: number): Graph | null => {
      if (batch === 1) return single;
      return isBare ? graphs.ofBatch(kind, size, batch) : null;
    };
  };
  const run = async (kind: Kind, image: Image, feeds: Feeds = {}) => {
    const stage = crfOf(kind);
    const lattice = stage && refinementOf(stage, image, backend);
    const size = spatialSize(image);
    const graphOf = graphOfBatch(kind, size, compile(kind, size, lattice?.refinement));
    return cache.gather.run(graphOf, { image: batched(image), ...feeds, ...lattice?.feeds });
  };

  const predict = async (image: Image): Promise<Prediction> => {
    const size = spatialSize(image);
    const { labels, confidence } = await run("forward", image, fronts?.ofPrediction(image));
    const shape = [size.height, size.width];
    return {
      labels: tensor("uint8", shape, labels!.data as Uint8Array<ArrayBuffer>),
      confidence: tensor("float32", shape, confidence!.data as Float32Array<ArrayBuffer>),
    };
  };

  /** The inputs of the transformations at a step of an attack, where the graph has them. */
  const drawsOf = (kind: Kind, image: Image, at: Clock, sample: number) =>
    frontOf(kind) && fronts?.ofStep(image, at, sample);

  /** Evaluates an objective by graphs of this kind, over the draws of the transformations. @param give makes the result of a run. */
  const evaluated = <E extends SegmentationValue>(
    kind: Kind,
    { objective, labels }: Aim,
    give: (outputs: Feeds, image: Image, seen: SegmentationValue) => E,
  ): Evaluate<E> => {
    const { target, countedPixels } = aimedAt(labels, manifest.void);
    return async (image, at = { step: 1, steps: 1 }, feeds = {}) =>
      expectation(fronts?.draws ?? 1, async (sample) => {
        const drawn = drawsOf(kind, image, at, sample);
        const outputs = await run(kind, image, { ...target, ...objective.feeds?.(at), ...feeds, ...drawn });
        return give(outputs, image, valueFrom(outputs, image, objective, countedPixels(image)));
      });
  };

  const onDevice = ({ objective: climbed, labels: given }: Aim): DeviceClimb | null => {
    if (!cache.runtime.createAscent || crfOf(climbed) || fronts?.random) return null;
    const { target, countedPixels } = aimedAt(given, manifest.void);
    return climbing({
      objective: climbed,
      countedPixels,
      feeds: (start, at) => ({ image: batched(start), ...target, ...drawsOf(climbed, start, at, 0) }),
      ascend: (start, request, watch) => {
        const size = spatialSize(start);
        const graphOf = graphOfBatch(climbed, size, compile(climbed, size));
        const source = (batch: number) => {
          const graph = graphOf(batch);
          return graph && { ...graph, capture: capturable(graph.model().graph) };
        };
        return cache.gather.ascend(source, request, watch);
      },
    });
  };

  return {
    manifest,
    runs: { backend, version: cache.runtime.version },
    crf,
    defence,
    predict,
    objective: (aim) =>
      evaluated(aim.objective, aim, (outputs, image, seen) => ({
        gradient: gradientFrom(outputs, image, aim.objective),
        ...seen,
      })),
    value: (aim) => evaluated({ scored: aim.objective }, aim, (_outputs, _image, seen) => seen),
    onDevice,
    readShare: (image, at) => readShare(network, fronts, image, at),
    forwardFootprint: (size) => usual("forward", size).footprint,
    attackFootprints: (size, evaluated) => (["forward", evaluated] as const).map((kind) => usual(kind, size).footprint),
    withCrf: (other) => segmenterOf(network, cache, { crf: other, defence }, remembered),
    withTransform: (other) => segmenterOf(network, cache, { crf, defence: other }, remembered),
    withScales: (scales, fusion) => segmenterOf(atScales(network, scales, fusion), cache, { crf, defence }, remembered),
  };
};

const batched = (image: Image): Image => tensor("float32", [1, ...image.shape], image.data);
