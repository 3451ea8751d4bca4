/** The renderer of street scenes under Node: resvg, an optional dependency. */

import { Resvg } from "@resvg/resvg-js";
import type { Rasterise } from "./render.ts";

/** Renders with resvg, without fonts, so that images do not depend on the machine. */
export const rasterise: Rasterise = (svg) => new Resvg(svg, { font: { loadSystemFonts: false } }).render().pixels;
