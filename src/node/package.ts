/** What the package says about itself. */

import { readFileSync } from "node:fs";

/** From src/node as from lib/node. */
const file = new URL("../../package.json", import.meta.url);

/** The version of the package. */
export const { version } = JSON.parse(readFileSync(file, "utf8")) as { readonly version: string };
