/** /v1/transfer's work: an attack on each source, and its image scored on each target. */

import { optionValues } from "../attacks/options.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { Abandon } from "../contract/models.ts";
import type {
  TransferRequest,
  TransferResult,
  TransferScores,
  TransferSource,
  TransferSpec,
  TransferTarget,
} from "../contract/transfer.ts";
import type { Warning } from "../contract/warnings.ts";
import type { Crafted } from "../evaluation/craft.ts";
import { measure } from "../evaluation/measure.ts";
import { evaluatedBy, stepsOf, type AttackPlan } from "../evaluation/plan.ts";
import type { RowCounts } from "../evaluation/row.ts";
import type { Sign } from "../evaluation/signs.ts";
import { perturbationFrom } from "../evaluation/scores.ts";
import { scoresOf, type Scores } from "../metrics/counts.ts";
import { sha256Of } from "../digest.ts";
import type { PlacedModel } from "../networks/placement.ts";
import type { Labels } from "../segmenter/segmenter.ts";
import { spatialSize } from "../tensor.ts";
import type { Context } from "./context.ts";
import { labelWarnings } from "./label-reading.ts";
import { pictureWarnings, readTruth, roundingWarnings } from "./pictures.ts";
import { pointScores } from "./point-scores.ts";
import { yieldToEvents } from "../yield.ts";
import { cancellable } from "./queue.ts";

const planOf = (spec: TransferSpec, truth: Labels | undefined): AttackPlan => {
  const { attack, epsilon, norm, alpha, steps, pixelRange, seed, label } = spec;
  const source = label === "ground-truth" ? truth : undefined;
  return { ...optionValues(spec), attack, epsilon, norm, alpha, steps, pixelRange, seed, source };
};

/** @throws FaultlineError invalid-spec where the pictures of one network are none of another's. */
const requireSameChannels = (channels: ReadonlyMap<string, number>): void => {
  if (new Set(channels.values()).size < 2) return;
  const detail = `must take pictures of the same channels; ${[...channels].map(([name, count]) => `${name} takes ${count}`).join(", ")}`;
  throw invalidSpec({ pointer: "/spec/targets", detail });
};

type From = Omit<TransferScores, "signs">;

/** The lowest IoU ratio as an 8-bit image; the first of equals. */
const strongest = (results: readonly From[]): From | null =>
  results.reduce<From | null>((best, each) => {
    const ratio = each.uint8.iouRatio;
    return ratio !== null && (best === null || ratio < best.uint8.iouRatio!) ? each : best;
  }, null);

/** On the white-box figure, where another network's image does more. */
const transferSign = (own: From, other: From): Sign => ({
  kind: "transfer-stronger",
  values: { expectedStronger: own.uint8.iouRatio!, expectedWeaker: other.uint8.iouRatio! },
  detail: `The image of ${other.source} leaves ${own.source} an IoU ratio of ${other.uint8.iouRatio!.toFixed(3)}, the white-box attack one of ${own.uint8.iouRatio!.toFixed(3)}: that figure is no bound, as the gradient is masked or its steps are too few.`,
});

const judged = (model: string, from: readonly From[]) => {
  const [all, own, other] = [from, from.filter((f) => f.whiteBox), from.filter((f) => !f.whiteBox)].map(strongest);
  const transferBeatsWhiteBox = Boolean(own && other && other.uint8.iouRatio! < own.uint8.iouRatio!);
  const ratio = (each: From): string => `${each.source} (IoU ratio ${each.uint8.iouRatio!.toFixed(3)})`;
  const strength = all
    ? `the image of ${ratio(all)} does most harm to ${model}`
    : `${model} has no IoU ratio on this image`;
  const flag = transferBeatsWhiteBox
    ? `; the white-box attack on ${model} itself does less, so that its figure is no bound: its gradient is masked or its steps are too few`
    : "";
  return {
    from: from.map((each) => ({
      ...each,
      signs: transferBeatsWhiteBox && each.whiteBox ? [transferSign(each, other!)] : [],
    })),
    mostEffective: all?.source ?? null,
    mostEffectiveTransfer: other?.source ?? null,
    transferBeatsWhiteBox,
    summary: `${strength}${flag}.`,
  };
};

