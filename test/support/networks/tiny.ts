/** Small convolutional networks made with the graph builder, and manifests for them. */

import { createHash } from "node:crypto";
import { createBuilder, type Builder } from "../../../src/onnx/build.ts";
import type { Model } from "../../../src/onnx/graph.ts";
import type { Value } from "../../../src/onnx/value.ts";
import { writeModel } from "../../../src/onnx/write.ts";
import { normal, random } from "../../../src/random.ts";
import { parseManifest, type Manifest } from "../../../src/segmenter/manifest.ts";
import { openNetwork, type Network } from "../../../src/segmenter/network.ts";
import { sizeOf, tensorOf } from "../../../src/tensor.ts";

export interface TinyOptions {
  /** Of the input; default 3. */
  readonly channels?: number;
  /** Scored classes; default 4. */
  readonly classes?: number;
  /** Outputs of the network, at least `classes`; default `classes`. */
  readonly outputs?: number;
  /** Default Relu; Tanh where differences must see no kink. */
  readonly activation?: "Relu" | "Tanh";
  /** Appended to the network: Softmax makes probabilities. */
  readonly head?: (op: Builder, logits: Value) => Value;
  /** Of the weights. */
  readonly seed?: number;
}

/** conv 3×3 stride 2 → activation → conv 3×3 → activation → transposed conv 2×2 stride 2, for any even size. */
export const tinyModel = ({
  channels = 3,
  classes = 4,
  outputs = classes,
  activation = "Relu",
  head,
  seed = 1,
}: TinyOptions = {}) => {
  const op = createBuilder("tiny");
  const next = random(seed);
  const weights = (shape: readonly number[], gain: number): Value => {
    const values = Array.from({ length: sizeOf(shape) }, () => gain * normal(next));
    return op.tensor(tensorOf("float32", shape, values), "weights");
  };
  const x = op.input("input", "float32", [1, channels, 32, 32]);
  const down = op.Conv(x, weights([6, channels, 3, 3], 0.4), weights([6], 0.2), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  const body = op.Conv(op[activation](down), weights([6, 6, 3, 3], 0.4), weights([6], 0.2), { pads: [1, 1, 1, 1] });
  const up = op.ConvTranspose(op[activation](body), weights([6, outputs, 2, 2], 0.8), weights([outputs], 0.2), {
    strides: [2, 2],
  });
  const model = op.model({ output: head ? head(op, up) : up });
  return freed(model, channels);
};

/** With height and width open. */
const freed = (model: Model, channels: number): Model => {
  const open = <T extends { readonly shape: readonly unknown[] | null }>(v: T) => ({ ...v, shape: null });
  const inputs = model.graph.inputs.map((v) => ({ ...v, shape: [1, channels, null, null] }));
  return { ...model, graph: { ...model.graph, inputs, outputs: model.graph.outputs.map(open) } };
};

/** What differs from the manifest of an RGB network with open sizes that are multiples of 2. */
export interface ManifestChanges {
  readonly name?: string;
  readonly classes?: number;
  readonly sha256?: string;
  readonly input?: Partial<Manifest["input"]>;
  readonly output?: Partial<Manifest["output"]>;
  readonly scales?: Manifest["scales"];
  readonly fusion?: Manifest["fusion"];
  readonly network?: Manifest["network"];
  readonly crf?: Manifest["crf"];
  readonly transform?: Manifest["transform"];
}

export const tinyManifest = ({
  name = "tiny",
  classes = 4,
  sha256 = "0".repeat(64),
  input,
  output,
  ...other
}: ManifestChanges = {}) =>
  parseManifest({
    name,
    architecture: "tiny",
    dataset: "none",
    classes: Array.from({ length: classes }, (_, i) => ({ name: `class ${i}`, color: [i, 2 * i, 255 - i] })),
    void: 255,
    file: "model.onnx",
    sha256,
    precision: "fp32",
    input: {
      name: "input",
      layout: "NCHW",
      width: "dynamic",
      height: "dynamic",
      multipleOf: 2,
      channels: "RGB",
      mean: [100, 110, 120],
      std: [50, 60, 70],
      scale: 1,
      ...input,
    },
    output: { name: "output", kind: "logits", stride: 1, ...output },
    ...other,
    metrics: {},
    license: "none",
    source: "made by a test",
    citation: "none",
  });

export const tinyNetwork = (model: TinyOptions = {}, manifest: ManifestChanges = {}): Network =>
  openNetwork(tinyManifest({ classes: model.classes ?? 4, ...manifest }), writeModel(tinyModel(model)));

/** A file and the manifest that fits it, digest included. */
export const tinyFile = (model: TinyOptions = {}, changes: ManifestChanges = {}) => {
  const bytes = writeModel(tinyModel(model));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { bytes, manifest: tinyManifest({ classes: model.classes ?? 4, sha256, ...changes }) };
};
