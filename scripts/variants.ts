/** Writes the manifests of models/training/variants.json, int8 and float, into models/: `npx tsx scripts/variants.ts`. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parseManifest, type Manifest } from "../src/segmenter/manifest.ts";

/** The network that it is a variant of, and the fields of the manifest in which it differs. */
type Variant = Partial<Manifest> & { readonly of: string };

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

const { values } = parseArgs({ options: { models: { type: "string", default: "models" } } });
const variants = read("models/training/variants.json") as Readonly<Record<string, Variant>>;
for (const [name, { of, ...differences }] of Object.entries(variants)) {
  for (const suffix of ["", "-float"]) {
    const base = parseManifest(read(`${values.models}/${of}${suffix}/manifest.json`));
    const { precision, metrics: _, ...shared } = base;
    const folder = `${values.models}/${name}${suffix}`;
    const manifest = parseManifest({
      ...shared,
      precision,
      ...differences,
      name: `${name}${suffix}`,
      network: `${of}${suffix}`,
      metrics: {},
    });
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
    console.log(folder);
  }
}
