/** What an evaluation of a Worker would take, by a measured step of each network on the first picture. */

import { MS_PER_HOUR, type EvaluationRequest } from "../contract/evaluations.ts";
import { FaultlineError } from "../contract/failure.ts";
import type { AttackOf } from "../evaluation/attacks-of.ts";
import { digestOfItems } from "../evaluation/check-items.ts";
import type { LabelReading } from "../evaluation/items.ts";
import { planPicture, totalOfAlike, type PicturePlan } from "../evaluation/picture-plan.ts";
import { leastUnits, partsOf, servedSpec, tooManyUnits, type UnitCount } from "../evaluation/served.ts";
import { membersOf, networksOf, settle, type Setting } from "../evaluation/settings.ts";
import { SpecError, type EvaluationSpec, type GivenSpec } from "../evaluation/spec.ts";
import { predictedBytes } from "../jobs/memory.ts";
import {
  parcelsOfPicture,
  parcelTotal,
  repeatedOf,
  type ParcelCounts,
  type PictureParcels,
  type Repeated,
} from "../jobs/numbered.ts";
import { timeOf, timeSteps, workOf, type StepTimes } from "../jobs/step-times.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { spatialSize, type Size } from "../tensor.ts";
import { BUDGET_MS } from "./deliveries.ts";
import type { Planned } from "./evaluations.ts";
import { NetworkChanged } from "./networks.ts";
import type { Place } from "./place.ts";
import { refused, type Pictures } from "./pictures.ts";

/** What the parcels of an evaluation follow from, beside its specification. Plain data. */
export interface CloudPlan {
  readonly counts: ParcelCounts;
  /** Of each parcel of a picture. */
  readonly units: Repeated;
  /** By the places of settings that are sources. */
  readonly times: Readonly<Record<number, StepTimes>>;
  /** The name of the data set; null for streets. */
  readonly data: string | null;
  readonly reading: LabelReading;
  readonly size: Size;
  /** For the report. */
  readonly facts: { readonly name: string; readonly kind: string; readonly items: number; readonly digest: string };
}

/** Of each step that is timed: of one alone, a gradient took less than the prediction in it whenever something else delayed that. */
const RUNS = 3;

/** 1000 parcels to a window, and some fifteen looks at it with 250 consumers, are fewer steps than the 10 000 of a Workflow. */
const MAX_UNITS = 500_000;

/** Networks with their variants, and attacks with their radii: what is kept of a plan is 1 KB of each, in the 128 MB of an isolate. */
const MAX_PARTS = 20_000;

/** A specification that cannot be carried out is refused. */
const refusing = async <T>(run: () => T | Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof SpecError) throw refused(cause.message);
    throw cause;
  }
};

/** @throws FaultlineError for a specification that contradicts itself, and for what a service does not evaluate. */
export const parsedSpec = (given: GivenSpec): Promise<EvaluationSpec> => refusing(() => servedSpec(given));

const tooMany = (units: UnitCount): FaultlineError =>
  refused(tooManyUnits(units, `an evaluation of a Worker has at most ${MAX_UNITS}`).message);

/** What is too much is refused before it is made. @param pictures how many. */
const requireFew = (spec: EvaluationSpec, pictures: number): void => {
  const parts = partsOf(spec);
  if (parts > MAX_PARTS)
    throw refused(
      `it has ${parts} networks with their variants and attacks with their radii, and an evaluation of a Worker has at most ${MAX_PARTS}; ask for fewer, or divide it`,
    );
  if (leastUnits(spec, 1) > MAX_UNITS) throw tooMany({ atLeast: leastUnits(spec, pictures) });
};

/** The groups of a picture. @throws FaultlineError for networks that do not go together. */
export const pictureOf = (spec: EvaluationSpec, manifests: readonly Manifest[]): Promise<PicturePlan> =>
  refusing(() => planPicture(spec, manifests));

/** Parcels of a picture, each within the budget of a delivery where its groups are. */
export const parcelsBy = ({ alike }: Pick<PicturePlan, "alike">, times: CloudPlan["times"]): PictureParcels =>
  parcelsOfPicture(alike(), BUDGET_MS, (each) => timeOf(each, times[each.source]!));

