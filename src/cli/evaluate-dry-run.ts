/** What an evaluation would take: units, evaluations, memory, and time by measured steps. */

import { membersOf, networksOf, type Setting } from "../evaluation/settings.ts";
import { totalOfAlike } from "../evaluation/picture-plan.ts";
import type { Share } from "../jobs/memory.ts";
import { workOf, type StepTimes } from "../jobs/step-times.ts";
import type { EvaluationWorker } from "../node/evaluation-worker.ts";
import { scaledName } from "../segmenter/ensemble.ts";
import type { Report } from "./command.ts";
import { picturesText } from "./evaluate-data.ts";
import type { Prepared } from "./evaluate-prepare.ts";
import { duration } from "./progress.ts";
import { grouped, mebibytes } from "./text.ts";
import { counted } from "../counted.ts";

const milliseconds = (time: number): string => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

const grouping = (count: number, noun: string): string => counted(count, noun, grouped(count));

/** A setting in a few words. */
const settingName = (setting: Setting, names: readonly string[]): string => {
  const { scales, fusion, crf, defence } = setting;
  const around = [defence?.transform, crf].flatMap((one) => (one === undefined ? [] : [` ${JSON.stringify(one)}`]));
  const name = membersOf(setting, names).join("+");
  return `${scales ? scaledName(name, scales, fusion) : name}${around.join("")}`;
};

/**
 * @param worker measures one run of each source on the first picture.
 */
export const dryRun = async (prepared: Prepared, share: Share, worker: EvaluationWorker): Promise<Report> => {
  const { spec, data, plan, alike } = prepared;
  const names = networksOf(spec);
  const times: Record<number, StepTimes> = {};
  for (const { source, item } of alike()) times[source] ??= await worker.time(source, item);
  const { units, groups, forward: runs, backward: gradients } = totalOfAlike(alike());
  const duringAll = workOf(alike(), times) / share.workers;
  const steps = Object.entries(times).map(([source, { forward, backward }]) => {
    return { network: settingName(plan.settings[Number(source)]!, names), forward, backward };
  });
  const text = [
    `${grouping(units, "unit")} on ${picturesText(grouping(data.items.length, "picture"), data)}, ${grouping(groups, "adversarial or clean image")}`,
    `${grouped(runs)} forward and ${grouped(gradients)} backward evaluations at most`,
    ...steps.map(
      ({ network, forward, backward }) =>
        `  ${network}: ${milliseconds(forward)} forward, ${milliseconds(forward + backward)} with the gradient`,
    ),
    `${grouping(share.workers, "worker")} with ${mebibytes(share.predictedBytes)} MiB each at most, of ${mebibytes(share.budgetBytes)} MiB`,
    `about ${duration(duringAll)}, if each worker has a core of its own`,
  ].join("\n");
  const memory = { workers: share.workers, predictedBytes: share.predictedBytes, budgetBytes: share.budgetBytes };
  return {
    text,
    data: {
      units,
      images: groups,
      pictures: data.items.length,
      evaluations: { forward: runs, backward: gradients },
      steps,
      ...memory,
      milliseconds: duringAll,
    },
  };
};
