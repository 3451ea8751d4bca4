/** The renderer of street scenes in a Worker: resvg as WebAssembly, which gives the bytes of the native one. */

import { initWasm, Resvg } from "@resvg/resvg-wasm";
import type { Rasterise } from "../datasets/street/render.ts";

let started: Promise<void> | undefined;

/** @param module compiled ahead: a Worker compiles none. */
export const startRenderer = async (module: WebAssembly.Module): Promise<Rasterise> => {
  await (started ??= initWasm(module));
  return (svg) => {
    const document = new Resvg(svg, { font: { loadSystemFonts: false } });
    const rendered = document.render();
    try {
      return rendered.pixels;
    } finally {
      rendered.free();
      document.free();
    }
  };
};
