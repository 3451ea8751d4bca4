/** The source of src/shipped.ts: the manifests of models/. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseManifest, type Manifest } from "../../src/segmenter/manifest.ts";

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

export const shippedSource = (manifests: readonly Pick<Manifest, "name">[]): string => {
  const imports = manifests.map(({ name }) => `import ${identifier(name)} from "../models/${name}/manifest.json";`);
  return `/** The manifests of the networks that the Worker ships, not yet parsed. Written by \`npx tsx scripts/shipped.ts\`. */

${imports.join("\n")}

export const shipped: readonly unknown[] = [
${manifests.map(({ name }) => `  ${identifier(name)},`).join("\n")}
];
`;
};
