/** WebGPU for a service: a lost device is replaced, and ascents continue on the new one. */

import { DeviceLostError } from "./error.ts";
import { climberOn, type Device, type Fed } from "./resident.ts";
import { Owned } from "./walks.ts";
import type { AscentAnswer, AscentEnd, AscentRequest, AscentSession, AscentsWatch, Held, Runtime } from "../session.ts";

/** Number of consecutive losses, without a completed step between them, after which an ascent fails. */
const PATIENCE = 2;

interface Live extends Device {
  lost: boolean;
}

interface Ready extends Fed {
  readonly live: Live;
}

/**
 * @param open creates a device and starts onnxruntime and the kernels on it; called again when that device is lost.
 * @throws the errors of `open`.
 */
export const startGpuRuntime = async (open: () => Promise<Device>): Promise<Runtime> => {
  let restarts = 0;
  const begin = async (): Promise<Live> => {
    const live: Live = { ...(await open()), lost: false };
    const lose = (): void => {
      live.lost = true;
      restarts += 1;
    };
    void live.gpu.device.lost.then(lose);
    return live;
  };
  let current = begin();
  const first = await current;
  const device = async (): Promise<Live> => {
    const known = current;
    const live = await known.catch(() => null);
    if (live && !live.lost) return live;
    if (current === known) current = begin();
    return current;
  };

  const createAscent: Runtime["createAscent"] = async (model, options) => {
    const make = async (): Promise<Ready> => {
      const live = await device();
      return { live, feeds: new Map(), session: await live.runtime.createResidentSession(model, options) };
    };
    let ready = await make();
    const renewed = async (): Promise<Ready> => (ready = ready.live.lost ? await make() : ready);
    return {
      ascend: (requests, watch = {}) => ascend(renewed, requests, watch),
      release: async () => {
        for (const { buffer } of ready.feeds.values()) buffer.destroy();
        if (!ready.live.lost) await ready.session.release();
      },
    } satisfies AscentSession;
  };
  return {
    backend: "webgpu",
    version: first.runtime.version,
    createSession: async (model, options) => (await device()).runtime.createSession(model, options),
    createAscent,
    largestTensorBytes: first.gpu.device.limits.maxStorageBufferBindingSize,
    memoryBytes: first.runtime.memoryBytes,
    restarts: () => restarts,
  };
};

/**
 * Continues from the last round after which all that is carried on was read back; later rounds are repeated as they were answered, but
 * not reported again.
 */
const ascend = async (
  ready: () => Promise<Ready>,
  requests: readonly AscentRequest[],
  { onSteps, signal, rounds = Infinity }: AscentsWatch,
): Promise<readonly AscentEnd[]> => {
  const before = requests.map(({ from }) => from?.step ?? 0);
  const last = Math.min(rounds, Math.max(...requests.map(({ steps }, i) => steps - before[i]!)));
  const checkpointEvery = Math.min(...requests.map((request) => request.checkpointEvery || Infinity));
  const ends: (AscentEnd | null)[] = requests.map(() => null);
  let held: readonly Held[] = requests.map(({ from, feeds }) => from?.held ?? { image: imageIn(feeds) });
  let [saved, told, losses] = [0, 0, 0];
  /** By round, of each image: what repeated rounds follow, and what the first one after a checkpoint is fed. */
  const answers: (readonly AscentAnswer[])[] = [];
  const feedsOf = (image: number) =>
    Object.assign({}, requests[image]!.feeds, ...answers.slice(0, saved).map((round) => round[image]?.feeds));
  for (;;) {
    const owned = new Owned();
    try {
      const at = await ready();
      const continued = requests.map((request, i) => ({ ...request, feeds: feedsOf(i) }));
      const climber = await climberOn(at.live.gpu, at, continued, held, owned);
      for (let round = saved + 1; round <= last && ends.includes(null); round++) {
        signal?.throwIfAborted();
        const steps = ends.map((end, i) => (end ? null : before[i]! + round));
        const isReported = onSteps !== undefined && round > told;
        const reports = await climber.evaluate(steps, isReported);
        if (isReported) {
          answers[round - 1] = (await onSteps(reports)).map((answer) => answer ?? {});
          [told, losses] = [round, 0];
        }
        const own = (i: number): AscentAnswer => answers[round - 1]?.[i] ?? {};
        for (const i of ends.keys()) if (steps[i] !== null && own(i).isOver) ends[i] = { kind: "over" };
        await climber.follow(ends.map((end, i) => (end ? null : own(i))));
        const done = [...ends.keys()].filter((i) => !ends[i] && steps[i] === requests[i]!.steps);
        for (const [j, result] of (await climber.results(done)).entries()) ends[done[j]!] = result;
        if (round % checkpointEvery === 0 && round < last) [held, saved] = [await climber.held(), round];
      }
      if (ends.includes(null)) held = await climber.held();
      return ends.map((end, i) => end ?? { kind: "left", state: { step: before[i]! + last, held: held[i]! } });
    } catch (cause) {
      losses += 1;
      if (!(cause instanceof DeviceLostError) || losses > PATIENCE) throw cause;
    } finally {
      await owned.free();
    }
  }
};

const imageIn = (feeds: AscentRequest["feeds"]) => feeds["image"]!.data as Float32Array<ArrayBuffer>;
