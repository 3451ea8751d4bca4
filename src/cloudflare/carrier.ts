/** Carries out the parcels of a Worker's evaluations with its networks and pictures. */

import { createPerformer } from "../jobs/perform.ts";
import { placeOfParcel, valueAt } from "../jobs/numbered.ts";
import type { Group } from "../evaluation/units.ts";
import type { RunFacts } from "../report/run-facts.ts";
import { RecentlyUsed } from "../segmenter/recently-used.ts";
import type { Carrier } from "./deliveries.ts";
import type { Entry } from "./ledger.ts";
import type { CloudObjects } from "./objects.ts";
import type { Place } from "./place.ts";
import { parcelsBy, parsedSpec, pictureOf, settled, type CloudPlan } from "./plan.ts";
import { yielding } from "./yielding.ts";

const planOf = ({ plan }: Entry): CloudPlan => plan as CloudPlan;

/** Evaluations whose plans an isolate keeps for their further parcels. */
const PLANS = 2;

export const createCarrier = (
  place: Place,
  objects: Pick<CloudObjects, "item" | "manifests">,
  version: string,
): Carrier => {
  const planned = async (entry: Entry) => {
    const spec = await parsedSpec(entry.spec);
    const plan = planOf(entry);
    const manifests = await objects.manifests(entry.id);
    const picture = await pictureOf(spec, manifests);
    return { spec, plan, manifests, picture, starts: parcelsBy(picture, plan.times).starts };
  };
  const known = new RecentlyUsed<Awaited<ReturnType<typeof planned>>>(PLANS);
  return {
    open: async (entry, number) => {
      const kept = known.get(entry.id) ?? (await planned(entry));
      known.set(entry.id, kept);
      const { spec, plan, manifests, picture, starts } = kept;
      await place.networks.requireSame(manifests);
      const { picture: at, parcel } = placeOfParcel(plan.counts, entry.predicted.pictures, number);
      const item = await objects.item(entry.id, at);
      const { settings, groupAt } = picture;
      const perform = createPerformer({
        segmenterOf: async (setting, seed) => yielding(await settled(place, spec, manifests, settings[setting]!, seed)),
        read: () => place.read(item, { ...plan, manifest: manifests[0]! }),
        nameOf: () => item.name,
        seed: spec.seed,
        small: spec.small,
        version,
      });
      const groups: Group[] = [];
      for (let group = starts[parcel]!; group < starts[parcel + 1]!; group++)
        groups.push(await groupAt(group, { batch: 0, item: 0, name: item.name }));
      return {
        parcel: groups,
        // Requests to this isolate that run networks take their turns between two groups, all others between two runs.
        perform: (group, hooks) => place.exclusive(() => perform([group], hooks)),
        stepMs: ({ source }) => plan.times[source]!.forward + plan.times[source]!.backward,
      };
    },
    unitsOf: (entry, number) => {
      const { counts, units } = planOf(entry);
      return valueAt(units, placeOfParcel(counts, entry.predicted.pictures, number).parcel);
    },
  };
};

/** What a report says of the run, as it does of one under Node. */
export const factsFor =
  (objects: Pick<CloudObjects, "manifests">, versions: Readonly<Record<string, string>>) =>
  async (entry: Entry): Promise<RunFacts> => {
    const manifests = await objects.manifests(entry.id);
    return {
      networks: manifests.map(({ name, sha256, classes, precision, architecture, dataset, license }) => {
        const names = classes.map((each) => each.name);
        return { name, sha256, classes: names, precision, architecture, dataset, license };
      }),
      data: planOf(entry).facts,
      spec: entry.spec,
      versions,
      command: undefined,
    };
  };
