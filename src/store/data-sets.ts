/** Data sets that come by request, whatever keeps them. */

import { requestSets } from "../contract/data.ts";
import type { DataFile, DataManifest, DataSetInfo, DataSets, DataStore } from "../contract/data.ts";
import { FaultlineError } from "../contract/failure.ts";
import { sha256Of } from "../digest.ts";

/** Data sets that are kept at most. */
const MOST = 64;

const refused = (reason: string): FaultlineError => new FaultlineError({ kind: "data-refused", reason });

/** @throws FaultlineError for paths that cannot lie in one folder. */
const requireFolder = ({ files }: DataManifest): void => {
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) throw refused("a path occurs more than once");
  for (const path of paths)
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
      if (paths.has(path.slice(0, at))) throw refused(`${path.slice(0, at)} is a file and a folder`);
};

const infoOf = ({ name, files }: DataManifest): DataSetInfo => ({
  name,
  files: files.length,
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
});

export const createDataSets = (store: DataStore): DataSets => {
  const manifests = async (): Promise<readonly DataManifest[]> => {
    const found: DataManifest[] = [];
    for (const name of await store.names()) {
      const manifest = await store.manifest(name);
      if (manifest) found.push(manifest);
    }
    return found;
  };
  const commit = async (manifest: DataManifest): Promise<void> => {
    if (await store.commit(manifest)) return;
    throw refused(`${manifest.name} is a data set of the deployment's own, which is not replaced; take another name`);
  };
  return {
    list: async () => (await manifests()).map(infoOf),
    put: async (manifest) => {
      const { name, files } = manifest;
      requireFolder(manifest);
      const names = await store.names();
      const pushed = names.filter((each) => !each.startsWith(requestSets));
      // Those of requests do not count: there are as many as evaluations are kept.
      if (!pushed.includes(name) && pushed.length >= MOST)
        throw refused(`${MOST} data sets are kept at most; delete one`);
      const kept = await store.kept();
      const missing = [...new Set(files.map(({ sha256 }) => sha256))].filter((sha256) => !kept.has(sha256));
      if (missing.length > 0) throw new FaultlineError({ kind: "data-incomplete", name, missing });
      await commit(manifest);
      return infoOf(manifest);
    },
    putFile: async (sha256, bytes) => {
      const received = await sha256Of(bytes);
      if (received !== sha256) throw refused(`the file has the digest ${received}`);
      await store.putFile(sha256, bytes);
    },
    keep: async (name, given) => {
      const files: DataFile[] = [];
      for (const [path, bytes] of Object.entries(given)) {
        const content = new Uint8Array(bytes);
        const sha256 = await sha256Of(content);
        await store.putFile(sha256, content);
        files.push({ path, sha256, bytes: content.length });
      }
      await commit({ name, files });
    },
    file: async (name, path) => {
      const file = (await store.manifest(name))?.files.find((each) => each.path === path);
      return file ? store.file(file.sha256) : null;
    },
    remove: async (name) => {
      const all = await manifests();
      const own = all.find((manifest) => manifest.name === name);
      if (!own) throw new FaultlineError({ kind: "unknown-data", name, accepted: all.map((each) => each.name) });
      await store.remove(name);
      const shared = new Set(
        all.flatMap((manifest) => (manifest === own ? [] : manifest.files.map((each) => each.sha256))),
      );
      await store.dropFiles(
        [...new Set(own.files.map(({ sha256 }) => sha256))].filter((sha256) => !shared.has(sha256)),
      );
    },
  };
};
