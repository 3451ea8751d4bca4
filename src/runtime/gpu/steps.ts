/** Typed forms of the kernels of an attack's step: a launch is bound once, its sizes checked, and run any number of times. */

import { GpuError } from "./error.ts";
import { partialGroups, releasing, requireLength, type Floats, type Grid, type Measurement } from "./kernels.ts";
import { sequence, type Gpu, type Launch } from "./gpu.ts";

export interface SignStep extends Grid {
  /** Replaced by the image after the step. */
  readonly x: Floats;
  readonly gradient: Floats;
  /** Bounds of each component, the intersection of the ε-ball with the pixel range: the attacks' `project` of −∞ and of ∞. */
  readonly low: Floats;
  readonly high: Floats;
  /** Step size; it must be a float32 value. */
  readonly alpha: number;
  /** m ← μ·m + g / ‖g‖₁; the step follows the sign of m (MI-FGSM, Dong et al. 2018). */
  readonly momentum?: { readonly m: Floats; readonly decay: number } | undefined;
}

/** x ← min(max(x + α·sign g, low), high), bit for bit what `ascend` computes where α is a float32. */
export const signStep = async (
  gpu: Gpu,
  { x, gradient, low, high, alpha, momentum, groups }: SignStep,
): Promise<Launch> => {
  const count = x.length;
  requireLength("sign_step", count, { gradient, low, high, ...(momentum && { momentum: momentum.m }) });
  const norm = await gpu.allocate("float32", 1);
  const none = await gpu.allocate("float32", 1);
  const step = await gpu.launch("sign_step", {
    buffers: { x, gradient, low, high, momentum: momentum?.m ?? none, norm },
    parameters: { count, alpha, decay: momentum?.decay ?? 0 },
    constants: { MOMENTUM: momentum ? 1 : 0 },
    items: count,
    groups,
  });
  if (!momentum) return releasing(step, norm, none);
  const sums = await gpu.allocate("float32", partialGroups(count, groups));
  const sum = (of: Floats, to: Floats): Promise<Launch> =>
    gpu.launch("l1_sums", {
      buffers: { gradient: of, sums: to },
      parameters: { count: of.length },
      items: of.length,
      groups: to.length,
    });
  return releasing(sequence(await sum(gradient, sums), await sum(sums, norm), step), norm, none, sums);
};

export interface ApgdStep extends Grid {
  /** Replaced by the image after the step, and `previous` by the one before. */
  readonly x: Floats;
  readonly previous: Floats;
  readonly gradient: Floats;
  readonly low: Floats;
  readonly high: Floats;
  /** η; negative to descend. */
  readonly size: number;
  /** Whether the step is z itself. */
  readonly isFirst: boolean;
}

/** z = P(x + η·sign g), then P(x + 0.75·(z − x) + 0.25·(x − previous)). */
export const apgdStep = async (
  gpu: Gpu,
  { x, previous, gradient, low, high, size, isFirst, groups }: ApgdStep,
): Promise<Launch> => {
  requireLength("apgd_step", x.length, { previous, gradient, low, high });
  return gpu.launch("apgd_step", {
    buffers: { x, previous, gradient, low, high },
    parameters: { count: x.length, size },
    constants: { FIRST: isFirst ? 1 : 0 },
    items: x.length,
    groups,
  });
};

export interface LookAhead extends Grid {
  readonly x: Floats;
  readonly m: Floats;
  readonly scale: number;
  /** Replaced by x + scale·m. */
  readonly ahead: Floats;
}

/** ahead ← x + scale·m. */
export const lookAhead = async (gpu: Gpu, { x, m, scale, ahead, groups }: LookAhead): Promise<Launch> => {
  requireLength("look_ahead", x.length, { m, ahead });
  return gpu.launch("look_ahead", {
    buffers: { x, momentum: m, ahead },
    parameters: { count: x.length, scale },
    items: x.length,
    groups,
  });
};

/** The same distances as in `Distances`. */
export interface Perturbation {
  readonly linf: number;
  readonly l2: number;
  readonly l0Values: number;
  readonly l0Pixels: number;
}

/** Distances between two images [channels, …]; at most 4 KiB to read. */
export const perturbationStats = async (
  gpu: Gpu,
  { a, b, channels, groups }: { readonly a: Floats; readonly b: Floats; readonly channels: number } & Grid,
): Promise<Measurement<Perturbation>> => {
  const pixels = a.length / channels;
  if (!Number.isInteger(pixels)) throw new GpuError(`perturbation_stats: ${a.length} values in ${channels} channels`);
  requireLength("perturbation_stats", a.length, { b });
  const used = partialGroups(pixels, groups);
  const results = await gpu.allocate("uint32", 4 * used);
  const launch = await gpu.launch("perturbation_stats", {
    buffers: { a, b, partials: results },
    parameters: { pixels, channels },
    items: pixels,
    groups: used,
  });
  const read = async (): Promise<Perturbation> => {
    const words = await gpu.read(results);
    const floats = new Float32Array(words.buffer);
    let [linf, squares, l0Values, l0Pixels] = [0, 0, 0, 0];
    for (let i = 0; i < words.length; i += 4) {
      linf = Math.max(linf, floats[i]!);
      squares += floats[i + 1]!;
      l0Values += words[i + 2]!;
      l0Pixels += words[i + 3]!;
    }
    return { linf, l2: Math.sqrt(squares), l0Values, l0Pixels };
  };
  return { ...releasing(launch, results), read };
};
