/** A network that the visitor brings: its manifest is found as `faultline init` finds it, and refused in the same words. */

import { completedManifest, manifestFor, type NetworkFile } from "../intake/manifest-for.ts";
import { inPalette, palettes } from "../intake/palettes.ts";
import { readModel } from "../onnx/read.ts";
import { reasonOf } from "../reason.ts";
import { requireFit } from "../segmenter/fit.ts";
import { networkOf, prepared } from "../segmenter/network.ts";
import { wholeFile } from "../segmenter/whole-file.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import { EngineError } from "./engine-failure.ts";
import type { Brought, Described } from "./messages.ts";

/** Largest file that is read: a WASM memory has no room for a larger one beside its own copies. */
const MAX_BYTES = 2 ** 30;

const bytesOf = async (blob: Blob): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await blob.arrayBuffer());

/** @throws EngineError with the line that the command line would print. */
export const describe = async (brought: Brought, cache: SessionCache): Promise<Described> => {
  const { file: blob, data, manifest: given, name, like, classes, palette } = brought;
  try {
    const size = [blob, ...data].reduce((sum, part) => sum + part.size, 0);
    if (size > MAX_BYTES) throw new RangeError(`has ${size} bytes; a browser runs networks of up to ${MAX_BYTES}`);
    const bytes = wholeFile(await bytesOf(blob), await Promise.all(data.map(async (part) => ({ name: part.name, bytes: await bytesOf(part) })))); // prettier-ignore
    const model = data.length === 0 ? blob : new Blob([bytes]);
    const file: NetworkFile = { name: blob.name, bytes, model: readModel(bytes) };
    if (given) {
      const manifest = await completedManifest(given, file, name);
      requireFit(networkOf(manifest, prepared(file.model)));
      return { manifest, assumed: manifest.assumed ?? [], model };
    }
    const wanted = inPalette(classes ?? undefined, palette === null ? undefined : palettes[palette]);
    return { ...(await manifestFor(file, { name, like: like ?? undefined, classes: wanted }, cache)), model };
  } catch (cause) {
    const reason = `${blob.name}: ${reasonOf(cause).trim()}`.replaceAll(/\s*\n\s*/g, " ");
    throw new EngineError({ kind: "refused", reason }, { cause });
  }
};
