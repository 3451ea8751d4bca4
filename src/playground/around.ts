/**
 * What the visitor puts around a network: transformations before it and a CRF behind it, in place of what its manifest has; and the
 * scales that attacks climb through.
 */

import { crfRnn } from "../crf/parameters.ts";
import type { Setting } from "../evaluation/settings.ts";
import type { TransformName } from "../transforms/catalogue.ts";

/** By names. */
export interface Around {
  /** With the options' defaults, in the order in which an image passes them; none: the manifest's own. */
  readonly transform: readonly TransformName[];
  /** `own`: the manifest's, if it has one. */
  readonly crf: "own" | "none" | "crf-rnn";
  /** At which attacks see the picture, as in `0.5,0.75,1:mean`; the network is scored at its own. */
  readonly scales: "own" | `${number}` | `${number},${string}`;
}

const asItIs = ({ transform, crf }: Around) => ({ transform: transform.length === 0, crf: crf === "own" });

const transformsOf = ({ transform }: Around) => transform.map((name) => ({ name }));
const crfOf = ({ crf }: Around) => (crf === "crf-rnn" ? ({ ...crfRnn, attacked: true } as const) : "none");

/** What is climbed in place of the network at its own scales; nothing for those. */
const scalesOf = ({ scales }: Around): Pick<Setting, "scales" | "fusion"> => {
  if (scales === "own") return {};
  const [at = "", fusion] = scales.split(":");
  return { scales: at.split(",").map(Number), ...(fusion === "mean" && { fusion }) };
};

/** As evaluations have it: attacks take the gradient of what is around the network. */
const scoredSetting = (around: Around): Setting => {
  const own = asItIs(around);
  const defence = { transform: transformsOf(around), through: "differentiable" as const, draws: 1 };
  return { network: 0, ...(own.crf ? {} : { crf: crfOf(around) }), ...(own.transform ? {} : { defence }) };
};

/** What is scored, and what attacks climb: one setting, unless they climb through other scales. */
export const settingsOf = (around: Around): { readonly scored: Setting; readonly climbed: Setting } => {
  const scored = scoredSetting(around);
  return { scored, climbed: around.scales === "own" ? scored : { ...scored, ...scalesOf(around) } };
};

/** The fields of a request. */
export const fieldsOf = (around: Around): Readonly<Record<string, unknown>> => {
  const own = asItIs(around);
  return {
    ...(own.transform ? {} : { transform: transformsOf(around) }),
    ...(own.crf ? {} : { crf: crfOf(around) }),
    ...scalesOf(around),
  };
};

/** The flags of the command line. */
export const flagsOf = (around: Around): string => {
  const own = asItIs(around);
  const transform = own.transform ? "" : ` --transform ${around.transform.join("+")}`;
  const { scales, fusion } = scalesOf(around);
  const through = `${scales ? ` --scales ${scales.join(",")}` : ""}${fusion ? ` --fusion ${fusion}` : ""}`;
  return `${transform}${own.crf ? "" : ` --crf ${around.crf}`}${through}`;
};

/** The network with it, for the names of curves and for the page's sentences. */
export const namedWith = (network: string, around: Around): string => {
  const own = asItIs(around);
  const before = own.transform ? "" : ` behind ${around.transform.join(", ")}`;
  const after = own.crf ? "" : around.crf === "none" ? " without a CRF" : " with CRF-RNN's CRF";
  const { scales, fusion } = scalesOf(around);
  const through = scales ? ` through ${scales.join(" + ")}${fusion ? ` (${fusion})` : ""} of its size` : "";
  return `${network}${before}${after}${through}`;
};
