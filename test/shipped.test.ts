/** src/shipped.ts is what models/ holds. Its imports are of the Worker's bundle: it is compared as text. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { shippedManifests, shippedSource } from "../scripts/shipped/list.ts";
import { sha256Of } from "../src/evaluation/models.ts";
import { ManifestError, ownerOf, type Manifest } from "../src/segmenter/manifest.ts";
import { openNetwork } from "../src/segmenter/network.ts";
import { tinyManifest, type ManifestChanges } from "./support/networks/tiny.ts";

const root = new URL("../", import.meta.url);
const manifests = shippedManifests();
const int8 = (changes: ManifestChanges): Manifest => ({ ...tinyManifest(changes), precision: "int8" });

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

it("a file that several share is imported once", () => {
  const [base, half] = [int8({ name: "a-net" }), int8({ name: "a-net_0.5", network: "a-net" })];
  const source = shippedSource([base, half]);
  expect(source.match(/^import .*$/gm)).toEqual([
    'import aNetManifest from "../models/a-net/manifest.json";',
    'import aNet from "../models/a-net/model.onnx";',
    'import aNet05Manifest from "../models/a-net_0.5/manifest.json";',
  ]);
  expect(source).toContain("\n  { manifest: aNet05Manifest, file: aNet },\n");
  expect(() => shippedSource([half])).toThrow(ManifestError);
  expect(shippedSource([base, tinyManifest({ name: "a-net-float" })])).not.toContain("float");
});
