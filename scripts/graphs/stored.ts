/** The networks whose graphs are stored. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Network } from "../../src/segmenter/network.ts";
import { GRAPHS_FILE } from "../../src/segmenter/stored-graphs.ts";
import { shippedNetworks } from "../work/count.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

export const graphsPath = (name: string): string => `${models}${name}/${GRAPHS_FILE}`;

/** Those that have a file of graphs, or those of these names. */
export const storedNetworks = (names: readonly string[] = []): readonly (readonly [string, Network])[] =>
  [...shippedNetworks()].filter(([name]) => (names.length > 0 ? names.includes(name) : existsSync(graphsPath(name))));