/** @throws FaultlineError where a run on a picture of that size would not fit. */
const requireMemory = (segmenter: Segmenter, cache: SessionCache, attacks: readonly AttackOf[], size: Size): void => {
  const bytes = predictedBytes(segmenter, cache, attacks, size);
  if (bytes <= cache.budgetBytes) return;
  const mebibytes = (value: number): number => Math.ceil(value / 2 ** 20);
  throw refused(
    `a picture of ${size.width}×${size.height} (width×height) takes ${mebibytes(bytes)} MiB of memory on ${segmenter.manifest.name}, and a run has ${mebibytes(cache.budgetBytes)} MiB; take smaller pictures (data.size for streets), or a service under Node`,
  );
};

interface Measurable {
  readonly spec: EvaluationSpec;
  readonly manifests: readonly Manifest[];
  readonly pictures: Pictures;
  readonly picture: PicturePlan;
}

/** The answer to a request whose network has changed under it. */
const unchanged = <T>(run: Promise<T>): Promise<T> =>
  run.catch((cause: unknown) => {
    if (!(cause instanceof NetworkChanged)) throw cause;
    const reason = "it was replaced or deleted while the evaluation was being planned";
    throw new FaultlineError({ kind: "model-unavailable", model: cause.network, reason }, { cause });
  });

/** On the first picture, the steps of each setting that is a source, and the milliseconds that the picture takes to be read. */
const timesOn = async (
  place: Place,
  { spec, manifests, pictures, picture: { settings, attacks, sources } }: Measurable,
  signal: AbortSignal | undefined,
): Promise<{ readonly times: CloudPlan["times"]; readonly readMs: number }> => {
  const times: Record<number, StepTimes> = {};
  const [first] = pictures.items;
  const reading = { ...pictures, data: spec.data.path ?? null, manifest: manifests[0]! };
  const { image } = await place.read(first!, reading); // What draws streets is started.
  const begun = await place.now();
  await place.read(first!, reading);
  const readMs = (await place.now()) - begun;
  for (const [at, setting] of settings.entries()) {
    if (signal?.aborted) throw new FaultlineError({ kind: "cancelled" });
    const segmenter = await settled(place, spec, manifests, setting);
    requireMemory(segmenter, place.cache, attacks, spatialSize(image));
    const { from, to } = sources[at]!;
    if (from < to) times[at] = await timeSteps(segmenter, image, { runs: RUNS, now: place.now });
  }
  return { times, readMs };
};

/** @param consumers of the queue, at most: parcels that are carried out at a time. */
export const createPlanner =
  (place: Place, consumers: number) =>
  async ({ spec: given }: EvaluationRequest, signal?: AbortSignal): Promise<Planned> => {
    const spec = await parsedSpec(given);
    const manifests = await place.networks.manifestsOf(networksOf(spec));
    const pictures = await place.picturesOf(spec, manifests[0]!);
    const count = pictures.items.length;
    requireFew(spec, count);
    const picture = await pictureOf(spec, manifests);
    const each = totalOfAlike(picture.alike());
    if (count * each.units > MAX_UNITS) throw tooMany({ exactly: count * each.units });
    const measured = () => timesOn(place, { spec, manifests, pictures, picture }, signal);
    const { times, readMs } = await unchanged(place.exclusive(measured, signal));
    const { counts, units } = parcelsBy(picture, times);
    const all = parcelTotal(counts, count);
    const milliseconds = count * workOf(picture.alike(), times) + all * readMs; // A parcel reads its picture.
    const workers = Math.min(consumers, all);
    const digest = await digestOfItems(
      pictures.items.map((item) => ({ name: item.name, digest: "street" in item ? item.name : item.digest! })),
    );
    const plan: CloudPlan = {
      counts,
      units: repeatedOf(units),
      times,
      data: spec.data.path ?? null,
      reading: pictures.reading,
      size: pictures.size,
      facts: { name: pictures.title, kind: pictures.kind, items: count, digest },
    };
    const predicted = {
      units: count * each.units,
      pictures: count,
      evaluations: { forward: count * each.forward, backward: count * each.backward },
      workers,
      cpuHours: milliseconds / MS_PER_HOUR,
      seconds: milliseconds / 1000 / workers,
    };
    const uploaded = place.networks.uploadedOf(manifests);
    return { predicted, parcels: all, plan, uploaded, manifests, items: pictures.items };
  };

/** The network of a setting, as it is scored or attacked. */
export const settled = async (
  { networks }: Pick<Place, "networks">,
  { seed }: Pick<EvaluationSpec, "seed">,
  manifests: readonly Manifest[],
  setting: Setting,
  own = seed,
): Promise<Segmenter> => settle(await networks.segmenterOf(membersOf(setting, manifests)), setting, own);
