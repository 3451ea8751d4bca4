/** Where the networks that ship are: beside the code, in a package of their own, or where the environment says. */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { statOf } from "./files.ts";

/** The package of the networks. */
const PACKAGE = "faultline-networks";

/** The folder models/ of a checkout. */
const ownFolder = fileURLToPath(new URL("../../models/", import.meta.url));

/** The package's folder, as a module in `folder` would find it; null where it is not installed. */
const installedFrom = (folder: string): string | null => {
  try {
    return dirname(createRequire(join(folder, "any.js")).resolve(`${PACKAGE}/package.json`));
  } catch {
    return null;
  }
};

export interface NetworksFolder {
  /** Holds NAME/manifest.json; null where none of the places is there. */
  readonly folder: string | null;
  /** Where it was looked for, in words. */
  readonly places: string;
}

/**
 * The first that is there of: the folder that FAULTLINE_NETWORKS names, models/ of a checkout, the package
 * faultline-networks as it is installed for the working directory or for this package.
 */
export const networksFolder = async (
  named: string | undefined = process.env["FAULTLINE_NETWORKS"],
  own: string = ownFolder,
): Promise<NetworksFolder> => {
  const places = `${named === undefined ? "FAULTLINE_NETWORKS (not set)" : named}, ${own}, the package ${PACKAGE}`;
  for (const folder of [named, own, installedFrom(process.cwd()), installedFrom(dirname(own))])
    if (folder && (await statOf(folder))?.isDirectory()) return { folder, places };
  return { folder: null, places };
};
