/** `--hierarchy` of `faultline certify`: groups of classes from the manifest or from a file. */

import { Refusal, UsageError } from "../node/failure.ts";
import { readJson } from "../node/files.ts";
import { groupsOf, HierarchyError, type Group, type NamedGroup } from "../segmenter/hierarchy.ts";
import { hierarchySchema, type Manifest } from "../segmenter/manifest.ts";

const namedIn = async (path: string): Promise<readonly NamedGroup[]> => {
  const { groups, ...others } = await readJson(path);
  const fault = (message: string): Refusal =>
    new Refusal(`--hierarchy ${path}: ${message}; it must be {"groups": [{"name": "…", "of": ["…", "…"]}, …]}`);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw fault(`has the field "${unknown}"`);
  const read = hierarchySchema.safeParse(groups);
  if (read.success) return read.data;
  const [{ path: at, message }] = read.error.issues as [(typeof read.error.issues)[number]];
  throw fault(`${["groups", ...at].join(".")}: ${message}`);
};

/** @throws Refusal where there is none, or it does not fit the classes. */
export const hierarchyOf = async (
  option: string | undefined,
  { name, hierarchy, classes }: Pick<Manifest, "name" | "hierarchy" | "classes">,
): Promise<readonly Group[] | undefined> => {
  if (option === undefined) return undefined;
  const named = option === "manifest" ? hierarchy : await namedIn(option);
  if (!named)
    throw new UsageError(
      `--hierarchy manifest: the manifest of ${name} has no "hierarchy"; name a file that has groups`,
    );
  try {
    return groupsOf(named, classes);
  } catch (cause) {
    if (!(cause instanceof HierarchyError)) throw cause;
    throw new Refusal(`--hierarchy ${option}: ${cause.message}`, { cause });
  }
};
