/** src/shipped.ts is what models/ holds. Its imports are of the Worker's bundle: it is compared as text. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { shippedManifests, shippedSource } from "../scripts/shipped/list.ts";
import { sha256Of } from "../src/digest.ts";
import { ownerOf } from "../src/segmenter/manifest.ts";
import { openNetwork } from "../src/segmenter/network.ts";

const root = new URL("../", import.meta.url);
const manifests = shippedManifests();

it("the committed list is the one that scripts/shipped.ts writes", () => {
  const committed = readFileSync(new URL("src/shipped.ts", root), "utf8");
  expect(committed, "src/shipped.ts is stale: run npx tsx scripts/shipped.ts").toBe(shippedSource(manifests));
});

it.each(manifests.map((m) => [m.name, m] as const))("%s is where its manifest says", async (_, manifest) => {
  const owner = ownerOf(manifest, manifests);
  const bytes = readFileSync(new URL(`models/${owner.name}/${owner.file}`, root));
  expect(await sha256Of(bytes)).toBe(manifest.sha256);
  expect(openNetwork(manifest, bytes).manifest).toBe(manifest);
});

it("imports each manifest under a name that TypeScript takes", () => {
  expect(shippedSource([{ name: "a-net" }, { name: "a-net_0.5" }])).toContain(`
import aNet from "../models/a-net/manifest.json";
import aNet05 from "../models/a-net_0.5/manifest.json";

export const shipped: readonly unknown[] = [
  aNet,
  aNet05,
];
`);
});
