/** Native onnxruntime for tests, in a process of its own. Where it is not installed, the tests are skipped and print the reason. */

import { startNativeProcess, type ThreadRuntime } from "../../src/node/runtime.ts";
import { reasonOf } from "../../src/reason.ts";

const found: ThreadRuntime | string = await startNativeProcess().catch(reasonOf);
if (typeof found === "string") console.warn(`The tests of native onnxruntime are skipped: ${found}`);

export const hasNative: boolean = typeof found !== "string";

/** Ends the title of a test that needs native onnxruntime. */
export const nativeNote: string = typeof found === "string" ? ` (skipped: ${found})` : "";

/** Its process, which ends with the tests' own. */
export const native = (): ThreadRuntime => {
  if (typeof found === "string") throw new Error(found);
  return found;
};
