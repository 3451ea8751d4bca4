/**
 * Whether an evaluation of a network by gradient attacks is to be believed: the checks of Athalye, Carlini, Wagner 2018 (arXiv
 * 1802.00420) and Carlini et al. 2019 (arXiv 1902.06705), each of which a sound attack on an unmasked network passes.
 */

import { withDefaults, type AttackName } from "../attacks/catalogue.ts";
import { optionValues } from "../attacks/options.ts";
import { iouRatio, scoresOf } from "../metrics/counts.ts";
import { tensor } from "../tensor.ts";
import { flagsIn, isWhiteBox, signsOfFlags, type Figure, type Flag } from "./orders.ts";
import { measure, type Measured, type MeasureHooks, type Subject } from "./measure.ts";
import { aimOf, stepsOf, type AttackPlan } from "./plan.ts";
import { pooledCounts } from "./pool.ts";
import type { Row } from "./row.ts";
import { maskingSigns, type Sign } from "./signs.ts";

export interface AuditSettings {
  /** Grey levels. */
  readonly epsilon: number;
  /** Evaluations of each gradient attack; the one without gradients has five times as many queries. */
  readonly steps: number;
  readonly seed: number;
}

/** Half the distances of the difference quotients, in grey levels. */
const QUOTIENT_STEPS = [0.25, 1] as const;
const QUERIES_PER_STEP = 5;
/** A ball that holds every image. */
const UNBOUNDED = 255;
/** What an attack without bounds may leave of the mIoU. */
const NOTHING_LEFT = 0.1;
/** A quotient is the gradient's where it is between a fifth of it and five times. */
const FACTOR = 5;

const runs = {
  "single-step": { attack: "fgsm" },
  "clean-start": { attack: "ifgsm" },
  "random-start": { attack: "pgd" },
  adaptive: { attack: "apgd" },
  "gradient-free": { attack: "square" },
  unbounded: { attack: "apgd", epsilon: UNBOUNDED },
} as const satisfies Readonly<Record<string, { readonly attack: AttackName; readonly epsilon?: number }>>;

export type AuditRun = keyof typeof runs;
const runNames = Object.keys(runs) as readonly AuditRun[];

/** The attacks that an audit runs. */
export const auditedAttacks: readonly AttackName[] = [...new Set(Object.values(runs).map(({ attack }) => attack))];

const planOf = (run: AuditRun, settings: AuditSettings): AttackPlan & { readonly epsilon: number } => {
  const { attack, epsilon = settings.epsilon } = { epsilon: undefined, ...runs[run] };
  const given = run === "single-step" ? 1 : settings.steps * (run === "gradient-free" ? QUERIES_PER_STEP : 1);
  const { alpha = 1, steps = 1, ...options } = withDefaults(attack, { epsilon }, { steps: given });
  return { ...options, attack, epsilon, alpha, steps, pixelRange: "clip", seed: settings.seed };
};

/** Evaluations of the objective on one image, before anything is run. */
export const auditSteps = (settings: AuditSettings): number =>
  runNames.reduce((sum, run) => sum + stepsOf(planOf(run, settings)), 1 + 2 * QUOTIENT_STEPS.length);

/** Of one image. */
export interface AuditedImage {
  /** Slope of the loss along the sign of its gradient by difference quotients ÷ ‖gradient‖₁, for each step; null for a zero gradient. */
  readonly quotients: readonly (number | null)[];
  readonly rows: Readonly<Record<AuditRun, Row>>;
  /** What each attack itself showed. */
  readonly signs: Readonly<Record<AuditRun, readonly Sign[]>>;
}

/** (f(x + h·s) − f(x − h·s)) / 2h ÷ ‖∇f‖₁ for s = sign ∇f, the derivative of cross-entropy in that direction being ‖∇f‖₁. */
const quotientsOf = async (subject: Subject, settings: AuditSettings): Promise<AuditedImage["quotients"]> => {
  const { segmenter, image } = subject;
  const { labels } = subject.clean ?? (await segmenter.predict(image));
  const evaluate = segmenter.objective(aimOf("cross-entropy", planOf("adaptive", settings), labels));
  const { gradient } = await evaluate(image);
  const norm = gradient.data.reduce((sum, g) => sum + Math.abs(g), 0);
  const valueAt = async (h: number): Promise<number> => {
    const moved = image.data.map((v, i) => v + h * Math.sign(gradient.data[i]!));
    return (await evaluate(tensor("float32", image.shape, moved))).value;
  };
  const found: (number | null)[] = [];
  for (const h of QUOTIENT_STEPS)
    found.push(norm === 0 ? null : ((await valueAt(h)) - (await valueAt(-h))) / (2 * h) / norm);
  return found;
};

/** Runs the attacks on one image. @throws as `measure` */
export const auditImage = async (
  subject: Subject,
  settings: AuditSettings,
  hooks: MeasureHooks = {},
): Promise<AuditedImage> => {
  const clean = subject.clean ?? (await subject.segmenter.predict(subject.image));
  const quotients = await quotientsOf({ ...subject, clean }, settings);
  const made: [AuditRun, Pick<Measured, "row" | "signs">][] = [];
  for (const run of runNames) {
    const { row, signs } = await measure({ ...subject, clean }, planOf(run, settings), hooks);
    made.push([run, { row, signs }]);
  }
  const each = <T>(of: (measured: Pick<Measured, "row" | "signs">) => T) =>
    Object.fromEntries(made.map(([run, measured]) => [run, of(measured)])) as Record<AuditRun, T>;
  return { quotients, rows: each(({ row }) => row), signs: each(({ signs }) => signs) };
};

