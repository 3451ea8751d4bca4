/**
 * PGD-40, APGD-100 and SEA-100 on the reference E-Net against what the authors' code does to it. By default one picture at ε = 4 and one
 * loss of SEA, about half a minute each; FAULTLINE_ALL_REFERENCE=1 runs all four pictures at both radii and all losses.
 */

import { describe, expect, it } from "vitest";
import type { Evaluation, Trajectory } from "../../src/attacks/attack.ts";
import { makeAttack, type AttackName } from "../../src/attacks/catalogue.ts";
import { follow } from "../../src/attacks/run.ts";
import { objectiveNamed } from "../../src/objectives/catalogue.ts";
import type { Labels, Segmenter } from "../../src/segmenter/segmenter.ts";
import { authorsNote, authorsResult, authorsSegmenter, hasAuthors, picturesOf, type Picture } from "./authors.ts";

const all = process.env["FAULTLINE_ALL_REFERENCE"] === "1";
const pictures = all ? 4 : 1;
const radii = all ? [1, 4] : [4];

/**
 * Largest change of a picture's accuracy between two runs of one attack, the second from a start that was moved by 10⁻⁶ grey levels
 * or in float64, measured over these pictures; twice as much is allowed between two implementations.
 */
const changes = { pgd: 0.021, apgd: 0.008, sea: 0.008 } as const satisfies Partial<Record<AttackName, number>>;

/**
 * At ε = 1 one picture's outcome has two branches: of eight starts of ours that were moved by at most 10⁻³ grey levels seven leave 0.112
 * to 0.122 of the pixels right and one 0.162, which is where the authors' run ends too.
 */
const apgdChange = (epsilon: number): number => (epsilon === 1 ? 0.025 : changes.apgd);

const accuracy = ({ data }: Labels, truth: Labels): number => {
  let [pixels, right] = [0, 0];
  for (const [i, label] of truth.data.entries()) {
    if (label === 255) continue;
    pixels += 1;
    if (data[i] === label) right += 1;
  }
  return right / pixels;
};

const trajectoryOf = (attack: AttackName, epsilon: number, which = 0): Trajectory => {
  const steps = attack === "pgd" ? { steps: 40, alpha: epsilon / 30 } : { steps: 100 };
  return makeAttack(attack, { epsilon, start: 0, seed: 0, pixelRange: [0, 255], ...steps }).trajectories[which]!;
};

/** Follows a trajectory away from the ground truth. */
const run = async (segmenter: Segmenter, trajectory: Trajectory, { image, truth }: Picture) => {
  const evaluate = segmenter.objective({ objective: objectiveNamed(trajectory.objective), labels: truth });
  /** At each evaluation; of APGD also the step size from there on. */
  const accuracies: number[] = [];
  const sizes: number[] = [];
  const objective = async (...at: Parameters<typeof evaluate>): Promise<Evaluation> => {
    const seen = await evaluate(...at);
    const remaining = accuracy(seen.labels, truth);
    accuracies.push(remaining);
    return { ...seen, remaining };
  };
  const result = await follow(trajectory, objective, image, {
    onStep: ({ checkpoint: { state } }) => {
      const { climb } = (state ?? {}) as { readonly climb?: { readonly size: number } | null };
      if (climb) sizes.push(climb.size);
    },
  });
  return { accuracies, sizes, final: accuracy((await segmenter.predict(result)).labels, truth) };
};

/** What the authors' code of APGD noted at each step. */
interface Trace {
  readonly stepSizeGreyLevelsAtEachIteration: readonly number[];
  readonly bestAccuracySoFarPercent: readonly number[];
}

const timeout = 600_000;

describe.skipIf(!hasAuthors)(`as the authors' code${authorsNote}`, () => {
  const segmenter = hasAuthors ? authorsSegmenter() : undefined;

  it.each(radii)(
    "apgd, 100 steps, at ε = %d: step sizes, the first steps, the result",
    { timeout },
    async (epsilon) => {
      const expected = authorsResult(`apgd100-ce-eps${epsilon}`) as ReturnType<typeof authorsResult> & {
        readonly perImageTrace: readonly Trace[];
      };
      for (const [k, picture] of (await picturesOf(expected)).slice(0, pictures).entries()) {
        const { accuracies, sizes, final } = await run(segmenter!, trajectoryOf("apgd", epsilon), picture);
        const { stepSizeGreyLevelsAtEachIteration: theirs, bestAccuracySoFarPercent: best } =
          expected.perImageTrace[k]!;
        // Up to the third checkpoint; which of the later ones halve the step size is decided by rounding.
        for (const [i, size] of sizes.slice(0, 57).entries()) expect(theirs[i]).toBeCloseTo(size, 2);
        const soFar = accuracies.slice(1).map((_, i) => Math.min(...accuracies.slice(1, i + 2)));
        const bounds = [0.002, 0.004, 0.01, 0.02];
        for (const [i, bound] of bounds.entries()) expect(Math.abs(soFar[i]! - best[i]! / 100)).toBeLessThan(bound);
        expect(Math.abs(final - expected.perImage[k]!.pixelAccuracy)).toBeLessThan(2 * apgdChange(epsilon));
      }
    },
  );

  it.each(radii)("pgd, 40 steps of ε/30, at ε = %d", { timeout }, async (epsilon) => {
    const expected = authorsResult(`pgd40-eps${epsilon}`);
    for (const [k, picture] of (await picturesOf(expected)).slice(0, pictures).entries()) {
      const { final } = await run(segmenter!, trajectoryOf("pgd", epsilon), picture);
      expect(Math.abs(final - expected.perImage[k]!.pixelAccuracy)).toBeLessThan(2 * changes.pgd);
    }
  });

  // Theirs weighs classes by a training set, ours by the labels at hand: the balanced loss has to be as strong, and need not be the same.
  const losses = [
    ["js-avg", 2],
    ["mask-ce-avg", 1],
    ["mask-ce-bal", 0],
  ] as const;
  const cases = radii.flatMap((epsilon) =>
    losses.slice(0, all ? 3 : 1).map(([name, which]) => [name, epsilon, which] as const),
  );
  it.each(cases)("sea's %s, 100 steps, at ε = %d", { timeout }, async (name, epsilon, which) => {
    const expected = authorsResult(`sea100-${name}-eps${epsilon}`);
    for (const [k, picture] of (await picturesOf(expected)).slice(0, pictures).entries()) {
      const { final } = await run(segmenter!, trajectoryOf("sea", epsilon, which), picture);
      expect(Math.abs(final - expected.perImage[k]!.pixelAccuracy)).toBeLessThan(2 * changes.sea);
    }
  });
});
