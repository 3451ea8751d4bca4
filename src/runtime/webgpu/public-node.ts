/** `faultline/runtime/webgpu/node`: the same in Node, on a device that the optional package `webgpu` (Dawn) opens. */

export { startWebGpuInNode } from "./node.ts";
