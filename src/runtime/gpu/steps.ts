/** Typed forms of the kernels of an attack's step: a launch is bound once, its sizes checked, and run any number of times. */

import { GpuError } from "./error.ts";
import {
  lengthPerImage,
  partialGroups,
  releasing,
  requireLength,
  type Floats,
  type Grid,
  type Measurement,
} from "./kernels.ts";
import { sequence, type Gpu, type GpuArray, type Launch } from "./gpu.ts";

export interface SignStep extends Grid {
  /** Replaced by the image after the step. */
  readonly x: Floats;
  readonly gradient: Floats;
  /** Bounds of each component, the intersection of the ε-ball with the pixel range: the attacks' `project` of −∞ and of ∞. */
  readonly low: Floats;
  readonly high: Floats;
  /** Step size of each image; they must be float32 values. */
  readonly alphas: readonly number[];
  /** m ← μ·m + g / ‖g‖₁; the step follows the sign of m (MI-FGSM, Dong et al. 2018). There is a μ of each image. */
  readonly momentum?: { readonly m: Floats; readonly decays: readonly number[] } | undefined;
}

/** x ← min(max(x + α·sign g, low), high), bit for bit what `ascend` computes where α is a float32. */
export const signStep = async (
  gpu: Gpu,
  { x, gradient, low, high, alphas, momentum, groups }: SignStep,
): Promise<Launch> => {
  const layers = alphas.length;
  const count = lengthPerImage("sign_step", x, layers);
  requireLength("sign_step", x.length, { gradient, low, high, ...(momentum && { momentum: momentum.m }) });
  const norm = await gpu.allocate("float32", layers);
  const none = await gpu.allocate("float32", 1);
  const paces = alphas.flatMap((alpha, i) => [alpha, momentum?.decays[i] ?? 0]);
  const pace = await gpu.upload("float32", Float32Array.from(paces));
  const step = await gpu.launch("sign_step", {
    buffers: { x, gradient, low, high, momentum: momentum?.m ?? none, norm, pace },
    parameters: { count },
    constants: { MOMENTUM: momentum ? 1 : 0 },
    items: count,
    layers,
    groups,
  });
  if (!momentum) return releasing(step, norm, none, pace);
  const sums = await gpu.allocate("float32", layers * partialGroups(count, groups));
  const sum = (of: Floats, to: Floats): Promise<Launch> =>
    gpu.launch("l1_sums", {
      buffers: { gradient: of, sums: to },
      parameters: { count: of.length / layers },
      items: of.length / layers,
      layers,
      groups: to.length / layers,
    });
  return releasing(sequence(await sum(gradient, sums), await sum(sums, norm), step), norm, none, pace, sums);
};

/** How an image moves; null: it rests. */
export interface ApgdMove {
  /** η; negative to descend. */
  readonly size: number;
  /** Whether the step is z itself. */
  readonly isFirst: boolean;
  /** Whether it follows `steepest` rather than `gradient`. */
  readonly isBack?: boolean;
}

export interface ApgdStep extends Grid {
  /** Replaced by the image after the step, and `previous` by the one before. */
  readonly x: Floats;
  readonly previous: Floats;
  readonly gradient: Floats;
  readonly steepest: Floats;
  readonly low: Floats;
  readonly high: Floats;
  /** How each image moves, as `packedMoves` writes it; read when the launch runs. */
  readonly moves: GpuArray<"uint32">;
}

const WORDS_PER_MOVE = 2;
/** Of `apgd_step.wgsl`. */
const moveKind = { step: 1, first: 2, back: 4 } as const;

