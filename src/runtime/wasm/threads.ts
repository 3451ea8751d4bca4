/**
 * The WASM backend with threads, in Node. The package's build for the web fetches the script of its threads, which Node's
 * fetch refuses for files; its build for Node starts them as worker_threads.
 */

import * as forNode from "onnxruntime-web";
import type { Runtime } from "../session.ts";
import { startWasm } from "./wasm.ts";

/** The WASM runtime with threads; as with `startWasm` there is one instance per process or thread. */
export const startWasmThreads = (threads: number): Runtime => startWasm({ ort: forNode, threads });
