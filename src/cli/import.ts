/** `faultline import`: checks a network against its manifest and stores both where the service looks for them. */

import { basename, join } from "node:path";
import { nameFor } from "../intake/name-for.ts";
import type { Model } from "../onnx/graph.ts";
import { openNetwork } from "../segmenter/network.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Options } from "../node/options.ts";
import { backendFlags, placeFrom, ranOn } from "./backend.ts";
import { command } from "./command.ts";
import { completeManifest, MODEL_FILE } from "./complete-manifest.ts";
import { described, describeOptions, nameOption } from "./describe.ts";
import { at, UsageError } from "../node/failure.ts";
import { jsonFile } from "../node/files.ts";
import { readNetwork } from "../node/read-network.ts";
import { checkReplaceable, storeFolder } from "./store.ts";
import { grouped } from "./text.ts";
import { tryNetwork } from "./trial.ts";
import { counted } from "../counted.ts";

const options = {
  manifest: {
    type: "string",
    value: "FILE",
    help: "its classes, colours and preprocessing, as JSON; found as init does unless given",
  },
  name: { type: "string", value: "NAME", help: "the manifest's, or the file's, unless given" },
  ...describeOptions,
  models: { type: "string", value: "DIR", default: "models", help: "the folder of networks" },
  force: { type: "boolean", help: "replace a network of that name" },
  ...backendFlags,
  "forward-only": { type: "boolean", help: "store it even if it has no gradient: it can be run, not attacked" },
} as const satisfies Options;

const about = `
Checks that NET.onnx is what its manifest says (names, sizes, classes, stride; a run forward
and a gradient on a small image) and stores both as DIR/NAME/model.onnx and
DIR/NAME/manifest.json. The manifest's "file", "sha256" and "precision" are filled in. Without
--manifest it is made from the file, as init does, and what was assumed is printed.`;

const precisionWarning = ({ graph }: Model, { precision }: Manifest): string[] => {
  const quantized = graph.nodes.some((n) => n.op === "DequantizeLinear");
  return quantized === (precision === "int8")
    ? []
    : [`precision: is "${precision}", but the network ${quantized ? "is quantised" : "is float"}`];
};

export const importNetwork = command({
  name: "import",
  operand: "NET.onnx",
  about,
  options,
  run: async (file, values, io) => {
    const manifestFile = values.manifest;
    const extra = Object.keys(describeOptions).filter((name) => name in values && manifestFile !== undefined);
    if (extra.length > 0)
      throw new UsageError(`import: --${extra[0]} and --manifest exclude each other: the manifest says it`);
    const force = values.force === true;
    const runAt = placeFrom(values);
    // A name that cannot be taken is said before anything is run.
    const name = nameOption(values.name) ?? (manifestFile === undefined ? nameFor(basename(file)) : undefined);
    if (name !== undefined) await checkReplaceable(join(values.models, name), force);
    const { bytes, model } = await readNetwork(file);
    const { manifest, assumed } =
      manifestFile === undefined
        ? await described(file, { name: MODEL_FILE, bytes, model }, { ...values, name })
        : { manifest: await completeManifest(manifestFile, { bytes, model }, name), assumed: [] };
    for (const sentence of assumed) io.stderr(`assumed: ${sentence}\n`);
    const folder = join(values.models, manifest.name);
    await checkReplaceable(folder, force);
    const place = manifestFile === undefined ? file : `${file} with ${manifestFile}`;
    const network = await at(place, () => openNetwork(manifest, bytes));
    const trial = await at(place, () =>
      tryNetwork(network, values["forward-only"] !== true, runAt, (text) => io.stderr(`${text} …\n`)),
    );
    const warnings = [...precisionWarning(model, manifest), ...trial.warnings];
    for (const warning of warnings) io.stderr(`warning: ${warning}\n`);

    await storeFolder(folder, { [MODEL_FILE]: bytes, "manifest.json": jsonFile(manifest) }, force);
    const { size, forwardMs, gradientMs, choice } = trial;
    const times = [
      `forward ${forwardMs.toFixed(1)} ms`,
      ...(gradientMs === null ? [] : [`gradient ${gradientMs.toFixed(1)} ms`]),
    ].join(", ");
    const where = ranOn(runAt, choice).map((text) => `; ${text}`);
    const text = [
      `${folder}: ${manifest.name}, ${counted(manifest.classes.length, "class")}, ${grouped(bytes.length)} bytes, sha256 ${manifest.sha256}`,
      `at ${size.height}x${size.width}: ${times}${where.join("")}`,
    ].join("\n");
    return {
      text,
      data: {
        name: manifest.name,
        folder,
        bytes: bytes.length,
        sha256: manifest.sha256,
        size,
        forwardMs,
        gradientMs,
        backend: choice.backend,
        backendWhy: choice.why,
        warnings,
        assumed,
      },
    };
  },
});
