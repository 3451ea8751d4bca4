/** `faultline init`: writes a network's manifest from its file. */

import { basename } from "node:path";
import { Refusal } from "../node/failure.ts";
import { checkWritable, jsonFile, statOf, writeFiles } from "../node/files.ts";
import { readNetwork } from "../node/read-network.ts";
import type { Options } from "../node/options.ts";
import { command } from "./command.ts";
import { described, describeOptions } from "./describe.ts";
import { manifestBeside } from "./open-network.ts";
import { counted } from "../counted.ts";

const options = {
  out: { type: "string", short: "o", value: "FILE", help: "the manifest; NET.json next to the network unless given" },
  name: { type: "string", value: "NAME", help: "by which requests call it; the file's unless given" },
  force: { type: "boolean", help: "replace a manifest that is there" },
  ...describeOptions,
} as const satisfies Options;

const about = `
Writes the manifest of NET.onnx: its input (name, layout, channels, sizes, preprocessing),
its output (which one, and whether it gives logits, probabilities or labels) and its
classes, by the file and by a run on one picture. It prints what it had to assume; what is
wrong there is put right by options, or in the manifest.`;

export const initNetwork = command({
  name: "init",
  operand: "NET.onnx",
  about,
  options,
  run: async (file, values) => {
    const out = values.out ?? manifestBeside(file);
    await checkWritable(out, [file]);
    if (values.force !== true && (await statOf(out)))
      throw new Refusal(`${out}: is there already; --force replaces it, and -o names another file`);
    const { bytes, model } = await readNetwork(file);
    const { manifest, assumed } = await described(file, { name: basename(file), bytes, model }, values);
    await writeFiles([[out, jsonFile(manifest)]]);
    const { input, output, classes } = manifest;
    const isOpen = input.height === "dynamic" && input.width === "dynamic";
    const multiple = input.multipleOf === undefined ? "" : ` of multiples of ${input.multipleOf}`;
    const size = `${isOpen ? "any size" : `${input.height}x${input.width}`}${multiple}`;
    const text = [
      `${out}: ${manifest.name}, ${counted(classes.length, "class")}`,
      `input "${input.name}": ${input.layout}, ${typeof input.channels === "string" ? input.channels : input.channels.join(" ")}, ${size}`,
      `output "${output.name}": ${output.kind}${output.activation === "sigmoid" ? " of sigmoids" : ""}, stride ${output.stride}`,
      ...assumed.map((sentence) => `  assumed: ${sentence}`),
    ].join("\n");
    return { text, data: { file: out, manifest, assumed } };
  },
});
