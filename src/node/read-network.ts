/** Reads a network from a file of the user's, which the thread that answers requests never does. */

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { External } from "../onnx/external-data.ts";
import { OnnxError, type Model } from "../onnx/graph.ts";
import { inSinglePrecision } from "../onnx/passes/single-precision.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { at } from "./failure.ts";
import { readBytes } from "./files.ts";

/** Reads files in the folder of the model at `path`, to which symbolic links must lead as well. */
const filesBeside = (path: string): External => {
  const folder = realpathSync(dirname(resolve(path)));
  return (location) => {
    const found = join(folder, location);
    if (!existsSync(found)) throw new OnnxError(`its weights are in "${location}", which is not beside it`, "model");
    const inside = relative(folder, realpathSync(found));
    if (inside.startsWith("..")) throw new OnnxError(`"${location}" leads out of the folder of the model`, "model");
    return readFileSync(found);
  };
};

/**
 * A network from its file, with the weights that lie in files beside it, in single precision.
 *
 * @returns the model, and the bytes of a file that holds all of it: those of `path` where it has its weights inside.
 * @throws Refusal that names the file and the place in it.
 */
export const readNetwork = async (
  path: string,
): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly model: Model }> => {
  const own = await readBytes(path);
  const beside = filesBeside(path);
  let isWhole = true;
  const external: External = (location) => {
    isWhole = false;
    return beside(location);
  };
  const model = await at(path, () => readModel(own, { external }));
  return { bytes: isWhole ? own : writeModel(model), model: inSinglePrecision(model) };
};
