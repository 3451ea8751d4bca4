/** A manifest from a network's file, for `init`, and for `import` without one. */

import { basename } from "node:path";
import { manifestFor, type FoundManifest, type NetworkFile } from "../intake/manifest-for.ts";
import { nameFor } from "../intake/name-for.ts";
import { paletteNames } from "../intake/palettes.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { likeNames, type Like } from "../segmenter/describe/likes.ts";
import { manifestSchema } from "../segmenter/manifest.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { at, UsageError } from "../node/failure.ts";
import type { Options } from "../node/options.ts";
import { BUDGET_BYTES } from "./backend.ts";
import { classesOption } from "./classes.ts";

export const describeOptions = {
  like: { type: "string", value: "NAME", help: `how pixels are prepared: ${likeNames.join(", ")}` },
  classes: { type: "string", value: "N|FILE", help: "how many classes are scored, or a file of their names" },
  palette: { type: "string", value: "NAME", help: `names and colours of ${paletteNames.join(", ")}` },
} as const satisfies Options;

export interface DescribeValues {
  readonly name?: string | undefined;
  readonly like?: string | undefined;
  readonly classes?: string | undefined;
  readonly palette?: string | undefined;
}

const likeOption = (value: string | undefined): Like | undefined => {
  const found = likeNames.find((name) => name === value);
  if (value === undefined || found) return found;
  throw new UsageError(`--like must be one of ${likeNames.join(", ")}, not "${value}"`);
};

/** The value of `--name`. @throws UsageError for what is no name of a network. */
export const nameOption = (value: string | undefined): string | undefined => {
  if (value === undefined || manifestSchema.shape.name.safeParse(value).success) return value;
  throw new UsageError(
    `--name must be lower-case letters, digits, dots, underscores and hyphens, at most 64, beginning with a letter or a digit, not "${value}"`,
  );
};

/**
 * @param path of the file that was read.
 * @param file what the manifest is to call it.
 * @throws Refusal that names the path, where it is no segmentation network; UsageError for the options.
 */
export const described = async (path: string, file: NetworkFile, values: DescribeValues): Promise<FoundManifest> => {
  const like = likeOption(values.like);
  const classes = await classesOption(values.classes, values.palette);
  const cache = new SessionCache(startWasm(), BUDGET_BYTES);
  const name = nameOption(values.name) ?? nameFor(basename(path));
  return at(path, () => manifestFor(file, { name, like, classes }, cache));
};
