/** Files of networks that were sent to this machine, each once for all who use it, for as long as somebody does. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { orUndo } from "./undo.ts";

interface Held {
  users: number;
  readonly path: Promise<string>;
}

export interface SentNetworks {
  /** The path of the file of that digest, which is fetched unless it is here. */
  readonly take: (sha256: string, pieces: () => AsyncIterable<Uint8Array>) => Promise<string>;
  /** For each that was taken. */
  readonly release: (sha256: string) => Promise<void>;
}

export const createSentNetworks = (): SentNetworks => {
  const held = new Map<string, Held>();
  const fetched = async (pieces: AsyncIterable<Uint8Array>): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "faultline-network-"));
    const path = join(folder, "model.onnx");
    await orUndo(writeFile(path, pieces), () => rm(folder, { recursive: true, force: true }));
    return path;
  };
  return {
    take: async (sha256, pieces) => {
      const known = held.get(sha256);
      const own = known ?? { users: 0, path: fetched(pieces()) };
      held.set(sha256, own);
      own.users += 1;
      try {
        return await own.path;
      } catch (cause) {
        if (held.get(sha256) === own) held.delete(sha256);
        throw cause;
      }
    },
    release: async (sha256) => {
      const own = held.get(sha256);
      if (!own) return;
      own.users -= 1;
      if (own.users > 0) return;
      held.delete(sha256);
      await rm(join(await own.path, ".."), { recursive: true, force: true });
    },
  };
};
