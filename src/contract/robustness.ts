/** A curve of attacks on an image, and the smallest that breaks the network. */

import type { Backend, CrfChoice, TransformChoice } from "./options.ts";
import type { AttackName } from "../attacks/catalogue.ts";
import type { Norm } from "../attacks/norms.ts";
import type { OptionValues } from "../attacks/options.ts";
import type { Flag } from "../evaluation/orders.ts";
import type { Row } from "../evaluation/row.ts";
import type { Sign } from "../evaluation/signs.ts";
import type { GivenSpec } from "../evaluation/spec.ts";
import type { Label255, Warning } from "./warnings.ts";
import type { FloatAndUint8, Receipt, Reference, Timings } from "./receipt.ts";
import type { Size } from "../tensor.ts";

/** An attack of a grid; with options that differ from its defaults, as an object. */
export type GridAttack = AttackName | ({ readonly attack: AttackName } & OptionValues);

/** The name and the options of its own. */
export const gridAttack = (entry: GridAttack): { readonly attack: AttackName } & OptionValues =>
  typeof entry === "string" ? { attack: entry } : entry;

/** A grid with nothing left open; ε ascending and unique, attacks unique by name. */
export interface RobustnessSpec extends TransformChoice {
  readonly model: string;
  readonly attacks: readonly GridAttack[];
  /** Grey levels, in the norm. */
  readonly epsilons: readonly number[];
  readonly norm: Norm;
  /** Each attack's own where it is absent. */
  readonly alpha?: number | undefined;
  /** Broken where the IoU ratio is below this. */
  readonly threshold: number;
  readonly label: "prediction" | "ground-truth";
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  /** In place of the model's own. */
  readonly crf?: CrfChoice | undefined;
  /** The service's own where it is absent. */
  readonly backend?: Backend | undefined;
  readonly label255?: Label255 | undefined;
}

/** An image with its ground truth. */
export interface Labelled {
  readonly image: Uint8Array;
  readonly labels?: Uint8Array | undefined;
}

export interface RobustnessRequest extends Labelled {
  readonly spec: RobustnessSpec;
}

/** The same grid on several different images. */
export interface RobustnessSetRequest {
  readonly spec: RobustnessSpec;
  readonly pictures: readonly Labelled[];
}

/** An image of a request that is answered later, and the ids of its units: of the clean image, then of each point of the curve. */
export interface PreparedPicture extends Size {
  /** The paths of its files in the data set of the request. */
  readonly image: string;
  readonly labels?: string | undefined;
  readonly warnings: readonly Warning[];
  readonly units: readonly string[];
}

/** What is known of a request before its first attack, and what its answer is made of beside the rows. Plain data. */
export interface PreparedRobustness {
  /** With the transformations that run. */
  readonly spec: RobustnessSpec;
  /** The same as an evaluation of a data set of these images, which lacks its name. */
  readonly evaluation: GivenSpec;
  readonly pictures: readonly PreparedPicture[];
  /** What the receipt notes about the network. */
  readonly notes: readonly string[];
}

/** The rows of all units, as JSON Lines in any order, and what they took in milliseconds of a processor. */
export interface ConcludeRequest {
  readonly prepared: PreparedRobustness;
  readonly rows: Uint8Array;
  readonly milliseconds: number;
}

export type PointScores = { readonly [K in "iouRatio" | "miou" | "pixelAccuracy"]: number | null };

export interface CurvePoint extends FloatAndUint8<PointScores> {
  readonly attack: AttackName;
  readonly epsilon: number;
  readonly steps: number;
  /** What the attack itself showed. */
  readonly signs: readonly Sign[];
}

/** A point among the others of its curve. */
export interface FlaggedPoint extends CurvePoint {
  /** What ought to do less and does more, so that the point is no bound. */
  readonly flags: readonly Flag[];
}

