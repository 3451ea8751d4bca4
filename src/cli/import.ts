/** `faultline import`: checks a network against its manifest and stores both where the service looks for them. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Model } from "../onnx/graph.ts";
import { openNetwork } from "../segmenter/network.ts";
import { parseManifest, withOwnFile, type Manifest } from "../segmenter/manifest.ts";
import { wantedBackend, type Options } from "../node/options.ts";
import { backendOption } from "./backend.ts";
import { command, needed } from "./command.ts";
import { at, Refusal } from "../node/failure.ts";
import { readJson, readNetwork } from "../node/files.ts";
import { checkReplaceable, storeFolder } from "./store.ts";
import { grouped } from "./text.ts";
import { tryNetwork } from "./trial.ts";

const options = {
  manifest: { type: "string", value: "FILE", help: "its classes, colours, preprocessing and origin, as JSON" },
  name: { type: "string", value: "NAME", help: "the manifest's unless given" },
  models: { type: "string", value: "DIR", default: "models", help: "the folder of networks" },
  force: { type: "boolean", help: "replace a network of that name" },
  backend: backendOption,
  "forward-only": { type: "boolean", help: "store it even if it has no gradient: it can be run, not attacked" },
} as const satisfies Options;

const about = `
Checks that NET.onnx is what its manifest says (names, sizes, classes, stride; a run forward
and a gradient on a small image) and stores both as DIR/NAME/model.onnx and
DIR/NAME/manifest.json. The manifest's "file" and "sha256" are filled in.`;

const FILE = "model.onnx";

/** Whether the digest is still to be filled in: absent, empty or zeros. */
const undecided = (sha256: unknown): boolean =>
  sha256 === undefined || (typeof sha256 === "string" && /^0*$/.test(sha256));

/** @throws ManifestError naming each field at fault; Refusal where the digest is another file's. */
const completeManifest = async (path: string, bytes: Uint8Array, name: string | undefined): Promise<Manifest> => {
  const given = await readJson(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const manifest = await at(path, () =>
    withOwnFile(parseManifest({ ...given, ...(name === undefined ? {} : { name }), file: FILE, sha256 })),
  );
  if (!undecided(given["sha256"]) && given["sha256"] !== sha256)
    throw new Refusal(
      `${path}: sha256: is that of another file; this one's is ${sha256} (leave the field out to have it filled in)`,
    );
  return manifest;
};

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
    const manifestFile = needed(values.manifest, "import", "--manifest FILE");
    const force = values.force === true;
    const wanted = wantedBackend(values.backend);
    const { bytes, model } = await readNetwork(file);
    const manifest = await completeManifest(manifestFile, bytes, values.name);
    const folder = join(values.models, manifest.name);
    await checkReplaceable(folder, force);
    const network = await at(`${file} with ${manifestFile}`, () => openNetwork(manifest, bytes));
    const trial = await at(`${file} with ${manifestFile}`, () =>
      tryNetwork(network, values["forward-only"] !== true, wanted, (text) => io.stderr(`${text} …\n`)),
    );
    const warnings = [...precisionWarning(model, manifest), ...trial.warnings];
    for (const warning of warnings) io.stderr(`warning: ${warning}\n`);

    const described = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
    await storeFolder(folder, { [FILE]: bytes, "manifest.json": described }, force);
    const { size, forwardMs, gradientMs, choice } = trial;
    const times = [
      `forward ${forwardMs.toFixed(1)} ms`,
      ...(gradientMs === null ? [] : [`gradient ${gradientMs.toFixed(1)} ms`]),
    ].join(", ");
    const where = wanted === "wasm" ? "" : `; on ${choice.backend}: ${choice.why}`;
    const text = [
      `${folder}: ${manifest.name}, ${manifest.classes.length} classes, ${grouped(bytes.length)} bytes, sha256 ${manifest.sha256}`,
      `at ${size.height}x${size.width}: ${times}${where}`,
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
      },
    };
  },
});
