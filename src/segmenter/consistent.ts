/** What no schema of single fields of a manifest can tell. */

import { crfFault } from "../crf/parameters.ts";
import { transformFault } from "../transforms/pipeline.ts";
import { groupsOf, HierarchyError, type NamedGroup } from "./hierarchy.ts";
import { channelCount, ManifestError, takesScales, type Manifest } from "./manifest.ts";

const onlyWhere = (field: string, value: unknown, holds: boolean, wanted: string): void => {
  if (value === undefined || holds) return;
  throw new ManifestError(`is ${JSON.stringify(value)}, which means something only with ${wanted}`, field);
};

const requireHierarchy = (hierarchy: readonly NamedGroup[], classes: Manifest["classes"]): void => {
  try {
    groupsOf(hierarchy, classes);
  } catch (cause) {
    if (!(cause instanceof HierarchyError)) throw cause;
    throw new ManifestError(cause.message, "hierarchy", { cause });
  }
};

/** Refuses fields that contradict each other. @throws ManifestError that names the field at fault. */
export const requireConsistent = ({
  input,
  output,
  scales,
  fusion,
  crf,
  transform,
  hierarchy,
  classes,
}: Manifest): void => {
  onlyWhere("output.threshold", output.threshold, output.activation === "sigmoid", '"activation": "sigmoid"');
  onlyWhere("output.activation", output.activation, output.kind !== "labels", "logits or probabilities");
  const fault = crf && crfFault(crf);
  if (fault) throw new ManifestError(fault.message, `crf.${fault.field}`);
  const refused = transform && transformFault(transform);
  if (refused) throw new ManifestError(refused.message, `transform.${refused.field}`);
  const planes = channelCount(input.channels);
  const isColour = planes === 1 || planes === 3;
  onlyWhere("crf", crf, isColour, "pictures of 1 or 3 channels");
  onlyWhere("transform", transform, isColour, "pictures of 1 or 3 channels");
  const { fit = "resize", overlap, width, height } = input;
  const fixed = [width, height].filter((side) => side !== "dynamic");
  if (fit === "pad" && fixed.length > 0)
    throw new ManifestError(`is "pad", which a fixed ${fixed.join("×")} forbids; "resize" or "tile" it`, "input.fit");
  for (const side of ["width", "height"] as const) {
    if (fit !== "tile" || input[side] !== "dynamic") continue;
    throw new ManifestError('is "dynamic", but with "fit": "tile" it is a tile\'s, a number', `input.${side}`);
  }
  onlyWhere("input.overlap", overlap, fit === "tile", '"fit": "tile"');
  const least = Math.min(...fixed);
  if (overlap !== undefined && overlap >= least)
    throw new ManifestError(
      `is ${overlap}; tiles of ${width}×${height} overlap by less than ${least}`,
      "input.overlap",
    );
  if (scales && new Set(scales).size < scales.length)
    throw new ManifestError(`are ${scales.join(", ")}: one is there twice`, "scales");
  onlyWhere("scales", scales, takesScales(input), 'a "dynamic" size or "fit": "tile"');
  onlyWhere("fusion", fusion, (scales?.length ?? 0) > 1, "several scales");
  if (hierarchy) requireHierarchy(hierarchy, classes);
};