/** `onPoint` gets each point of the curve as it is measured; `index` counts from 1. */
export interface RobustnessRun {
  readonly onPoint?: (point: CurvePoint, index: number, total: number) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

/** The smallest ε of the grid that breaks the network; `null` where none does. */
export type SmallestEpsilon = FloatAndUint8<number | null>;

/** The work of a request, which is limited. */
export interface Cost {
  readonly pixels: number;
  /** Steps of all attacks together. */
  readonly steps: number;
  /** Pixels × steps. */
  readonly work: number;
  /** The most work that the service accepts. */
  readonly maxWork: number;
}

export interface RobustnessResult extends Size {
  readonly reference: Reference;
  /** Void pixels of the reference, which no score counts. */
  readonly voidPixels: number;
  readonly warnings: readonly Warning[];
  readonly threshold: number;
  readonly clean: { readonly miou: number | null; readonly pixelAccuracy: number | null };
  readonly curve: readonly FlaggedPoint[];
  readonly breaking: readonly (SmallestEpsilon & { readonly attack: AttackName })[];
  readonly smallestEpsilon: SmallestEpsilon;
  /**
   * `broken` where any attack breaks it, as float or rounded to 8 bits; `undecided` where none does and `signs` say why that means
   * little; else `not-broken`.
   */
  readonly verdict: "broken" | "undecided" | "not-broken";
  /** Signs of a masked gradient: the largest share of exactly zero components at pixels that the network reads, and the mean clean confidence. */
  readonly masking: { readonly zeroGradientShare: number; readonly confidence: number };
  /** Signs that the curve shows less than the attacks could do. */
  readonly signs: readonly Sign[];
  /** The verdict in a sentence. */
  readonly summary: string;
  readonly cost: Cost;
  /** The counts that all of this was made of: the clean image, then a row for each point. */
  readonly rows: readonly Row[];
  readonly timings: Timings;
  readonly receipt: Receipt<RobustnessSpec>;
}

/** A score of a set, and its 95 % interval over the images; null where it is undefined. */
export interface Estimate {
  readonly value: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** Counts are pooled over the images, then scores are taken; `nmiou` is the mean of the images' own mIoUs. */
export interface PooledScores {
  readonly miou: Estimate;
  readonly nmiou: Estimate;
  readonly pixelAccuracy: Estimate;
}

/** Of the images as computed, and the ratio of those rounded to 8 bits. */
export interface PooledPoint extends PooledScores {
  readonly attack: AttackName;
  readonly epsilon: number;
  readonly steps: number;
  readonly iouRatio: Estimate;
  readonly iouRatioUint8: number | null;
  /** What ought to do less and does more over the images together. */
  readonly flags: readonly Flag[];
}

/** The grid on several images, each on its own and pooled. */
export interface RobustnessSetResult {
  /** In the order of the request. */
  readonly images: readonly RobustnessResult[];
  readonly reference: Reference;
  readonly threshold: number;
  /** Draws of the images, from which the intervals come. */
  readonly bootstrap: { readonly replicates: number; readonly seed: number };
  readonly clean: PooledScores;
  readonly curve: readonly PooledPoint[];
  readonly breaking: readonly (SmallestEpsilon & { readonly attack: AttackName })[];
  readonly smallestEpsilon: SmallestEpsilon;
  /**
   * `broken` where the whole interval of a point lies below the threshold; `not-broken` where no pooled IoU ratio is below it, no interval
   * reaches it, and neither an image nor the pooled curve has signs; else `undecided`.
   */
  readonly verdict: RobustnessResult["verdict"];
  /** Signs that the pooled curve shows less than the attacks could do; those of single images are with them. */
  readonly signs: readonly Sign[];
  readonly summary: string;
  /** Pixels of all images, steps of the grid on one, and the work of all. */
  readonly cost: Cost;
  readonly timings: Timings;
}

/** The result of one image as it is answered: its rows are an answer of their own, of megabytes. */
export type RobustnessAnswer = Omit<RobustnessResult, "rows">;

/** The same of several images. */
export type RobustnessSetAnswer = Omit<RobustnessSetResult, "images"> & {
  readonly images: readonly RobustnessAnswer[];
};

const oneWithoutRows = (result: RobustnessResult): RobustnessAnswer => {
  const { rows: _, ...answer } = result;
  return answer;
};

export const withoutRows = (result: RobustnessResult | RobustnessSetResult): RobustnessAnswer | RobustnessSetAnswer =>
  "images" in result ? { ...result, images: result.images.map(oneWithoutRows) } : oneWithoutRows(result);