export interface Audit {
  /** What each attack leaves, pooled over the images; as floats. */
  readonly runs: readonly {
    readonly run: AuditRun;
    readonly attack: AttackName;
    readonly epsilon: number;
    readonly iouRatio: number | null;
    readonly evaluations: Row["evaluations"];
    /** What ought to do less and does more, so that the figure is no bound. */
    readonly flags: readonly Flag[];
  }[];
  readonly quotients: readonly (readonly (number | null)[])[];
  readonly signs: readonly Sign[];
  /** `not-believable` where the gradient is masked or wrong, `doubtful` where only an attack is weaker than another. */
  readonly verdict: "believable" | "doubtful" | "not-believable";
  readonly summary: string;
}

const grave: ReadonlySet<Sign["kind"]> = new Set([
  "gradient-zero",
  "gradient-wrong",
  "gradient-free-stronger",
  "unbounded-attack-fails",
] as const);

/** The image whose quotients are all far from the gradient, if there is one. */
const quotientSigns = (images: readonly AuditedImage[]): Sign[] => {
  const isFar = (ratio: number): boolean => !(ratio > 1 / FACTOR && ratio < FACTOR);
  const index = images.findIndex(({ quotients }) => quotients.every((q) => q !== null && isFar(q)));
  if (index === -1) return [];
  const [fine, coarse] = images[index]!.quotients as readonly [number, number];
  const detail = `Along the gradient's sign the loss of image ${index + 1} rises by ${fine.toPrecision(3)} (${QUOTIENT_STEPS[0]} grey levels) and ${coarse.toPrecision(3)} (${QUOTIENT_STEPS[1]}) of what the gradient says: it is not the gradient of the network that runs.`;
  return [{ kind: "gradient-wrong", values: { image: index + 1, fine, coarse }, detail }];
};

/** Whether the steps were too few on half of the images, of the attack that leaves least. */
const lateSigns = (
  images: readonly AuditedImage[],
  figures: readonly (Figure & { readonly run: AuditRun })[],
): Sign[] => {
  const [best] = figures
    .filter((figure) => isWhiteBox(figure) && figure.epsilon < UNBOUNDED)
    .toSorted((a, b) => (a.iouRatio ?? Infinity) - (b.iouRatio ?? Infinity));
  if (!best) return [];
  const late = images.filter(({ signs }) => signs[best.run].some(({ kind }) => kind === "loss-still-moving")).length;
  if (late === 0 || 2 * late < images.length) return [];
  const detail = `The loss of ${best.attack} at ε = ${best.epsilon} still moves in the last fifth of its steps on ${late} of ${images.length} images: with more steps it would be stronger.`;
  return [{ kind: "loss-still-moving", values: { late, images: images.length }, detail }];
};

/** What each attack leaves, pooled over the images. */
const figuresOf = (images: readonly AuditedImage[], settings: AuditSettings) =>
  runNames.map((run) => {
    const rows = images.map(({ rows: own }) => own[run]);
    const { clean, float } = pooledCounts(rows);
    const total = (kind: "forward" | "backward") => rows.reduce((sum, row) => sum + row.evaluations[kind], 0);
    const plan = planOf(run, settings);
    const evaluations = { forward: total("forward"), backward: total("backward") };
    return {
      run,
      attack: plan.attack,
      epsilon: plan.epsilon,
      iouRatio: iouRatio(scoresOf(float), scoresOf(clean)),
      evaluations,
      source: null,
      gradients: evaluations.backward / images.length,
      options: { ...optionValues(plan) },
    };
  });

/** The verdict over images. @throws RangeError where there are none */
export const auditOf = (images: readonly AuditedImage[], settings: AuditSettings): Audit => {
  const figures = figuresOf(images, settings);
  const flagsOf = flagsIn(figures);
  const measured = figures.map((figure) => ({ ...figure, flags: flagsOf(figure) }));
  const mean = (kind: keyof Row["masking"]) =>
    images.reduce((sum, { rows }) => sum + rows["clean-start"].masking[kind], 0) / images.length;
  const remains = measured.find(({ run }) => run === "unbounded")!.iouRatio ?? 0;
  const signs: Sign[] = [
    ...maskingSigns({ zeroGradientShare: mean("zeroGradientShare"), confidence: mean("confidence") }),
    ...quotientSigns(images),
    ...signsOfFlags(measured),
    ...lateSigns(images, figures),
    ...(remains > NOTHING_LEFT
      ? [
          {
            kind: "unbounded-attack-fails" as const,
            values: { iouRatio: remains },
            detail: `Without a bound the attack leaves an IoU ratio of ${remains.toFixed(3)}, where nothing should be left: it does not find what there is.`,
          },
        ]
      : []),
  ];
  const isGrave = signs.some(({ kind }) => grave.has(kind));
  const verdict = isGrave ? "not-believable" : signs.length > 0 ? "doubtful" : "believable";
  const summary =
    signs.length === 0
      ? "No check fails: gradient attacks on this network are to be believed, as far as these images show."
      : signs.map(({ detail }) => detail).join(" ");
  const runs = measured.map(({ run, attack, epsilon, iouRatio: ratio, evaluations, flags }) => {
    return { run, attack, epsilon, iouRatio: ratio, evaluations, flags };
  });
  return { runs, quotients: images.map(({ quotients }) => quotients), signs, verdict, summary };
};
