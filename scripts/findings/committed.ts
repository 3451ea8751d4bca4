/** What is committed: rows, and what the manifests say of the networks. */

import { readFileSync } from "node:fs";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import type { PartFacts } from "./compact.ts";
import { evidenceIn } from "./evidence.ts";
import type { Sources } from "./page.ts";

export const folder = "docs/findings";

const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

type Costs = Readonly<Record<string, { readonly cost: { readonly parameters: number } }>>;

const cleanOf = (network: string): number => {
  const { metrics } = parseManifest(json(`models/${network}/manifest.json`));
  const { cleanMiou } = (metrics as Readonly<Record<string, { readonly cleanMiou: number }>>)["CamVid test, int8"]!;
  return cleanMiou;
};

export const committedSources = (): Sources => {
  const costs = json("models/measured.json") as Costs;
  return {
    of: (...parts) => evidenceIn(folder, parts),
    facts: json(`${folder}/parts.json`) as Readonly<Record<string, PartFacts>>,
    factsOf: (network) => ({
      clean: cleanOf(network),
      parameters: costs[network]!.cost.parameters,
    }),
  };
};
