/** Options of `faultline certify`. */

import { ROUNDINGS } from "../certify/bound-runs.ts";
import { METHODS, type Bounding } from "../certify/deterministic.ts";
import type { Smoothing } from "../certify/smoothing.ts";
import { UsageError } from "../node/failure.ts";
import { wholeNumber, type Options, type Values } from "../node/options.ts";
import { backendFlags } from "./backend.ts";

export const options = {
  method: {
    type: "string",
    value: "WHICH",
    default: "smoothing",
    help: "smoothing (L2, the smoothed network), or interval or linear (L∞, the network itself)",
  },
  sigma: {
    type: "string",
    value: "S,…",
    help: "of smoothing: standard deviations of the noise in grey levels (8,16,32)",
  },
  tau: {
    type: "string",
    value: "P",
    help: "of smoothing: probability that a label must exceed, 0.5 to below 1 (0.75)",
  },
  alpha: {
    type: "string",
    value: "P",
    help: "of smoothing: probability with which a picture's labels may be wrong (0.001)",
  },
  samples: {
    type: "string",
    value: "N0/N",
    help: "of smoothing: draws that choose each label, and that test it (100/1000)",
  },
  correction: {
    type: "string",
    value: "WHICH",
    help: "of smoothing, for many pixels: holm (the default) or bonferroni",
  },
  hierarchy: {
    type: "string",
    value: "manifest|FILE",
    help: "groups of classes to certify where no class can be, from the manifest or a JSON file",
  },
  seed: { type: "string", value: "N", default: "0", help: "of the noise, or of the choice of pixels" },
  epsilon: { type: "string", value: "E,…", help: "of interval and linear: radii in grey levels" },
  largest: {
    type: "boolean",
    help: "of interval and linear: look for the largest radius at which any pixel is certified",
  },
  pixels: { type: "string", value: "N", help: "of linear: pixels of each picture that are bounded (16)" },
  rounding: {
    type: "string",
    value: "WHICH",
    help: "of interval and linear: float32 rounding, bounded (the default) or ignored",
  },
  out: {
    type: "string",
    short: "o",
    value: "DIR|FILE",
    multiple: true,
    help: "DIR: maps of certified, wrong and abstained pixels; FILE.jsonl: certificates for faultline report",
  },
  state: { type: "string", value: "FILE", help: "keeps the counts, so that the same command continues after Ctrl-C" },
  manifest: { type: "string", value: "FILE", help: "the manifest of NET where NET is a file without one beside it" },
  labels: { type: "string", value: "FILE|DIR", help: "ground truth: one PNG, or a folder of NAME.png" },
  ...backendFlags,
  csv: { type: "boolean", help: "print the scores as CSV" },
} as const satisfies Options;

export type Given = Values<typeof options>;

const numberIn = (option: string, text: string, valid: (value: number) => boolean, range: string): number => {
  const value = Number(text);
  if (/^[\d.]+(e-?\d+)?$/i.test(text) && valid(value)) return value;
  throw new UsageError(`--${option} must be a number ${range}, not "${text}"`);
};

/** Flags of smoothing alone, and of bounds alone; what each is where it is not given stands in `smoothingsOf` and `boundsOf`. */
const ofSmoothing = ["sigma", "tau", "alpha", "samples", "correction", "state", "hierarchy"] as const;
const ofBounds = ["epsilon", "largest", "pixels", "rounding"] as const;

/** @throws UsageError for a flag that the method does not read. */
const refuseOthers = (values: Given, others: readonly (keyof Given)[], why: string): void => {
  const other = others.find((flag) => values[flag] !== undefined);
  if (other !== undefined) throw new UsageError(`--${other} ${why}`);
};

export const smoothingsOf = ({
  sigma = "8,16,32",
  tau = "0.75",
  alpha = "0.001",
  samples = "100/1000",
  correction = "holm",
  seed,
}: Given): readonly Smoothing[] => {
  const sigmas = sigma
    .split(",")
    .map((text) => numberIn("sigma", text.trim(), (s) => s > 0 && s <= 255, "greater than 0 and at most 255"));
  const [selection = "", tests = "", ...more] = samples.split("/");
  if (more.length > 0 || tests === "")
    throw new UsageError(`--samples must be two numbers such as 100/1000, not "${samples}"`);
  if (correction !== "holm" && correction !== "bonferroni")
    throw new UsageError(`--correction must be holm or bonferroni, not "${correction}"`);
  const shared = {
    tau: numberIn("tau", tau, (p) => p >= 0.5 && p < 1, "from 0.5 to below 1"),
    alpha: numberIn("alpha", alpha, (p) => p > 0 && p < 1, "between 0 and 1"),
    selection: wholeNumber("samples", selection, 1, 10_000),
    samples: wholeNumber("samples", tests, 1, 1_000_000),
    correction,
    seed: wholeNumber("seed", seed, 0, 0xffff_ffff),
  } as const;
  return sigmas.map((each) => ({ ...shared, sigma: each }));
};

export const WITHOUT_WEBGPU =
  "bounds count on IEEE 754 rounding, which WebGPU does not promise; --backend wasm or native has it";

/** The bounds that are asked for and their radii; null for smoothing. @throws UsageError */
export const boundsOf = (values: Given) => {
  const { method, rounding = "bounded", pixels = "16", seed, epsilon, largest = false, out } = values;
  if (method === "smoothing") {
    refuseOthers(values, ofBounds, "goes with --method interval or linear; smoothing takes --sigma");
    return null;
  }
  const known = METHODS.find((each) => each === method);
  if (!known) throw new UsageError(`--method must be smoothing, ${METHODS.join(" or ")}, not "${method}"`);
  refuseOthers(values, ofSmoothing, `goes with --method smoothing; ${known} takes --epsilon or --largest`);
  if (known === "interval")
    refuseOthers(values, ["pixels"], "goes with --method linear; intervals bound every pixel at once");
  const rounded = ROUNDINGS.find((each) => each === rounding);
  if (!rounded) throw new UsageError(`--rounding must be ${ROUNDINGS.join(" or ")}, not "${rounding}"`);
  if (values.backend === "webgpu") throw new UsageError(WITHOUT_WEBGPU);
  if (epsilon === undefined && !largest) throw new UsageError(`--method ${method} needs --epsilon E,… or --largest`);
  if (rounded === "ignored" && outsOf({ out }).certificates !== undefined)
    throw new UsageError("-o FILE.jsonl is for certificates, which bounds are only with --rounding bounded");
  const bounding: Bounding = {
    method: known,
    rounding: rounded,
    pixels: wholeNumber("pixels", pixels, 1, 2 ** 26),
    seed: wholeNumber("seed", seed, 0, 0xffff_ffff),
  };
  const radius = (text: string): number =>
    numberIn("epsilon", text.trim(), (e) => e > 0 && e <= 255, "greater than 0 and at most 255");
  return { bounding, largest, epsilons: epsilon === undefined ? [] : epsilon.split(",").map(radius) };
};

/** Where results go. */
export interface Outs {
  /** A folder of maps. */
  readonly maps: string | undefined;
  /** A file of certificates. */
  readonly certificates: string | undefined;
}

/** @throws UsageError where two folders or two files are named. */
export const outsOf = ({ out = [] }: Pick<Given, "out">): Outs => {
  const isFile = (path: string): boolean => /\.jsonl$/i.test(path);
  const [files, folders] = [out.filter(isFile), out.filter((path) => !isFile(path))];
  if (files.length > 1 || folders.length > 1)
    throw new UsageError("-o may name one folder of maps and one file .jsonl of certificates");
  return { maps: folders[0], certificates: files[0] };
};