const ranOf = ({ segmenter: { manifest }, choice }: PlacedModel) => ({
  model: manifest.name,
  modelSha256: manifest.sha256,
  backend: choice.backend,
});

/** The scores of the image on one network, as computed and in 8 bits. */
const pairScores = ({ clean, float, uint8 }: RowCounts) => {
  const before = scoresOf(clean);
  return { float: pointScores(scoresOf(float), before), uint8: pointScores(scoresOf(uint8), before) };
};

export const createTransferHandler =
  (context: Context) =>
  async ({ spec, image: bytes, labels }: TransferRequest, { signal }: Abandon = {}): Promise<TransferResult> => {
    const start = performance.now();
    const { seed, backend } = spec;
    // One prediction beside the steps for each target.
    context.requireWork(bytes, spec.sources.length * (stepsOf(planOf(spec, undefined)) + spec.targets.length));
    const item = await sha256Of(bytes);
    const opened = async (name: string, attacked: boolean) => {
      const model = await context.open({ model: name, backend, seed });
      const image = await context.prepare(model, bytes, attacked ? evaluatedBy([spec.attack]) : []);
      const truth = await readTruth(context, model, image, "labels", labels, spec.label255);
      return { model, subject: { segmenter: model.segmenter, image, item, truth } };
    };
    // Whatever can be refused is refused before the first attack.
    const channels = new Map<string, number>();
    const networks: PlacedModel["network"][] = [];
    for (const [names, attacked] of [[spec.targets, false] as const, [spec.sources, true] as const])
      for (const name of names) {
        const { model, subject } = await opened(name, attacked);
        channels.set(name, subject.image.shape[0]!);
        networks.push(model.network);
      }
    requireSameChannels(channels);

    const sources: TransferSource[] = [];
    const made: Crafted[] = [];
    const rounding: Warning[] = [];
    for (const name of spec.sources) {
      const { model, subject } = await opened(name, true);
      const plan = planOf(spec, subject.truth);
      const run = () => measure(subject, plan, { onStep: yieldToEvents, signal });
      const { row, float, uint8, crafted, signs } = await cancellable(signal, run);
      // Without predictions, which are those of the source.
      made.push({ ...crafted, prediction: undefined });
      const distances = perturbationFrom(subject.image);
      const perturbation = { float: distances(float.image), uint8: distances(uint8.image) };
      const own = pairScores(row.counts);
      rounding.push(...roundingWarnings({ scores: own, perturbation }, `attacked on ${name}, `));
      sources.push({ ...ranOf(model), perturbation, masking: row.masking, evaluations: row.evaluations, signs });
    }

    const targets: TransferTarget[] = [];
    for (const name of spec.targets) {
      const { model, subject } = await opened(name, false);
      const prediction = await model.segmenter.predict(subject.image);
      const from: From[] = [];
      let clean: Scores | undefined;
      for (const [k, source] of spec.sources.entries()) {
        const plan = planOf(spec, subject.truth);
        const run = async () => {
          await yieldToEvents();
          signal?.throwIfAborted();
          return measure({ ...subject, clean: prediction, crafted: made[k] }, plan, { signal });
        };
        const { counts } = (await cancellable(signal, run)).row;
        clean = scoresOf(counts.clean);
        from.push({ source, whiteBox: source === name, ...pairScores(counts) });
      }
      const { miou = null, pixelAccuracy = null } = clean ?? {};
      targets.push({ ...ranOf(model), clean: { miou, pixelAccuracy }, ...judged(name, from) });
    }

    const { model, subject } = await opened(spec.targets[0]!, false);
    return {
      ...spatialSize(subject.image),
      reference: subject.truth ? "ground-truth" : "prediction",
      warnings: [
        ...(await pictureWarnings(bytes, subject.image, ...networks)),
        ...(subject.truth ? labelWarnings("labels", subject.truth) : []),
        ...rounding,
      ],
      sources,
      targets,
      timings: { total: performance.now() - start },
      receipt: { spec, seed, versions: { faultline: context.version, onnxruntime: model.cache.runtime.version } },
    };
  };
