/** The networks of the benches: those that ship, and those of the optional folder of reference data. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readModel } from "../src/onnx/read.ts";
import { parseManifest } from "../src/segmenter/manifest.ts";
import { networkOf, openNetwork, type Network } from "../src/segmenter/network.ts";
import { spatialSize } from "../src/tensor.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const reference = process.env["FAULTLINE_REFERENCE"] ?? `${root}../shared/reference`;

const shipped = (): Network[] =>
  readdirSync(`${root}models`, { withFileTypes: true })
    .filter((entry) => existsSync(`${root}models/${entry.name}/manifest.json`))
    .map(({ name }) => {
      const manifest = parseManifest(JSON.parse(readFileSync(`${root}models/${name}/manifest.json`, "utf8")));
      return openNetwork(manifest, readFileSync(`${root}models/${manifest.network ?? name}/${manifest.file}`));
    });

/** The parts of a reference network's card that are used. */
export interface ReferenceCard {
  readonly name: string;
  readonly onnx: string;
  readonly input: {
    readonly name: string;
    readonly shape: readonly number[];
    readonly mean: number[];
    readonly std: number[];
  };
  readonly output: { readonly name: string };
  readonly classes: readonly string[];
  readonly evaluated_classes: number;
  readonly dataset: string;
}

export const referencePath = (path: string): string => `${reference}/${path}`;
export const hasReference = (): boolean => existsSync(referencePath("models"));

/** A reference network; with `dynamic` its fixed size is made open (it is fully convolutional). */
export const referenceNetwork = (name: string, dynamic = false): Network & { readonly card: ReferenceCard } => {
  const card = JSON.parse(readFileSync(referencePath(`models/${name}.json`), "utf8")) as ReferenceCard;
  const { height, width } = spatialSize(card.input);
  const manifest = parseManifest({
    name: name.replaceAll("_", "-"),
    architecture: name,
    dataset: card.dataset,
    classes: card.classes.slice(0, card.evaluated_classes).map((label) => ({ name: label, color: [0, 0, 0] })),
    void: 255,
    file: "model.onnx",
    sha256: "0".repeat(64),
    precision: "fp32",
    input: {
      name: card.input.name,
      layout: "NCHW",
      width: dynamic ? "dynamic" : width,
      height: dynamic ? "dynamic" : height,
      multipleOf: dynamic ? 8 : undefined,
      channels: "RGB",
      mean: card.input.mean,
      std: card.input.std,
      scale: 1,
    },
    output: { name: card.output.name, kind: "logits", stride: 1 },
    metrics: {},
    license: "see its card",
    source: "see its card",
    citation: "see its card",
  });
  const model = readModel(readFileSync(referencePath(card.onnx)));
  const free = { ...model.graph, inputs: model.graph.inputs.map((v) => ({ ...v, shape: [1, 3, null, null] })) };
  return { ...networkOf(manifest, dynamic ? { ...model, graph: free } : model), card };
};

/** All available networks, with their sizes. */
export const networks = (): Network[] => [
  ...shipped(),
  ...(hasReference() ? [referenceNetwork("enet_camvid", true), referenceNetwork("deeplabv3_mnv2_voc")] : []),
];
