/** Native onnxruntime for tests, in a process of its own. Where it is not installed, the tests are skipped and print the reason. */

import { startNativeProcess, type ThreadRuntime } from "../../src/node/runtime.ts";
import { reasonOf } from "../../src/reason.ts";
import { startNative } from "../../src/runtime/native/native.ts";

const missing: string | undefined = await startNative().then(() => undefined, reasonOf);
if (missing !== undefined) console.warn(`The tests of native onnxruntime are skipped: ${missing}`);

export const hasNative: boolean = missing === undefined;

/** Ends the title of a test that needs native onnxruntime. */
export const nativeNote: string = missing === undefined ? "" : ` (skipped: ${missing})`;

let started: Promise<ThreadRuntime> | undefined;

/** Its process, which the file's tests share. */
export const native = (): Promise<ThreadRuntime> => (started ??= startNativeProcess());

/** Ends that process. */
export const stopNative = async (): Promise<void> => (await started)?.stop();
