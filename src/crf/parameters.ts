/** The parameters of a fully connected CRF. */

/** μ(l, l'), [C, C]: the cost of label l next to label l'. */
export type Compatibility = readonly (readonly number[])[];

/**
 * The symbols are those of Krähenbühl and Koltun (2011) and of Zheng et al. (CRF-RNN, 2015); mean-field.ts has the
 * definition.
 */
export interface CrfParameters {
  /** Mean-field iterations, 1 to 20. */
  readonly iterations: number;
  /** The smoothness kernel w⁽²⁾·exp(−|pᵢ − pⱼ|²/2θ_γ²), θ_γ in pixels. */
  readonly gaussian: { readonly weight: number; readonly theta: number };
  /**
   * The appearance kernel w⁽¹⁾·exp(−|pᵢ − pⱼ|²/2θ_α² − |Iᵢ − Iⱼ|²/2θ_β²), θ_α in pixels, θ_β in grey levels of 0..255.
   */
  readonly bilateral: { readonly weight: number; readonly thetaAlpha: number; readonly thetaBeta: number };
  /** Potts, μ(l, l') = [l ≠ l'], is the default. */
  readonly compatibility?: "potts" | Compatibility;
}

/** CRF-RNN as released (crfasrnn: 160, 3, 3; 5 and 3), with the 10 iterations that it makes at test time. */
export const crfRnn: CrfParameters = {
  iterations: 10,
  gaussian: { weight: 3, theta: 3 },
  bilateral: { weight: 5, thetaAlpha: 160, thetaBeta: 3 },
};

/** A parameter that is out of range; `field` names it, as in "bilateral.thetaBeta". */
export class CrfParameterError extends RangeError {
  override readonly name = "CrfParameterError";
  readonly field: string;
  constructor(field: string, value: unknown, accepted: string) {
    super(`crf: ${field} is ${String(value)}; it must be ${accepted}`);
    this.field = field;
  }
}

export const MAX_ITERATIONS = 20;
/**
 * Bounds on standard deviations, in pixels or grey levels. Below the lower one no pixel has a neighbour; above the
 * upper one all pixels coincide.
 */
export const MIN_THETA = 0.25;
export const MAX_THETA = 1e4;
export const MAX_WEIGHT = 100;

/** @throws CrfParameterError for the first parameter that is out of range. */
export const checkParameters = ({ iterations, gaussian, bilateral, compatibility }: CrfParameters): void => {
  if (!(Number.isInteger(iterations) && iterations >= 1 && iterations <= MAX_ITERATIONS))
    throw new CrfParameterError("iterations", iterations, `a whole number from 1 to ${MAX_ITERATIONS}`);
  const requireRange = (field: string, value: number, least: number, most: number): void => {
    if (!(value >= least && value <= most)) throw new CrfParameterError(field, value, `from ${least} to ${most}`);
  };
  requireRange("gaussian.weight", gaussian.weight, 0, MAX_WEIGHT);
  requireRange("gaussian.theta", gaussian.theta, MIN_THETA, MAX_THETA);
  requireRange("bilateral.weight", bilateral.weight, 0, MAX_WEIGHT);
  requireRange("bilateral.thetaAlpha", bilateral.thetaAlpha, MIN_THETA, MAX_THETA);
  requireRange("bilateral.thetaBeta", bilateral.thetaBeta, MIN_THETA, MAX_THETA);
  if (compatibility === undefined || compatibility === "potts") return;
  const size = Array.isArray(compatibility) ? compatibility.length : 0;
  const square = size > 0 && compatibility.every((row) => row.length === size && row.every(Number.isFinite));
  if (!square) throw new CrfParameterError("compatibility", compatibility, '"potts" or a square matrix of numbers');
};

/** The first parameter that is out of range, as an error; null if there is none. */
export const crfFault = (parameters: CrfParameters): CrfParameterError | null => {
  try {
    checkParameters(parameters);
    return null;
  } catch (cause) {
    if (cause instanceof CrfParameterError) return cause;
    throw cause;
  }
};
