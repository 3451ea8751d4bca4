/** How ascents step on the GPU: what each kind of walk carries from step to step, and its step by a gradient, for several images. */

import { joined, type DataOf } from "../../tensor.ts";
import {
  formOf,
  RuntimeError,
  type AscentRequest,
  type Held,
  type L2Walk,
  type LedOrder,
  type LedWalk,
  type SignWalk,
  type Walk,
} from "../session.ts";
import { copy, sequence, type Gpu, type GpuArray, type Launch, type Span } from "./gpu.ts";
import type { Floats } from "./kernels.ts";
import { l2Step } from "./l2.ts";
import type { ElementType } from "./shader.ts";
import { apgdStep, lookAhead, packedMoves, signStep, type ApgdMove } from "./steps.ts";

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
  /** The images of the graph: where the next gradients are taken. */
  readonly seen: Floats;
  /** Where the walk of each image goes on. */
  readonly held: readonly Held[];
  readonly owned: Owned;
}

export interface Walker {
  /** What `Held` says of each image, on the device. */
  readonly carried: Readonly<Record<string, Floats>>;
  readonly result: Floats;
  /**
   * Submits a step by the gradients at the images that are seen.
   *
   * @param orders of a walk that is led, one of each image; null: the image rests.
   */
  readonly step: (gradient: Floats, orders: readonly (LedOrder | null)[]) => Promise<void>;
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

/** The same of zeros. */
export const blank = async <D extends ElementType>(
  { gpu, owned }: Pick<Ground, "gpu" | "owned">,
  dtype: D,
  length: number,
): Promise<GpuArray<D>> => {
  const array = await gpu.allocate(dtype, length);
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

/** @throws RuntimeError where the requests differ in form. */
export const walkerOn = (ground: Ground, requests: readonly AscentRequest[]): Promise<Walker> => {
  const [form, ...others] = new Set(requests.map(formOf));
  if (others.length > 0) throw new RuntimeError(`ascents of the forms ${[form, ...others].join(", ")} in one batch`);
  const senses = requests.map(({ sense = 1 }) => sense);
  const walks = requests.map(({ walk }) => walk);
  const { kind } = walks[0]!;
  if (kind === "led") return ledWalker(ground, walks as readonly LedWalk[], senses);
  return kind === "sign"
    ? signWalker(ground, walks as readonly SignWalk[], senses)
    : l2Walker(ground, walks as readonly L2Walk[], senses);
};

/** A number of each walk. */
const each = <W extends Walk>(walks: readonly W[], senses: readonly number[], of: (walk: W, sense: number) => number) =>
  walks.map((walk, i) => of(walk, senses[i]!));

/** An array that the walks carry on: as it was held, or of zeros. */
const carriedOn = (ground: Ground, name: string): Promise<Floats> => {
  const zeros = () => new Float32Array(ground.seen.length / ground.held.length);
  return placed(ground, "float32", joined(ground.held.map((held) => held[name] ?? zeros())));
};

const signWalker = async (ground: Ground, walks: readonly SignWalk[], senses: readonly number[]): Promise<Walker> => {
  const { gpu, seen, owned } = ground;
  const low = await placed(ground, "float32", joined(walks.map((walk) => walk.low)));
  const high = await placed(ground, "float32", joined(walks.map((walk) => walk.high)));
  const isPlain = walks[0]!.momentum === undefined;
  const decays = walks.map(({ momentum = 0 }) => momentum);
  const momentum = isPlain ? undefined : { m: await carriedOn(ground, "momentum"), decays };
  const looks = momentum && walks[0]!.ahead;
  const x = looks ? await carriedOn(ground, "image") : seen;
  const count = x.length / walks.length;
  const scales = each(walks, senses, (walk, sense) => sense * walk.alpha * (walk.momentum ?? 0) * count);
  const look = looks ? [await lookAhead(gpu, { x, m: momentum.m, scales, ahead: seen })] : [];
  for (const { release } of look) owned.own(release);
  await gpu.run(...look);
  const alphas = each(walks, senses, ({ alpha }, sense) => Math.fround(sense * alpha));
  const launches = remembered(async (gradient: Floats) => {
    const launch = await signStep(gpu, { x, gradient, low, high, alphas, momentum });
    owned.own(launch.release);
    return sequence(launch, ...look);
  });
  return {
    carried: { image: x, ...(momentum && { momentum: momentum.m }) },
    result: x,
    step: async (gradient) => gpu.run(await launches(gradient)),
  };
};

const l2Walker = async (ground: Ground, walks: readonly L2Walk[], senses: readonly number[]): Promise<Walker> => {
  const { gpu, seen: x, owned } = ground;
  const centre = await placed(ground, "float32", joined(walks.map((walk) => walk.centre)));
  const balls = walks.map((walk, i) => ({ ...walk, alpha: senses[i]! * walk.alpha }));
  const launches = remembered(async (gradient: Floats) => {
    const launch = await l2Step(gpu, { x, centre, gradient, balls });
    owned.own(launch.release);
    return launch;
  });
  return { carried: { image: x }, result: x, step: async (gradient) => gpu.run(await launches(gradient)) };
};

/** How an image moves by its order. A restart is a step of no size: what is left of it is the projection. */
const moveOf = (order: LedOrder | null, sense: number): ApgdMove | null => {
  if (!order || order.move.kind === "end") return null;
  const { move } = order;
  if (move.kind === "restart") return { size: 0, isFirst: true };
  return { size: sense * move.size, isFirst: move.isFirst, isBack: move.from === "highest" };
};

const ledWalker = async (ground: Ground, walks: readonly LedWalk[], senses: readonly number[]): Promise<Walker> => {
  const { gpu, seen: x, owned } = ground;
  const length = x.length / walks.length;
  /** The ball that each image is in, by its place. */
  const inside: (number | undefined)[] = walks.map(() => undefined);
  const [low, high] = [await blank(ground, "float32", x.length), await blank(ground, "float32", x.length)];
  const previous = await carriedOn(ground, "previous");
  const [highest, steepest] = [await carriedOn(ground, "highest"), await carriedOn(ground, "steepest")];
  const best = await carriedOn(ground, "best");
  const moves = await placed(ground, "uint32", packedMoves(walks.map(() => null)));
  const launches = remembered(async (gradient: Floats) => {
    const launch = await apgdStep(gpu, { x, previous, gradient, steepest, low, high, moves });
    owned.own(launch.release);
    return launch;
  });
  const enter = async (image: number, ball: number): Promise<void> => {
    const within = walks[image]!.balls[ball];
    if (!within) throw new RuntimeError(`an ascent that is led has an order for ball ${ball}, which it has not`);
    if (inside[image] === ball) return;
    inside[image] = ball;
    await gpu.write(low, within.low, image * length);
    await gpu.write(high, within.high, image * length);
  };
  /** What is kept of an image, and where it goes on from. */
  const copies = (order: LedOrder, gradient: Floats, own: Span): readonly Launch[] => {
    const { isHighest, isBest, move } = order;
    return [
      ...(isHighest ? [copy(x, highest, own), copy(gradient, steepest, own)] : []),
      ...(isBest ? [copy(x, best, own)] : []),
      ...(move.kind === "step" && move.from === "highest" ? [copy(highest, x, own)] : []),
      ...(move.kind === "restart" ? [copy(best, x, own)] : []),
    ];
  };
  const step: Walker["step"] = async (gradient, orders) => {
    for (const [i, order] of orders.entries()) if (order) await enter(i, order.ball);
    await gpu.write(moves, packedMoves(orders.map((order, i) => moveOf(order, senses[i]!))));
    const kept = orders.flatMap((order, i) => (order ? copies(order, gradient, { first: i * length, length }) : []));
    await gpu.run(...kept, await launches(gradient));
  };
  return { carried: { image: x, previous, highest, steepest, best }, result: best, step };
};
