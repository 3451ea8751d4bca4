/** `faultline worker`: carries out the units of evaluations that run elsewhere. */

import { mostBytesOn } from "../jobs/memory.ts";
import { startEvaluationWorker } from "../node/evaluation-worker.ts";
import { Refusal } from "../node/failure.ts";
import { statOf } from "../node/files.ts";
import type { Roots } from "../node/folder-files.ts";
import type { Located } from "../node/located.ts";
import { wholeNumber, type Options } from "../node/options.ts";
import { version } from "../node/package.ts";
import type { SharedNetwork } from "../node/redis-messages.ts";
import type { Start } from "../node/redis-service.ts";
import { createSentNetworks } from "../node/sent-networks.ts";
import { command, needed } from "./command.ts";
import { memoryOf, resourceFlags, workersFrom } from "./evaluate-resources.ts";
import { withRedis } from "./evaluate-workers.ts";
import { interruptible } from "./interrupt.ts";
import { locateOperand } from "./open-network.ts";

const options = {
  redis: { type: "string", value: "URL", help: "where the work comes from: redis://HOST:PORT" },
  ...resourceFlags,
  lease: {
    type: "string",
    value: "S",
    default: "10",
    help: "seconds without a sign of life after which others take this process to be dead",
  },
} as const satisfies Options;

const about = `
Carries out units of evaluations that were started with faultline evaluate --redis URL, on this
machine or others, until it is stopped. Networks and pictures must lie here under the same names,
relative ones as seen from the folder in which the worker is started; their digests are compared.
Networks that an evaluation sends (evaluate --send) come through Redis, into the temporary folder.
Pictures in a bucket (s3://…) are read from there, with the keys of this worker's environment.
On Ctrl-C and SIGTERM, what has begun goes back to the queue at the next step.`;

/** The network under its name here. @throws Refusal where it is another. */
const located = async ({ operand, manifest }: SharedNetwork): Promise<Located> => {
  const here = await locateOperand(operand);
  if (here.manifest.sha256 !== manifest.sha256)
    throw new Refusal(
      `${operand}: has the digest ${here.manifest.sha256} here, and ${manifest.sha256} where the evaluation was started`,
    );
  return { ...here, manifest };
};

const requireRoots = async (roots: Roots | null): Promise<void> => {
  for (const root of [roots ?? []].flat())
    if (!(await statOf(root)))
      throw new Refusal(`${root}: the pictures of the evaluation are not here; mount them at this path`);
};

const LINE_MS = 15_000;

export const serveWork = command({
  name: "worker",
  operand: null,
  about,
  options,
  run: async (_, values, io) => {
    const url = needed(values.redis, "worker", "--redis URL");
    const slots = workersFrom(values);
    const bytes = Math.floor(memoryOf(values) / slots);
    const leaseMs = 1000 * wholeNumber("lease", values.lease, 1, 3600);
    const { serveParcels } = await withRedis(() => import("../node/redis-service.ts"));
    const sent = createSentNetworks();
    const start: Start = async ({ networks, ...run }, items, pieces) => {
      const taken: string[] = [];
      const release = async (): Promise<void> => {
        for (const sha256 of taken) await sent.release(sha256);
      };
      const fetched = async ({ manifest }: SharedNetwork): Promise<Located> => {
        const { sha256 } = manifest;
        const path = await sent.take(sha256, () => pieces(sha256));
        taken.push(sha256);
        return { manifest, path };
      };
      try {
        const found: Located[] = [];
        for (const network of networks) found.push(await (network.isSent ? fetched(network) : located(network)));
        await requireRoots(run.roots);
        const budgetBytes = Math.min(mostBytesOn(run.backend), bytes);
        const worker = startEvaluationWorker({ ...run, networks: found, budgetBytes, items });
        return { ...worker, end: () => worker.end().finally(release) };
      } catch (cause) {
        await release();
        throw cause;
      }
    };
    let [units, failed, told] = [0, 0, 0];
    const text = (): string => `${units} units carried out, ${failed} of which failed`;
    const onParcel = (more: number, lost: number): void => {
      [units, failed] = [units + more, failed + lost];
      if (performance.now() - told < LINE_MS) return;
      told = performance.now();
      io.stderr(`${text()}\n`);
    };
    io.stderr(`${slots} ${slots === 1 ? "thread takes" : "threads take"} units of faultline ${version}\n`);
    await interruptible(
      (signal) => serveParcels({ url, version, slots, leaseMs, start, onParcel, signal }),
      ["SIGINT", "SIGTERM"],
    );
    return { text: text(), data: { units, failed } };
  },
});
