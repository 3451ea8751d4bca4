/**
 * The predicted bill of an evaluation beside what workerd takes for it: the built Worker with a real network, its queue, Workflow, ledger and bucket by
 * Miniflare, whose own work for these counts as well. Needs Linux.
 */

import { loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import { isOver, MS_PER_HOUR, type EvaluationInfo, type EvaluationPrediction } from "../src/contract/evaluations.ts";
import { buildWorker, startWorker } from "../scripts/workerd.ts";
import { timesOf, workerds } from "./workerd-time.ts";

/** Predictions of which the least is taken: Miniflare's clock goes on while other processes have the processor, and Cloudflare's does not. */
const PREDICTIONS = 12;
const LOOK_MS = 2000;
const IDLE_MS = 10_000;

const cases = [
  { width: 128, height: 96, images: 4 },
  { width: 320, height: 240, images: 2 },
] as const;

const specOf = ({ width, height, images }: { width: number; height: number; images: number }) => ({
  networks: ["enet-street"],
  data: { images, size: { width, height } },
  attacks: ["ifgsm", "pgd"],
  epsilon: [4, 8],
});

/** A connection of its own for each request: workerd closes those that wait while it is busy. */
const clientOf =
  (url: URL) =>
  async <T>(path: string, body?: object): Promise<T> => {
    const headers = { connection: "close", "content-type": "application/json" };
    const init = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
    const response = await fetch(new URL(`/v1/evaluations${path}`, url), init);
    if (response.ok) return (await response.json()) as T;
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };

type Client = ReturnType<typeof clientOf>;

const followed = async (ask: Client, id: string): Promise<EvaluationInfo> => {
  for (;;) {
    await setTimeout(LOOK_MS);
    const info = await ask<EvaluationInfo>(`/${id}`);
    if (info.state === "done") return info;
    if (isOver(info)) throw new Error(`${info.state}: ${info.reason}`);
  }
};

/** Of workerd: milliseconds of processor time that a run takes, without what it takes when idle, and the share that it had of what it could use. */
const meterOf = async (own: readonly string[]) => {
  const plain = async <T>(run: () => Promise<T>) => {
    const [before, begun] = [timesOf(own), performance.now()];
    const value = await run();
    const [after, wall] = [timesOf(own), performance.now() - begun];
    const [ran, waited] = [after.ran - before.ran, after.waited - before.waited];
    return { value, wall, ran, share: ran / (ran + waited) };
  };
  const idle = await plain(() => setTimeout(IDLE_MS));
  return async <T>(run: () => Promise<T>) => {
    const { ran, ...others } = await plain(run);
    return { ...others, ran: ran - (idle.ran * others.wall) / idle.wall };
  };
};

export const billBench = async (): Promise<void> => {
  buildWorker();
  const worker = startWorker({ evaluations: "forgotten" });
  try {
    const ask = clientOf(await worker.ready);
    const metered = await meterOf(workerds());
    console.log(
      "milliseconds of processor time of workerd: the first evaluation's planning, with what is started; of the second: predicted, and predicted",
    );
    console.log(
      "by the submission itself; taken; told as spent; predicted ÷ taken, spent ÷ taken; share of the processor that it had; load",
    );
    for (const one of cases) {
      const spec = specOf(one);
      const submitted = () => ask<EvaluationInfo>("", { spec });
      const cold = await metered(submitted);
      await followed(ask, cold.value.id);
      const guesses: number[] = [];
      for (let i = 0; i < PREDICTIONS; i++) {
        const { cpuHours } = await ask<EvaluationPrediction>("", { spec, dryRun: true });
        guesses.push(cpuHours * MS_PER_HOUR);
      }
      const warm = await metered(submitted);
      const course = await metered(() => followed(ask, warm.value.id));
      const { predicted, spentCpuHours, units } = course.value;
      const [guess, spent] = [Math.min(...guesses), spentCpuHours * MS_PER_HOUR];
      const times = [cold.ran, guess, predicted.cpuHours * MS_PER_HOUR, course.ran, spent].map((ms) => ms.toFixed(0));
      const ratios = [guess / course.ran, spent / course.ran, course.share, loadavg()[0]!].map((ratio) =>
        ratio.toFixed(2),
      );
      console.log(
        `| ${one.images} of ${one.width}×${one.height}, ${units.total} units | ${[...times, ...ratios].join(" | ")} |`,
      );
    }
  } finally {
    await worker.dispose();
  }
};
