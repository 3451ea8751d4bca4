/** Rows for tests of reports: small, valid, and as many as wanted. */

import type { Json, Row } from "../../src/evaluation/row.ts";
import type { ClassCounts } from "../../src/metrics/counts.ts";
import { integer, random, type Random } from "../../src/random.ts";

/** Random counts in which each class's pixels are right with probability near `accuracy`; wrong ones go to the next class. */
export const countsWith = (next: Random, reference: readonly number[], accuracy: number): ClassCounts => {
  const truePositive = reference.map((n) =>
    Math.min(n, Math.max(0, Math.round(n * (accuracy + (next() - 0.5) * 0.3)))),
  );
  const C = reference.length;
  const predicted = truePositive.map((n, c) => n + (reference[(c + C - 1) % C]! - truePositive[(c + C - 1) % C]!));
  return { truePositive, reference, predicted };
};

export interface RowOptions {
  readonly network?: string;
  readonly source?: string;
  readonly attack?: Json;
  readonly item: string;
  readonly repeat?: number;
  readonly around?: Row["unit"]["around"];
  readonly counts: Row["counts"];
  readonly small?: Row["counts"];
  readonly success?: boolean;
  readonly l2?: number;
  readonly linf?: number;
  readonly signs?: readonly string[];
}

/** A row; its identity is that of its fields. */
export const rowOf = (options: RowOptions): Row => {
  const { network = "alpha", source, attack = null, item, repeat, around, counts, small, success, signs } = options;
  const shaOf = (name: string) => `${name}-`.padEnd(64, "0");
  const unit = {
    networkSha256: shaOf(network),
    ...(source === undefined ? {} : { source: shaOf(source) }),
    attack,
    ...(around === undefined ? {} : { around }),
    item,
    seed: 0,
    ...(repeat === undefined ? {} : { repeat }),
  };
  return {
    schema: 2,
    id: JSON.stringify(unit),
    unit,
    reference: "ground-truth",
    counts,
    ...(small === undefined ? {} : { small }),
    distances: { l2: options.l2 ?? 0, linf: options.linf ?? 0 },
    ...(success === undefined ? {} : { success }),
    evaluations: { forward: 2, backward: 1 },
    masking: { zeroGradientShare: 0.01, confidence: 0.7 },
    ...(signs === undefined ? {} : { signs }),
    receipt: {
      model: network,
      ...(source === undefined ? {} : { source }),
      backend: "wasm",
      onnxruntime: "onnxruntime-web 1.30.0",
      faultline: "0.1.0",
    },
  };
};

export interface StudyOptions {
  readonly images?: number;
  readonly classes?: number;
  readonly networks?: readonly string[];
  readonly attacks?: readonly string[];
  readonly epsilons?: readonly number[];
  readonly repeats?: number;
  readonly small?: boolean;
  /** The share of right pixels that an attack leaves. */
  readonly accuracy?: (network: string, attack: string, epsilon: number) => number;
}

const usual = (network: string, attack: string, epsilon: number): number =>
  Math.max(0.05, 0.85 - (attack === "fgsm" ? 0.04 : 0.07) * epsilon - (network === "alpha" ? 0 : 0.05));

/** A study of several networks, attacks and radii: the clean images first, then each attack. */
export function* study({
  images = 6,
  classes = 4,
  networks = ["alpha", "beta"],
  attacks = ["fgsm", "ifgsm"],
  epsilons = [1, 2, 4],
  repeats = 0,
  small = true,
  accuracy = usual,
}: StudyOptions = {}): Generator<Row> {
  for (const network of networks)
    for (let i = 0; i < images; i++) {
      const next = random(i * 7919 + network.length);
      const reference = Array.from({ length: classes }, () => integer(next, 20, 400));
      const tiny = reference.map((n) => Math.round(n / 10));
      const clean = countsWith(next, reference, 0.9);
      const smallClean = countsWith(next, tiny, 0.8);
      const item = `image-${String(i).padStart(6, "0")}`;
      const of = (float: ClassCounts, uint8: ClassCounts, onSmall: ClassCounts) => ({
        counts: { clean, float, uint8 },
        ...(small ? { small: { clean: smallClean, float: onSmall, uint8: onSmall } } : {}),
      });
      yield rowOf({ network, item, ...of(clean, clean, smallClean) });
      for (const attack of attacks)
        for (const epsilon of epsilons)
          for (let repeat = 0; repeat <= repeats; repeat++) {
            const share = accuracy(network, attack, epsilon);
            const float = countsWith(next, reference, share);
            yield rowOf({
              network,
              item,
              attack: { attack, epsilon, steps: 3 },
              linf: epsilon,
              l2: epsilon * 10,
              ...(repeat === 0 ? {} : { repeat }),
              ...of(float, countsWith(next, reference, share + 0.02), countsWith(next, tiny, share - 0.1)),
            });
          }
    }
}
