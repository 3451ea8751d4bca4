/** Weights of classes on a command line. */

import type { AttackName } from "../attacks/catalogue.ts";
import { classWeightsMisplaced } from "../attacks/option-faults.ts";
import { weightsFault, type ClassWeights } from "../evaluation/class-weights.ts";
import { UsageError } from "../node/failure.ts";
import type { Options } from "../node/options.ts";
import type { Manifest } from "../segmenter/manifest.ts";

export const classWeightsFlag = {
  "class-weights": {
    type: "string",
    value: "W",
    help: "weights of the classes, W,W,… in their order, for the class-balanced loss of sea",
  },
} as const satisfies Options;

/** @throws UsageError for weights that the attack or the network does not take. */
export const weightsFrom = (
  { "class-weights": text }: { readonly "class-weights"?: string | undefined },
  attack: AttackName,
  { classes }: Manifest,
): ClassWeights | undefined => {
  if (text === undefined) return undefined;
  const weights = text.split(",").map((each) => (each.trim() === "" ? Number.NaN : Number(each)));
  const fault = classWeightsMisplaced(attack) ?? weightsFault(weights, classes);
  if (fault !== null) throw new UsageError(`--class-weights ${fault}`);
  return weights;
};
