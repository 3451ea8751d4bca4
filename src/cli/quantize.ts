/** `faultline quantize`: a float network to one with int8 weights, and int8 arithmetic where that is faster. */

import { mkdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { sha256Of } from "../digest.ts";
import { OnnxError, type Graph, type Model } from "../onnx/graph.ts";
import { writeModel } from "../onnx/write.ts";
import { quantize, type Calibration, type Quantized } from "../quantize/quantize.ts";
import { RuntimeError } from "../runtime/session.ts";
import { networkSize } from "../segmenter/size.ts";
import { manifestSchema, parseManifest, withOwnFile, type Manifest } from "../segmenter/manifest.ts";
import type { Options, Values } from "../node/options.ts";
import { backendFlags, placeFrom, ranOn, type Place } from "./backend.ts";
import { calibrationFeeds, chooseImages, inputShapeOf, type Preparation } from "./calibration.ts";
import { command, needed } from "./command.ts";
import { at, Refusal, UsageError } from "../node/failure.ts";
import { checkFolder, checkWritable, jsonFile, readJson, statOf, writeFiles } from "../node/files.ts";
import { readNetwork } from "../node/read-network.ts";
import { observerFor } from "./observer.ts";
import { parseSize } from "./sizes.ts";
import { grouped } from "./text.ts";
import type { Size } from "../tensor.ts";
import { counted } from "../counted.ts";

const options = {
  out: { type: "string", short: "o", value: "FILE|DIR", help: "NET.int8.onnx, or a folder for model.onnx" },
  calibrate: { type: "string", multiple: true, value: "DIR", help: "a folder of images, or with a folder images" },
  images: { type: "string", value: "N", default: "32", help: "how many of them, evenly from each folder" },
  manifest: { type: "string", value: "FILE", help: "the network's manifest: how pixels become its input" },
  mean: { type: "string", value: "R,G,B", help: "without a manifest: of the input's channels, in their order" },
  std: { type: "string", value: "R,G,B", help: "without a manifest: the same" },
  scale: { type: "string", value: "S", default: "1", help: "without a manifest: the input is (S·pixel − mean)/std" },
  channels: { type: "string", value: "ORDER", default: "RGB", help: "without a manifest: RGB or BGR" },
  size: { type: "string", value: "HxW", help: "of the calibration images; the network's own, else 360x480" },
  ...backendFlags,
} as const satisfies Options;

const about = `
Observes the activations of a float network on calibration images and writes it with int8
weights, and with int8 arithmetic in the convolutions where that is faster in WASM. With
--manifest a manifest of the new network is written beside it: NET.int8.json, or
manifest.json in the folder, which then gives the name. It has no metrics: those of the
float network were not measured on this one.`;

/** Size of the calibration images where neither the network nor the manifest fixes one. */
const DEFAULT_SIZE: Size = { height: 360, width: 480 };

const numbers = (option: string, text: string, count: number): number[] => {
  const found = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (found.length === count && found.every(Number.isFinite)) return found;
  throw new UsageError(
    `quantize: --${option}: "${text}" is not ${count === 1 ? "a number" : `${count} numbers, e.g. 104,106,108`}`,
  );
};

/** The preprocessing. @throws UsageError; Refusal where neither manifest nor options state it. */
const preparationOf = ({ inputs }: Graph, manifest: Manifest | null, values: Values<typeof options>): Preparation => {
  const info = inputs.find(({ name }) => name === (manifest?.input.name ?? inputs[0]?.name));
  const dtype = info?.dtype === "uint8" ? "uint8" : "float32";
  if (manifest) return { ...manifest.input, dtype };
  const { mean, std, channels } = values;
  if (mean === undefined || std === undefined)
    throw new UsageError("quantize: how pixels become the input is not known: give --manifest, or --mean and --std");
  if (channels !== "RGB" && channels !== "BGR")
    throw new UsageError(`quantize: --channels: "${channels}" is not RGB or BGR`);
  const [input, ...others] = inputs;
  if (!input || others.length > 0)
    throw new Refusal(`has ${inputs.length} inputs; networks of one image are quantised`);
  const count = input.shape?.[1];
  if (input.shape?.length !== 4 || (typeof count === "number" && count !== 3))
    throw new Refusal(
      `its input is [${input.shape?.map((d) => d ?? "?").join(", ") ?? "of no stated shape"}]; for another than [1, 3, H, W] give --manifest`,
    );
  const deviations = numbers("std", std, 3);
  if (deviations.includes(0)) throw new UsageError("quantize: --std: no zeros");
  return {
    name: input.name,
    layout: "NCHW",
    dtype,
    channels,
    mean: numbers("mean", mean, 3),
    std: deviations,
    scale: numbers("scale", values.scale, 1)[0]!,
  };
};

/** The size of the calibration images. @throws Refusal where the network does not accept it. */
const sizeFor = ({ inputs }: Graph, name: string, manifest: Manifest | null, text: string | undefined): Size => {
  const info = inputs.find((v) => v.name === name);
  if (!info) throw new Refusal(`has no input "${name}", only ${inputs.map((v) => v.name).join(", ")}`);
  const layout = manifest?.input.layout ?? "NCHW";
  const [height, width] = (["H", "W"] as const).map((axis) => info.shape?.[layout.indexOf(axis)]);
  const own: Size = {
    height: typeof height === "number" ? height : DEFAULT_SIZE.height,
    width: typeof width === "number" ? width : DEFAULT_SIZE.width,
  };
  const wanted = text === undefined ? own : parseSize(text);
  const taken = manifest ? networkSize(manifest, wanted) : wanted;
  if (text === undefined) return taken;
  if (taken.height === wanted.height && taken.width === wanted.width) return wanted;
  throw new UsageError(`--size ${text}: by its manifest the network would see ${taken.height}x${taken.width}`);
};

interface Targets {
  readonly network: string;
  readonly manifest: string | null;
  /** The network's name, which is that of its folder; null for a single file. */
  readonly name: string | null;
  /** Folder of the files; created where it does not exist. */
  readonly folder: string;
}

/** The output paths. @throws Refusal, before any work, where they could not be written. */
const targetsOf = async (out: string, sources: readonly string[], described: boolean): Promise<Targets> => {
  const single = out.endsWith(".onnx") && !(await statOf(out))?.isDirectory();
  const network = single ? out : join(out, "model.onnx");
  const beside = single ? `${out.slice(0, -".onnx".length)}.json` : join(out, "manifest.json");
  const folder = dirname(network);
  const name = manifestSchema.shape.name.safeParse(basename(resolve(folder)));
  const targets = { network, manifest: described ? beside : null, folder, name: single ? null : (name.data ?? null) };
  if (!single) await checkFolder(out);
  const there = single || (await statOf(out)) !== null;
  if (there) for (const path of [network, ...(described ? [beside] : [])]) await checkWritable(path, sources);
  return targets;
};

const tallyOf = ({ arithmetic }: Quantized) => {
  const kinds = [...arithmetic.values()];
  const count = (kind: string): number => kinds.filter((k) => k === kind).length;
  return { integer: count("integer"), weights: count("weights"), float: count("float") };
};

/** The manifest of the result, without the digest, which is added when the file is written. @throws ManifestError */
const readTemplate = async (path: string, { network, name }: Targets): Promise<Manifest> => {
  const given = await readJson(path);
  const own = {
    file: basename(network),
    precision: "int8",
    sha256: "0".repeat(64),
    metrics: {},
    ...(name && { name }),
  };
  return at(path, () => withOwnFile(parseManifest({ ...given, ...own })));
};

/** Errors of the quantisation name the network; those of a calibration image name that image. */
const refusalOf = (file: string, cause: unknown): unknown => {
  const known = cause instanceof OnnxError || cause instanceof RuntimeError || cause instanceof RangeError;
  return known ? new Refusal(`${file}: ${cause.message}`, { cause }) : cause;
};

const calibrated = async (model: Model, shape: readonly number[], place: Place, feeds: Calibration["feeds"]) => {
  const { open, choice, stop } = await observerFor(model, shape, place);
  try {
    return { quantized: await quantize(model, { feeds, open }), choice };
  } finally {
    await stop();
  }
};

export const quantizeNetwork = command({
  name: "quantize",
  operand: "NET.onnx",
  about,
  options,
  run: async (file, values, io) => {
    const out = needed(values.out, "quantize", "-o FILE");
    const folders = needed(values.calibrate, "quantize", "--calibrate DIR");
    const [count = 0] = numbers("images", values.images, 1);
    if (!Number.isInteger(count) || count < 1)
      throw new UsageError(`quantize: --images: "${values.images}" is no count`);
    const place = placeFrom(values);
    const { bytes: original, model } = await readNetwork(file);
    const sources = [file, ...(values.manifest === undefined ? [] : [values.manifest])];
    const targets = await targetsOf(out, sources, values.manifest !== undefined);
    const manifest = values.manifest === undefined ? null : await readTemplate(values.manifest, targets);
    const preparation = preparationOf(model.graph, manifest, values);
    const size = await at(file, () => sizeFor(model.graph, preparation.name, manifest, values.size));
    const images = await chooseImages(folders, count);
    const progress = (done: number) =>
      io.stderr(`calibrating on ${size.height}x${size.width}: ${done} of ${counted(images.length, "image")}\n`);
    const feeds = calibrationFeeds(images, size, preparation, progress);
    const { quantized, choice } = await calibrated(model, inputShapeOf(preparation, size), place, feeds).catch(
      (cause: unknown) => {
        throw refusalOf(file, cause);
      },
    );

    const bytes = writeModel({ ...quantized.model, producer: "faultline" });
    const sha256 = await sha256Of(bytes);
    const described = manifest && jsonFile({ ...manifest, sha256 });
    await mkdir(targets.folder, { recursive: true });
    await writeFiles([[targets.network, bytes], ...(described ? [[targets.manifest!, described] as const] : [])]);

    const tally = tallyOf(quantized);
    const text = [
      `${targets.network}: ${grouped(bytes.length)} bytes (${grouped(original.length)} before), from ${counted(images.length, "image")}`,
      `convolutions: ${tally.integer} on integers, ${tally.weights} with int8 weights, ${tally.float} float`,
      ...(described ? [`manifest: ${targets.manifest}`] : []),
      ...ranOn(place, choice).map((where) => `observed ${where}`),
    ].join("\n");
    return {
      text,
      data: {
        file: targets.network,
        manifest: targets.manifest,
        bytes: bytes.length,
        sha256,
        images: images.length,
        convolutions: tally,
        backend: choice.backend,
        backendWhy: choice.why,
      },
    };
  },
});
