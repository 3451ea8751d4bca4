/** A manifest from a network's file, for `init`, and for `import` without one. */

import { basename } from "node:path";
import type { Model } from "../onnx/graph.ts";
import { normal, random } from "../random.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { describeNetwork } from "../segmenter/describe/describe.ts";
import { likeNames, type Like } from "../segmenter/describe/likes.ts";
import { prepared } from "../segmenter/network.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { type Size, sizeOf, tensorOf } from "../tensor.ts";
import { at, UsageError } from "../node/failure.ts";
import type { Options } from "../node/options.ts";
import { BUDGET_BYTES } from "./backend.ts";
import { classesOption, paletteNames } from "./classes.ts";

export const describeOptions = {
  like: { type: "string", value: "NAME", help: `how pixels are prepared: ${likeNames.join(", ")}` },
  classes: { type: "string", value: "N|FILE", help: "how many classes are scored, or a file of their names" },
  palette: { type: "string", value: "NAME", help: `names and colours of ${paletteNames.join(", ")}` },
} as const satisfies Options;

export interface DescribeValues {
  readonly like?: string | undefined;
  readonly classes?: string | undefined;
  readonly palette?: string | undefined;
}

const likeOption = (value: string | undefined): Like | undefined => {
  const found = likeNames.find((name) => name === value);
  if (value === undefined || found) return found;
  throw new UsageError(`--like must be one of ${likeNames.join(", ")}, not "${value}"`);
};

/** A name for requests, from that of the file. */
export const nameFor = (file: string): string => {
  const stem = basename(file).replace(/\.onnx$/i, "");
  const name = stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 64);
  return name === "" ? "network" : name;
};

/** Grey levels that vary from place to place, with noise on them. */
const scene = (planes: number, { height, width }: Size) => {
  const next = random(1);
  const shape = [planes, height, width];
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const [x, y] = [(i % width) / width, (Math.floor(i / width) % height) / height];
    return Math.min(255, Math.max(0, 128 + 90 * Math.sin(7 * x + 3 * y + i / (height * width)) + 20 * normal(next)));
  });
  return tensorOf("float32", shape, values);
};

/** @throws Refusal that names the file, where it is no segmentation network; UsageError for the options. */
export const described = async (file: string, model: Model, name: string, values: DescribeValues) => {
  const like = likeOption(values.like);
  const classes = await classesOption(values.classes, values.palette);
  const cache = new SessionCache(startWasm(), BUDGET_BYTES);
  return at(file, () => describeNetwork(prepared(model), { name, like, classes }, scene, cache));
};
