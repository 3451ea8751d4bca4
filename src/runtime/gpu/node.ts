/** WebGPU in Node, by Dawn (the optional package `webgpu`), and the sources of the kernels, read from the folder kernels/. */

import { readdirSync, readFileSync } from "node:fs";
import { RuntimeError } from "../session.ts";
import type { KernelSources } from "./gpu.ts";
import { withIncludes } from "./include.ts";

const sourcesIn = (folder: URL): KernelSources =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((file) => file.endsWith(".wgsl"))
      .map((file) => [file.replace(/\.wgsl$/, ""), readFileSync(new URL(file, folder), "utf8")]),
  );

/** The sources of all kernels, with what they include. */
export const readKernels = (): KernelSources => {
  const folder = new URL("../../../kernels/", import.meta.url);
  const fragments = sourcesIn(new URL("include/", folder));
  return Object.fromEntries(
    Object.entries(sourcesIn(folder)).map(([name, source]) => [name, withIncludes(name, source, fragments)]),
  );
};

/**
 * Workgroup memory is zeroed by a loop rather than by Vulkan's extension, which SwiftShader compiles into a store for each
 * element: 4 s for 16 KiB, where the loop takes 40 ms.
 */
const options = ["disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];

/** Dawn's instance. Adapters and devices hold no reference to it, and crash once it is garbage-collected. */
let instance: GPU | undefined;

/**
 * The adapter that Dawn prefers. WebGPU's classes become globals, where code for browsers expects them.
 *
 * @throws RuntimeError where the package is not installed or the machine has no adapter (a Vulkan driver, Metal or Direct3D 12).
 */
export const openAdapter = async (): Promise<GPUAdapter> => {
  const { create, globals } = await import("webgpu").catch((cause: unknown) => {
    throw new RuntimeError(`the package webgpu cannot be loaded: ${String(cause)}`, { cause });
  });
  Object.assign(globalThis, globals);
  instance ??= create(options);
  const adapter = await instance.requestAdapter();
  if (!adapter)
    throw new RuntimeError("this machine has no WebGPU adapter: Dawn finds no driver for Vulkan, Metal or Direct3D 12");
  return adapter;
};
