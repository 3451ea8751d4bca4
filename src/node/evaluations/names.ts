/** What the names in a request mean in a deployment: networks of its folder, networks that were uploaded, data sets. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { unknownSet } from "../../contract/data.ts";
import { FaultlineError, invalidSpec } from "../../contract/failure.ts";
import { networksOf } from "../../evaluation/settings.ts";
import type { GivenSpec } from "../../evaluation/spec.ts";
import { statOf } from "../files.ts";
import { dataAt } from "../stores.ts";
import type { Uploaded, UploadedNetworks } from "../uploaded.ts";
import type { Named } from "./planning.ts";
import type { KeptNetworks } from "./store.ts";
import { isName, type Places } from "./workplace.ts";

const networksIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isFile() && isName(entry.name)).map(({ name }) => name);
  const found = await Promise.all(names.map((name) => statOf(join(folder, name, "manifest.json"))));
  return names.filter((_, i) => found[i] !== null).toSorted();
};

/** @throws FaultlineError invalid-spec for a data set that the deployment does not have. */
const requireData = async (place: string | null, { path, labels }: NonNullable<GivenSpec["data"]>): Promise<void> => {
  const refused = (detail: string, pointer: string, received: string) =>
    invalidSpec({ pointer: `/spec/data/${pointer}`, detail, received });
  if (labels !== undefined) throw refused("goes with folders of the command line alone", "labels", labels);
  if (path === undefined) return;
  if (place === null) throw refused("names a data set, and this deployment has none (--data DIR)", "path", path);
  const sets = (await dataAt(place).names()).filter((name) => isName(name));
  if (sets.includes(path)) return;
  throw refused(unknownSet(sets), "path", path);
};

/** @param networks null where there are no uploads. */
export const createNames = ({ models, data }: Places, networks: UploadedNetworks | null) => {
  const isShipped = async (name: string): Promise<boolean> =>
    (await statOf(join(models, name, "manifest.json"))) !== null;
  return {
    /** @throws FaultlineError for names that the deployment does not have. */
    find: async (spec: GivenSpec): Promise<Named> => {
      const uploads: Uploaded[] = [];
      for (const model of networksOf(spec)) {
        if (isName(model) && (await isShipped(model))) continue;
        const found = isName(model) && networks ? await networks.find(model) : null;
        if (found) uploads.push(found);
        else {
          const accepted = [...(await networksIn(models)), ...((await networks?.names()) ?? [])];
          throw new FaultlineError({ kind: "unknown-model", model, accepted });
        }
      }
      await requireData(data, spec.data ?? {});
      return { spec, uploads };
    },
    /** What uploaded networks are now, of those that were replaced since they were kept; undefined for none. */
    replaced: async (kept: KeptNetworks = {}): Promise<Readonly<Record<string, string>> | undefined> => {
      const now: [string, string][] = [];
      for (const [name, { identity }] of Object.entries(kept)) {
        const found = await networks?.find(name);
        if (found && found.identity !== identity) now.push([name, found.identity]);
      }
      return now.length === 0 ? undefined : Object.fromEntries(now);
    },
  };
};