/** The elements of `moves`. */
export const packedMoves = (moves: readonly (ApgdMove | null)[]): Uint32Array<ArrayBuffer> => {
  const words = new Uint32Array(WORDS_PER_MOVE * moves.length);
  const floats = new Float32Array(words.buffer);
  for (const [i, move] of moves.entries()) {
    if (!move) continue;
    floats[WORDS_PER_MOVE * i] = move.size;
    const { isFirst, isBack = false } = move;
    words[WORDS_PER_MOVE * i + 1] = moveKind.step + (isFirst ? moveKind.first : 0) + (isBack ? moveKind.back : 0);
  }
  return words;
};

/** z = P(x + η·sign g), then P(x + 0.75·(z − x) + 0.25·(x − previous)). */
export const apgdStep = async (
  gpu: Gpu,
  { x, previous, gradient, steepest, low, high, moves, groups }: ApgdStep,
): Promise<Launch> => {
  requireLength("apgd_step", x.length, { previous, gradient, steepest, low, high });
  const layers = moves.length / WORDS_PER_MOVE;
  const count = lengthPerImage("apgd_step", x, layers);
  return gpu.launch("apgd_step", {
    buffers: { x, previous, gradient, steepest, low, high, moves },
    parameters: { count },
    items: count,
    layers,
    groups,
  });
};

export interface LookAhead extends Grid {
  readonly x: Floats;
  readonly m: Floats;
  /** Of each image. */
  readonly scales: readonly number[];
  /** Replaced by x + scale·m. */
  readonly ahead: Floats;
}

/** ahead ← x + scale·m. */
export const lookAhead = async (gpu: Gpu, { x, m, scales, ahead, groups }: LookAhead): Promise<Launch> => {
  requireLength("look_ahead", x.length, { m, ahead });
  const layers = scales.length;
  const count = lengthPerImage("look_ahead", x, layers);
  const scale = await gpu.upload("float32", Float32Array.from(scales));
  const launch = await gpu.launch("look_ahead", {
    buffers: { x, momentum: m, ahead, scale },
    parameters: { count },
    items: count,
    layers,
    groups,
  });
  return releasing(launch, scale);
};

/** The same distances as in `Distances`. */
export interface Perturbation {
  readonly linf: number;
  readonly l2: number;
  readonly l0Values: number;
  readonly l0Pixels: number;
}

export interface Compared extends Grid {
  /** Images [channels, …]. */
  readonly a: Floats;
  readonly b: Floats;
  readonly channels: number;
  /** Default 1. */
  readonly images?: number;
}

/** Distances between two images, of each pair; at most 4 KiB of each to read. */
export const perturbationStats = async (
  gpu: Gpu,
  { a, b, channels, images = 1, groups }: Compared,
): Promise<Measurement<readonly Perturbation[]>> => {
  const pixels = lengthPerImage("perturbation_stats", a, images) / channels;
  if (!Number.isInteger(pixels)) throw new GpuError(`perturbation_stats: ${a.length} values in ${channels} channels`);
  requireLength("perturbation_stats", a.length, { b });
  const used = partialGroups(pixels, groups);
  const results = await gpu.allocate("uint32", 4 * used * images);
  const launch = await gpu.launch("perturbation_stats", {
    buffers: { a, b, partials: results },
    parameters: { pixels, channels },
    items: pixels,
    layers: images,
    groups: used,
  });
  const read = async (): Promise<readonly Perturbation[]> => {
    const words = await gpu.read(results);
    return Array.from({ length: images }, (_, i) => combined(words.subarray(4 * used * i, 4 * used * (i + 1))));
  };
  return { ...releasing(launch, results), read };
};

/** Of the partial results of an image, four words each. */
const combined = (words: Uint32Array<ArrayBuffer>): Perturbation => {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  let [linf, squares, l0Values, l0Pixels] = [0, 0, 0, 0];
  for (let i = 0; i < words.length; i += 4) {
    linf = Math.max(linf, floats[i]!);
    squares += floats[i + 1]!;
    l0Values += words[i + 2]!;
    l0Pixels += words[i + 3]!;
  }
  return { linf, l2: Math.sqrt(squares), l0Values, l0Pixels };
};
