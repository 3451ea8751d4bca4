/** The renderer that street scenes are made with in scripts and tests: resvg, a development dependency. */

import { Resvg } from "@resvg/resvg-js";
import type { Rasterise } from "./render.ts";

/** resvg without fonts, so that the machine it runs on does not show. */
export const rasterise: Rasterise = (svg) => new Resvg(svg, { font: { loadSystemFonts: false } }).render().pixels;
