/** What a service tells of a network: its manifest, what its gradient supports, and the memory that its runs take. */

import { crossEntropyObjective } from "../objectives/cross-entropy.ts";
import { leastLikelyObjective } from "../objectives/least-likely.ts";
import type { Objective } from "../objectives/objective.ts";
import { nativeSize } from "../segmenter/size.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { attempt, footprintsOf, largestFit, nodesOf } from "./largest-fit.ts";
import type { OpenModel } from "./open.ts";
import type { ModelInfo } from "../contract/models.ts";
import type { MemoryFigures } from "./outlines.ts";
import type { Size } from "../tensor.ts";

/** Those of the attacks: each has a gradient graph of its own. */
const climbed: readonly Objective[] = [crossEntropyObjective(false), leastLikelyObjective()];

/** Memory grows linearly with the number of pixels: two sizes tell it for all. */
const reportedSizes = [
  { width: 320, height: 240 },
  { width: 640, height: 480 },
];

type Memory = NonNullable<ModelInfo["memory"]>[number];

/** Predictions at those sizes, or at the network's own; none where the network refuses a size. */
const memoryOf = ({ segmenter, unsupported }: OpenModel, cache: SessionCache): Memory[] => {
  const sizes = reportedSizes.map((size) => nativeSize(segmenter.manifest, size));
  const unique = sizes.filter((a, i) => i === sizes.findIndex((b) => a.width === b.width && a.height === b.height));
  const most = (size: Size, of: readonly Objective[]) =>
    Math.ceil(Math.max(...footprintsOf(segmenter, size, of).map((footprints) => cache.predict(footprints))));
  return unique.flatMap((size) =>
    attempt<Memory[]>(() => {
      const attackBytes = unsupported.length === 0 ? most(size, climbed) : null;
      return [{ ...size, segmentBytes: most(size, []), attackBytes }];
    }, []),
  );
};

/** Everything but the memory. `bytes`: the size of the network's file. */
export const outlineFrom = (
  manifest: Manifest,
  { bytes, unsupported }: Pick<OpenModel, "bytes" | "unsupported">,
): ModelInfo => {
  const { file: _file, output: _output, input: described, ...stated } = manifest;
  const { name: _name, layout: _layout, ...input } = described;
  const gradient = { supported: unsupported.length === 0, unsupportedOperators: unsupported };
  return { ...stated, bytes, input, gradient };
};

export const outlineOf = (model: OpenModel): ModelInfo => outlineFrom(model.segmenter.manifest, model);

/** The predicted memory of the model's runs. It compiles graphs of about a dozen sizes. */
export const figuresOf = (model: OpenModel, cache: SessionCache): MemoryFigures => {
  const { segmenter, unsupported } = model;
  const largestAttack =
    unsupported.length === 0
      ? largestFit({ segmenter, cache, nodes: nodesOf(model.network) }, { width: 4096, height: 3072 }, climbed)
      : null;
  return { memory: memoryOf(model, cache), ...(largestAttack ? { largestAttack } : {}) };
};

export const modelInfo = (model: OpenModel, cache: SessionCache): ModelInfo => ({
  ...outlineOf(model),
  ...figuresOf(model, cache),
});
