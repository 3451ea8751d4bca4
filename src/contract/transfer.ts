/** Adversarial images of some networks, scored on others. */

import type { AttackName } from "../attacks/catalogue.ts";
import type { Norm } from "../attacks/norms.ts";
import type { OptionValues } from "../attacks/options.ts";
import type { Evaluations } from "../evaluation/craft.ts";
import type { Sign } from "../evaluation/signs.ts";
import type { Perturbation } from "../evaluation/scores.ts";
import type { Size } from "../tensor.ts";
import type { Backend, RanOn } from "./options.ts";
import type { FloatAndUint8, Reference, Timings } from "./receipt.ts";
import type { PointScores } from "./robustness.ts";
import type { Label255, Warning } from "./warnings.ts";

/** An attack with nothing left open, and the networks; each list has a name once. */
export interface TransferSpec extends OptionValues {
  /** Networks whose objectives are climbed. */
  readonly sources: readonly string[];
  /** Networks that the images are scored on. */
  readonly targets: readonly string[];
  readonly attack: AttackName;
  /** Grey levels, in the norm; absent where an attack of minimum norm has no upper bound. */
  readonly epsilon?: number | undefined;
  readonly norm: Norm;
  readonly alpha: number;
  readonly steps: number;
  readonly label: "prediction" | "ground-truth";
  readonly pixelRange: "clip" | "none";
  readonly seed: number;
  readonly backend?: Backend | undefined;
  readonly label255?: Label255 | undefined;
}

export interface TransferRequest {
  readonly spec: TransferSpec;
  readonly image: Uint8Array;
  readonly labels?: Uint8Array | undefined;
}

/** What a network is, and where it ran. */
interface Ran {
  readonly model: string;
  readonly modelSha256: string;
  readonly backend: RanOn;
}

export interface TransferSource extends Ran {
  readonly perturbation: FloatAndUint8<Perturbation>;
  readonly masking: { readonly zeroGradientShare: number; readonly confidence: number };
  /** Of the attack on it. */
  readonly evaluations: Evaluations;
  /** What the attack itself showed. */
  readonly signs: readonly Sign[];
}

export interface TransferScores extends FloatAndUint8<PointScores> {
  readonly source: string;
  /** Whether the source is the target itself. */
  readonly whiteBox: boolean;
  /** Of the white-box attack: whether another network's image does more, so that its figure is no bound. */
  readonly signs: readonly Sign[];
}

export interface TransferTarget extends Ran {
  readonly clean: { readonly miou: number | null; readonly pixelAccuracy: number | null };
  /** In the order of the sources. */
  readonly from: readonly TransferScores[];
  /** The source whose 8-bit image leaves the lowest IoU ratio; `null` where no ratio is defined. */
  readonly mostEffective: string | null;
  /** The same among the other networks; `null` where there is none. */
  readonly mostEffectiveTransfer: string | null;
  /** Whether another network's image does more harm than the white-box attack, whose figure is then no bound. */
  readonly transferBeatsWhiteBox: boolean;
  readonly summary: string;
}

export interface TransferResult extends Size {
  readonly reference: Reference;
  readonly warnings: readonly Warning[];
  readonly sources: readonly TransferSource[];
  readonly targets: readonly TransferTarget[];
  readonly timings: Timings;
  readonly receipt: {
    readonly spec: TransferSpec;
    readonly seed: number;
    readonly versions: { readonly faultline: string; readonly onnxruntime: string };
  };
}
