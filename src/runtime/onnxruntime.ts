/** What sessions of onnxruntime-web have in common on every backend. */

import type * as ort from "onnxruntime-web/wasm";
import { tensor, type DataOf, type DType, type Tensor } from "../tensor.ts";
import { RuntimeError } from "./session.ts";

/** What is fed to each input, in the order of `names`. @throws RuntimeError that names a missing input. */
export const requireFeeds = <T>(
  names: readonly string[],
  feeds: Readonly<Record<string, T>>,
): (readonly [name: string, fed: T])[] =>
  names.map((name) => {
    const fed = feeds[name];
    if (!fed) throw new RuntimeError(`input "${name}" is missing; given: ${Object.keys(feeds).join(", ")}`);
    return [name, fed];
  });

/** Errors are thrown, so that they need not be printed: a size may only be tried. */
const quiet: ort.InferenceSession.RunOptions = { logSeverityLevel: 4 };

/**
 * Runs a session on tensors of the host. The results are copies, in memory of the host.
 *
 * @param OrtTensor the class of the build of onnxruntime-web that the session is of.
 */
export const runOnHost = async (
  OrtTensor: typeof ort.Tensor,
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> => {
  const given = requireFeeds(session.inputNames, feeds).map(
    ([name, t]) => [name, new OrtTensor(t.dtype as "float32", t.data as Float32Array, [...t.shape])] as const,
  );
  const results = await session.run(Object.fromEntries(given), quiet);
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [name, tensor(t.type as DType, [...t.dims], t.data as DataOf)]),
  );
};
