/** WebGPU for a service: a lost device is replaced, and ascents continue on the new one. */

import { DeviceLostError } from "./error.ts";
import { climberOn, type Device, type Fed } from "./resident.ts";
import { Owned, type Held } from "./walks.ts";
import type { AscentAnswer, AscentRequest, AscentSession, AscentWatch, Runtime } from "../session.ts";

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
      ascend: (request, watch = {}) => ascend(renewed, request, watch),
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
    memoryBytes: first.runtime.memoryBytes,
    restarts: () => restarts,
  };
};

/**
 * Continues from the last step after which all that is carried on was read back; later steps are repeated as they were answered, but
 * not reported again.
 */
const ascend = async (
  ready: () => Promise<Ready>,
  request: AscentRequest,
  { onStep, signal }: AscentWatch,
): Promise<Float32Array<ArrayBuffer>> => {
  const { steps, checkpointEvery = 0 } = request;
  let [saved, told, losses] = [0, 0, 0];
  let held: Held = { image: request.feeds["image"]!.data as Float32Array<ArrayBuffer> };
  /** By step: what repeated steps follow, and what the first one after a checkpoint is fed. */
  const answers: AscentAnswer[] = [];
  for (;;) {
    const owned = new Owned();
    try {
      const at = await ready();
      const feeds = Object.assign({}, request.feeds, ...answers.slice(0, saved).map((answer) => answer.feeds));
      const climber = await climberOn(at.live.gpu, at, { ...request, feeds }, held, owned);
      for (let step = saved + 1; step <= steps; step++) {
        signal?.throwIfAborted();
        const report = await climber.evaluate(step, onStep !== undefined && step > told);
        if (report) {
          answers[step - 1] = (await onStep!(report)) ?? {};
          [told, losses] = [step, 0];
        }
        await climber.follow(answers[step - 1] ?? {});
        if (step % checkpointEvery === 0 && step < steps) [held, saved] = [await climber.held(), step];
      }
      await climber.requireFinite();
      return await climber.result();
    } catch (cause) {
      losses += 1;
      if (!(cause instanceof DeviceLostError) || losses > PATIENCE) throw cause;
    } finally {
      await owned.free();
    }
  }
};
