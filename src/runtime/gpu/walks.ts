/** How ascents step on the GPU: what each kind of walk carries from step to step, and its step by a gradient. */

import type { DataOf } from "../../tensor.ts";
import {
  RuntimeError,
  type AscentRequest,
  type Bounds,
  type L2Walk,
  type LedOrder,
  type LedWalk,
  type SignWalk,
} from "../session.ts";
import { copy, sequence, type Gpu, type GpuArray, type Launch } from "./gpu.ts";
import type { Floats } from "./kernels.ts";
import { l2Step } from "./l2.ts";
import type { ElementType } from "./shader.ts";
import { apgdStep, lookAhead, packedMoves, signStep } from "./steps.ts";

/** All that an ascent carries from one step to the next, by name: what it takes to continue it on another device. */
export type Held = Readonly<Record<string, Float32Array<ArrayBuffer>>> & { readonly image: Float32Array<ArrayBuffer> };

/** Resources that are freed together, the latest first. */
export class Owned {
  readonly #made: (() => unknown)[] = [];
  own(free: () => unknown): void {
    this.#made.push(free);
  }
  async free(): Promise<void> {
    for (const free of this.#made.splice(0).toReversed()) await free();
  }
}

export interface Ground {
  readonly gpu: Gpu;
  /** The image of the graph: where the next gradient is taken. */
  readonly seen: Floats;
  /** Where the walk goes on. */
  readonly held: Held;
  readonly owned: Owned;
}

export interface Walker {
  /** What `Held` says, on the device. */
  readonly carried: Readonly<Record<string, Floats>>;
  readonly result: Floats;
  /** Submits a step by the gradient at the image that is seen. */
  readonly step: (gradient: Floats, order?: LedOrder) => Promise<void>;
}

/** An array on the device that is freed with the rest. */
export const placed = async <D extends ElementType>(
  { gpu, owned }: Pick<Ground, "gpu" | "owned">,
  dtype: D,
  data: DataOf<D>,
): Promise<GpuArray<D>> => {
  const array = await gpu.upload(dtype, data);
  owned.own(() => array.buffer.destroy());
  return array;
};

/** Launches by the buffer that they are bound to: onnxruntime reuses a few buffers for its outputs. */
export const remembered = <A extends GpuArray>(
  make: (array: A) => Promise<Launch>,
): ((array: A) => Promise<Launch>) => {
  const made = new WeakMap<GPUBuffer, Promise<Launch>>();
  return (array) => {
    const launch = made.get(array.buffer) ?? make(array);
    made.set(array.buffer, launch);
    return launch;
  };
};

export const walkerOn = (ground: Ground, { walk, sense = 1 }: AscentRequest): Promise<Walker> => {
  if (walk.kind === "led") return ledWalker(ground, walk, sense);
  return walk.kind === "sign" ? signWalker(ground, walk, sense) : l2Walker(ground, walk, sense);
};

const endsOn = async (ground: Ground, { low, high }: Bounds) => ({
  low: await placed(ground, "float32", low),
  high: await placed(ground, "float32", high),
});

/** An array that the walk carries on: as it was held, or of zeros. */
const carriedOn = (ground: Ground, name: string): Promise<Floats> =>
  placed(ground, "float32", ground.held[name] ?? new Float32Array(ground.seen.length));

const signWalker = async (
  ground: Ground,
  { momentum: decay, ahead = false, alpha: size, ...bounds }: SignWalk,
  sense: number,
): Promise<Walker> => {
  const { gpu, seen, held, owned } = ground;
  const ends = await endsOn(ground, bounds);
  const alpha = sense * size;
  const momentum = decay === undefined ? undefined : { m: await carriedOn(ground, "momentum"), decays: [decay] };
  const looks = momentum && ahead;
  const x = looks ? await placed(ground, "float32", held.image) : seen;
  const scale = alpha * (decay ?? 0) * x.length;
  const look = looks ? [await lookAhead(gpu, { x, m: momentum.m, scales: [scale], ahead: seen })] : [];
  for (const { release } of look) owned.own(release);
  await gpu.run(...look);
  const launches = remembered(async (gradient: Floats) => {
    const launch = await signStep(gpu, { x, gradient, ...ends, alphas: [Math.fround(alpha)], momentum });
    owned.own(launch.release);
    return sequence(launch, ...look);
  });
  return {
    carried: { image: x, ...(momentum && { momentum: momentum.m }) },
    result: x,
    step: async (gradient) => gpu.run(await launches(gradient)),
  };
};

const l2Walker = async (
  ground: Ground,
  { centre: middle, alpha, epsilon, pixelRange }: L2Walk,
  sense: number,
): Promise<Walker> => {
  const { gpu, seen: x, owned } = ground;
  const centre = await placed(ground, "float32", middle);
  const launches = remembered(async (gradient: Floats) => {
    const launch = await l2Step(gpu, { x, centre, gradient, balls: [{ alpha: sense * alpha, epsilon, pixelRange }] });
    owned.own(launch.release);
    return launch;
  });
  return { carried: { image: x }, result: x, step: async (gradient) => gpu.run(await launches(gradient)) };
};

/** Each step is a launch of its own, as its size and its ball are ordered. */
const ledWalker = async (ground: Ground, { balls }: LedWalk, sense: number): Promise<Walker> => {
  const { gpu, seen: x } = ground;
  const ends: Awaited<ReturnType<typeof endsOn>>[] = [];
  for (const ball of balls) ends.push(await endsOn(ground, ball));
  const previous = await carriedOn(ground, "previous");
  const [highest, steepest] = [await carriedOn(ground, "highest"), await carriedOn(ground, "steepest")];
  const best = await carriedOn(ground, "best");
  const step = async (gradient: Floats, order?: LedOrder): Promise<void> => {
    const within = order && ends[order.ball];
    if (!within) throw new RuntimeError("an ascent that is led has no order, or one for a ball that it has not");
    const { isHighest, isBest, move } = order;
    await gpu.run(
      ...(isHighest ? [copy(x, highest), copy(gradient, steepest)] : []),
      ...(isBest ? [copy(x, best)] : []),
    );
    if (move.kind === "end") return;
    const isBack = move.kind === "step" && move.from === "highest";
    // A restart is a step of no size: what is left of it is the projection.
    const { size, isFirst } = move.kind === "step" ? move : { size: 0, isFirst: true };
    const moves = await gpu.upload("uint32", packedMoves([{ size: sense * size, isFirst, isBack }]));
    const launch = await apgdStep(gpu, { x, previous, gradient, steepest, ...within, moves });
    await gpu.run(...(isBack ? [copy(highest, x)] : move.kind === "restart" ? [copy(best, x)] : []), launch);
    launch.release();
    moves.buffer.destroy();
  };
  return { carried: { image: x, previous, highest, steepest, best }, result: best, step };
};
