/** A network: its graph, prepared once, and its manifest. */

import type { Front } from "./front.ts";
import type { Refinement } from "./refinement.ts";
import type { Dimension, Graph, Model } from "../onnx/graph.ts";
import { fuseBatchNormalization } from "../onnx/passes/fuse-batch-norm.ts";
import { inSinglePrecision } from "../onnx/passes/single-precision.ts";
import { readModel } from "../onnx/read.ts";
import type { ReadyGraphs } from "./stored-graphs.ts";
import { exposing, sourceOf, type Source } from "./source.ts";
import { requireConsistent } from "./consistent.ts";
import { ManifestError, type Manifest } from "./manifest.ts";

/** A network that its manifest describes: both, checked against each other. */
export interface Network {
  readonly manifest: Manifest;
  readonly model: Model;
  /** The value of the model that is read as logits. */
  readonly source: Source;
  /** The CRF behind the logits, for graphs that include one. */
  readonly refinement?: Refinement;
  /** The transformations before the network, for graphs that include them. */
  readonly front?: Front | undefined;
  /** Its stored graphs; they are used for the network that they are of, and not for what is made of it. */
  readonly stored?: ReadyGraphs | undefined;
  /** Of an ensemble: the networks whose mean logits are its own; model and source are then one of theirs. See `ensemble.ts`. */
  readonly members?: readonly Network[] | undefined;
}

/** The networks of an ensemble, or the network itself. */
export const membersOf = (network: Network): readonly Network[] => network.members ?? [network];

/** What tells a network from others. Preprocessing is part of a graph: networks of one name and file may differ in it. */
export const identityOf = (network: Network): string =>
  JSON.stringify(membersOf(network).map((member) => member.manifest));

const requireInputType = ({ input }: Manifest, { graph }: Model): void => {
  const dtype = graph.inputs.find((v) => v.name === input.name)!.dtype;
  if (dtype === "float32" || dtype === "uint8") return;
  throw new ManifestError(`is ${dtype}; networks of float32, float16 or uint8 images are taken`, "input.name");
};

/** @throws ManifestError where the graph needs more than that input. */
export const requireOneInput = ({ inputs }: Graph, name: string): void => {
  const others = inputs.flatMap((v) => (v.name === name ? [] : [`"${v.name}"`]));
  if (others.length === 0) return;
  const remedy = "export the network with its other inputs fixed, as initializers";
  throw new ManifestError(`is all that is given; the network needs ${others.join(", ")} too; ${remedy}`, "input.name");
};

/** @throws ManifestError where the input, of that shape, takes more pictures than one at a time. */
export const requireOnePicture = (layout: Manifest["input"]["layout"], shape: readonly Dimension[]): void => {
  const [count] = shape;
  if (layout.startsWith("N") && typeof count === "number" && count !== 1)
    throw new ManifestError(`takes ${count} images at a time; export the network for one, or any number`, "input.name");
};

/** A manifest and the model that it describes. @throws ManifestError where the two do not fit. */
export const networkOf = (manifest: Manifest, model: Model): Network => {
  requireConsistent(manifest);
  const requireName = (field: string, wanted: string, present: readonly { readonly name: string }[]) => {
    if (present.some((v) => v.name === wanted)) return;
    throw new ManifestError(`the network has no "${wanted}", only ${present.map((v) => v.name).join(", ")}`, field);
  };
  requireName("input.name", manifest.input.name, model.graph.inputs);
  requireName("output.name", manifest.output.name, model.graph.outputs);
  requireOneInput(model.graph, manifest.input.name);
  requireInputType(manifest, model);
  const source = sourceOf(model.graph, model.opset, manifest);
  const notes = [...(model.notes ?? []), ...(source.note === undefined ? [] : [source.note])];
  return { manifest, model: { ...model, notes, graph: exposing(model.graph, source) }, source };
};

/** Operators of onnxruntime's own domain that occur in the graph, sorted. */
const ownOperators = ({ graph }: Model): readonly string[] =>
  [...new Set(graph.nodes.flatMap(({ domain, op }) => (domain === "com.microsoft" ? [op] : [])))].toSorted();

/** The model with a note where operators of onnxruntime's own are written with standard ones. */
const withOwnOperatorsNoted = (model: Model): Model => {
  const own = ownOperators(model);
  if (own.length === 0) return model;
  const note = `The file contains operators of onnxruntime's own (${own.slice(0, 8).join(", ")}${own.length > 8 ? ", …" : ""}), as its optimizer writes them; they were run and differentiated as the standard operators that they are made of.`;
  return { ...model, notes: [...(model.notes ?? []), note] };
};

/** What receipts say of a network: what its manifest had to assume, and what was changed to run it. In whole sentences. */
export const notesOf = (network: Network): readonly string[] => [
  ...new Set(
    membersOf(network).flatMap(({ manifest, model }) => [...(manifest.assumed ?? []), ...(model.notes ?? [])]),
  ),
];

/** The model of a file, as segmenters run it. @throws OnnxError for a bad file. */
export const prepared = (model: Model): Model =>
  fuseBatchNormalization(inSinglePrecision(withOwnOperatorsNoted(model)));

/** Reads a file as segmenters run it. @throws OnnxError for a bad file. */
export const readPrepared = (bytes: Uint8Array): Model => prepared(readModel(bytes));

/** Reads the network of a manifest. @throws OnnxError for a bad file, ManifestError where the two do not fit. */
export const openNetwork = (manifest: Manifest, bytes: Uint8Array): Network => {
  requireConsistent(manifest);
  return networkOf(manifest, readPrepared(bytes));
};
