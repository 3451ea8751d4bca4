/** The scores of attacked pictures as CSV. */

import type { RegionResult } from "../evaluation/region-goal.ts";
import type { Spread, Trials } from "../evaluation/trials.ts";
import { linesOf, type AttackReport, type Line } from "./attack-report.ts";
import { csvOf } from "./text.ts";

type Kind = "float" | "uint8";
type Cell = string | number | null;
type Columns<T> = Readonly<Record<string, (of: T) => Cell>>;

const columns: Columns<Line & { readonly kind: Kind }> = {
  image: ({ image }) => image,
  kind: ({ kind }) => kind,
  miou_clean: ({ scores }) => scores.miou.clean,
  miou_adversarial: ({ scores }) => scores.miou.adversarial,
  iou_ratio: ({ scores }) => scores.iouRatio,
  accuracy_clean: ({ scores }) => scores.pixelAccuracy.clean,
  accuracy_adversarial: ({ scores }) => scores.pixelAccuracy.adversarial,
  linf: ({ linf }) => linf,
  l2: ({ l2 }) => l2,
  forward: ({ evaluations }) => evaluations.forward,
  backward: ({ evaluations }) => evaluations.backward,
  signs: ({ signs }) => signs.join(" "),
};

/** Mean and two standard deviations of a score over the trials. */
const spreadColumns = (score: string, of: (trials: Trials) => Spread | null): Columns<Trials> => ({
  [`trials_${score}_mean`]: (trials) => of(trials)?.mean ?? null,
  [`trials_${score}_two_deviations`]: (trials) => of(trials)?.twoDeviations ?? null,
});

const trialColumns: Columns<Trials> = {
  trials: ({ trials }) => trials.length,
  ...spreadColumns("miou_clean", ({ cleanMiou }) => cleanMiou),
  ...spreadColumns("miou_adversarial", ({ adversarialMiou }) => adversarialMiou),
  ...spreadColumns("iou_ratio", (trials) => trials.iouRatio),
};

const regionColumns: Columns<RegionResult & { readonly kind: Kind }> = {
  region_pixels: ({ pixels }) => pixels,
  region_reached_clean: ({ clean }) => clean.reached,
  region_reached: ({ kind, ...region }) => region[kind].reached,
  region_kept: ({ kind, ...region }) => region[kind].kept,
};

const successColumns: Columns<NonNullable<Line["success"]>> = {
  succeeded: ({ reached }) => reached,
};

/** The cells of one line; empty where there is nothing to state. */
const cells = <T>(of: Columns<T>, from: T | undefined): readonly Cell[] =>
  Object.values(of).map((cell) => (from === undefined ? null : cell(from)));

/**
 * A line for each picture and kind of image, and for all pooled where there are several. Trials, regions and the success of attacks of
 * minimum norm (1 or 0, and pooled how many succeeded) have columns where there are any; the regions of several pictures are not pooled.
 */
export const attackCsv = (report: AttackReport): string => {
  const withTrials = report.pooled.trials ? trialColumns : {};
  const withRegion = report.images.some(({ region }) => region) ? regionColumns : {};
  const withSuccess = report.images.some(({ row }) => row.success !== undefined) ? successColumns : {};
  return csvOf([
    [columns, withTrials, withRegion, withSuccess].flatMap((of) => Object.keys(of)),
    ...(["float", "uint8"] as const).flatMap((kind) =>
      linesOf(report, kind).map((line) => [
        ...cells(columns, { ...line, kind }),
        ...cells(withTrials, line.trials),
        ...cells(withRegion, line.region && { ...line.region, kind }),
        ...cells(withSuccess, line.success),
      ]),
    ),
  ]);
};
