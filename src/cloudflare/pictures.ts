/** The pictures of a Worker's evaluation: streets that are drawn, or a data set whose files are known by their digests. */

import { isUnlabelled, layoutNames, layoutOf, recognised } from "../datasets/catalogue.ts";
import { chosen } from "../datasets/choose.ts";
import { FaultlineError, invalidSpec } from "../contract/failure.ts";
import { pairDigest, type Item, type LabelReading } from "../evaluation/items.ts";
import { streets, type EvaluationSpec } from "../evaluation/spec.ts";
import { paletteNames } from "../intake/palettes.ts";
import { readingOf, streetItems, STREET_CLASSES, STREET_SIZE } from "../jobs/pictures.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { SetFiles } from "../store/bucket-data.ts";
import type { Size } from "../tensor.ts";
import { counted } from "../counted.ts";

export interface Pictures {
  /** For people: the data set and its part. */
  readonly title: string;
  readonly kind: string;
  readonly items: readonly Item[];
  readonly reading: LabelReading;
  /** Of streets. */
  readonly size: Size;
}

export const refused = (reason: string): FaultlineError => new FaultlineError({ kind: "evaluation-refused", reason });

const refusedField = (pointer: string, detail: string, received: unknown): FaultlineError =>
  invalidSpec({ pointer: `/spec/data/${pointer}`, detail, received });

const streetPictures = (spec: EvaluationSpec, { classes }: Manifest): Pictures => {
  if (classes.length !== STREET_CLASSES)
    throw refused(
      `streets have the ${STREET_CLASSES} classes of CamVid, the network ${classes.length}; name a data set with data.path`,
    );
  return { title: streets, kind: streets, items: streetItems(spec), reading: {}, size: spec.data.size ?? STREET_SIZE };
};

/** @param open the data set of that name. @throws FaultlineError for what cannot be found. */
export const picturesOf = async (
  spec: EvaluationSpec,
  manifest: Manifest,
  open: (name: string) => Promise<SetFiles>,
): Promise<Pictures> => {
  const { data, seed } = spec;
  if (data.labels !== undefined)
    throw refusedField("labels", "goes with folders of the command line alone", data.labels);
  if (data.path === undefined) {
    if (data.dataset === undefined || data.dataset === streets) return streetPictures(spec, manifest);
    throw refusedField("path", `is the name of the data set, which ${data.dataset} goes with`, data.path);
  }
  if (data.dataset === streets) throw refusedField("path", "goes with pictures in files; streets are drawn", data.path);
  if (data.size !== undefined) throw refusedField("size", "goes with streets; pictures have their own size", data.size);
  const files = await open(data.path);
  const paths = await files.list();
  const kind = data.dataset ?? recognised(paths, data.split ?? "");
  if (kind === null)
    throw refused(
      `no layout is recognised in the data set ${data.path}: data.dataset "pictures" takes pictures without label maps. Scores then compare with each network's own clean prediction. It also takes ${layoutNames.filter((name) => !isUnlabelled(name)).join(", ")}`,
    );
  const layout = layoutOf(kind);
  const split = data.split ?? layout.splits[0] ?? "";
  const { pairs, faults } = await layout.pairs({ files, paths, split });
  if (faults.length > 0)
    throw refused(`the data set ${data.path} has ${counted(faults.length, "fault")}; the first: ${faults[0]}`);
  if (pairs.length === 0)
    throw refused(
      `the data set ${data.path} has no pictures of the split "${split}"; ${kind} expects ${layout.expects}`,
    );
  const reading = readingOf(layout, data, manifest);
  if (!reading) throw refusedField("palette", `must be network or one of ${paletteNames.join(", ")}`, data.palette);
  const taken = data.images === undefined ? pairs : chosen(pairs, data.images, seed);
  const items = taken.map((pair) => ({
    ...pair,
    digest: pairDigest(files.digestOf(pair.image), pair.labels && files.digestOf(pair.labels)),
  }));
  return { title: split === "" ? layout.title : `${layout.title}, ${split}`, kind, items, reading, size: STREET_SIZE };
};
