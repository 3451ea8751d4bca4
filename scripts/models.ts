/**
 * Measures and compares the networks of models/.
 *
 *     npx tsx scripts/models.ts cost [NAME...]                             parameters, multiply-adds, milliseconds
 *     npx tsx scripts/models.ts precision --data CAMVID/test [NAME...]     int8 and float under attack [--images 12]
 *     npx tsx scripts/models.ts page [--check]                             models/README.md, from models/measured.json
 */

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { useNodeCodecs } from "../src/image/node.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { parseManifest, type Manifest } from "../src/segmenter/manifest.ts";
import { openNetwork, type Network } from "../src/segmenter/network.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { costOf } from "./models/measure.ts";
import { modelsPage, type Measured } from "./models/page.ts";
import { comparePrecisions } from "./models/precision.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: "string", default: "models" },
    data: { type: "string" },
    images: { type: "string", default: "12" },
    check: { type: "boolean", default: false },
  },
});
const { models } = values;
const measuredFile = `${models}/measured.json`;
const pageFile = `${models}/README.md`;

const manifests = () =>
  readdirSync(models)
    .filter((folder) => existsSync(`${models}/${folder}/manifest.json`))
    .map((folder) => parseManifest(JSON.parse(readFileSync(`${models}/${folder}/manifest.json`, "utf8"))));

const bytesOf = ({ name, network, file }: Manifest): Buffer => readFileSync(`${models}/${network ?? name}/${file}`);

const open = (name: string): Network => {
  const manifest = manifests().find((m) => m.name === name);
  if (!manifest) throw new Error(`there is no ${models}/${name}`);
  return openNetwork(manifest, bytesOf(manifest));
};

const measured = (): Measured =>
  existsSync(measuredFile) ? (JSON.parse(readFileSync(measuredFile, "utf8")) as Measured) : {};

/** Reads the file again before it is written, because several processes may measure at the same time. */
const record = (name: string, what: Measured[string]): void => {
  const before = measured();
  const after = Object.entries({ ...before, [name]: { ...before[name], ...what } }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  writeFileSync(measuredFile, `${JSON.stringify(Object.fromEntries(after), null, 2)}\n`);
};

const int8 = (): string[] =>
  manifests()
    .filter(({ precision }) => precision === "int8")
    .map(({ name }) => name);

const segmenterOf = (name: string) => createSegmenter(open(name), new SessionCache(startWasm(), 2 ** 31));

const [command, ...names] = positionals;
const asked = names.length > 0 ? names : int8();

switch (command) {
  case "cost":
    for (const name of asked)
      for (const each of [name, `${name}-float`]) {
        const cost = await costOf(open(each), startWasm());
        console.log(each, cost);
        record(each, { cost });
      }
    break;
  case "precision":
    if (values.data === undefined) throw new Error("--data DIR is needed");
    useNodeCodecs();
    for (const name of asked) {
      const pair = { int8: segmenterOf(name), float: segmenterOf(`${name}-float`) };
      const precision = await comparePrecisions(pair, values.data, Number(values.images));
      console.log(name, precision);
      record(name, { precision });
    }
    break;
  case "page": {
    const page = modelsPage(
      manifests(),
      measured(),
      (m) => readFileSync(`models/${m.network ?? m.name}/${m.file}`).length,
    );
    if (!values.check) writeFileSync(pageFile, page);
    else if (readFileSync(pageFile, "utf8") !== page) {
      console.error(`${pageFile} is stale: run npx tsx scripts/models.ts page`);
      process.exitCode = 1;
    }
    break;
  }
  default:
    throw new Error(`a command is wanted, cost, precision or page; not ${command ?? "none"}`);
}
