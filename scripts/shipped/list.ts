/** A Worker may have 10 MB compressed, of which these would take 2.5 too many: under Node they are there. */
const notBundled = new Set(["dilated-context", "dilated-frontend", "segnet-vgg"]);

/** The source of src/shipped.ts: the int8 networks of models/ that Workers have room for, each file imported once. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ownerOf, parseManifest, type Manifest } from "../../src/segmenter/manifest.ts";

const models = fileURLToPath(new URL("../../models/", import.meta.url));

/** By name. @throws ManifestError for one that is not valid. */
export const shippedManifests = (): Manifest[] =>
  readdirSync(models)
    .filter((folder) => existsSync(`${models}${folder}/manifest.json`))
    .toSorted()
    .map((folder) => parseManifest(JSON.parse(readFileSync(`${models}${folder}/manifest.json`, "utf8"))));

/** `enet-street` as `enetStreet`. */
const identifier = (name: string): string =>
  name.replaceAll(/[^a-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase());

export const shippedSource = (all: readonly Manifest[]): string => {
  const manifests = all.filter(({ name, precision }) => precision === "int8" && !notBundled.has(name));
  const imports = manifests.flatMap(({ name, file, network }) => [
    `import ${identifier(name)}Manifest from "../models/${name}/manifest.json";`,
    ...(network === undefined ? [`import ${identifier(name)} from "../models/${name}/${file}";`] : []),
  ]);
  const entries = manifests.map(
    (m) => `{ manifest: ${identifier(m.name)}Manifest, file: ${identifier(ownerOf(m, manifests).name)} }`,
  );
  return `/** The networks that the Worker ships. Written by \`npx tsx scripts/shipped.ts\`. */

${imports.join("\n")}

export interface Shipped {
  readonly manifest: unknown;
  readonly file: ArrayBuffer;
}

export const shipped: readonly Shipped[] = [${entries.length > 1 ? `\n  ${entries.join(",\n  ")},\n` : entries.join("")}];
`;
};
