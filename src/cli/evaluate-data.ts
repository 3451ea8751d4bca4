/** The pictures of an evaluation: found, chosen and checked before any work. */

import { basename, dirname } from "node:path";
import { isUnlabelled, layoutNames, layoutOf, recognised, type LayoutName } from "../datasets/catalogue.ts";
import { chosen } from "../datasets/choose.ts";
import type { Part } from "../datasets/dataset.ts";
import { checkItems, type Checked } from "../evaluation/check-items.ts";
import type { Item, LabelReading } from "../evaluation/items.ts";
import { streets, type EvaluationSpec } from "../evaluation/spec.ts";
import { itemSource } from "../node/evaluation-items.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import { statOf } from "../node/files.ts";
import { filesOf, type Roots } from "../node/folder-files.ts";
import { useNodeCodecs } from "../image/node.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import type { Size } from "../tensor.ts";
import { paletteNames } from "../intake/palettes.ts";
import { readingOf, streetItems, STREET_CLASSES, STREET_SIZE } from "../jobs/pictures.ts";
import type { Io } from "./command.ts";
import { counted } from "../counted.ts";

export interface EvaluationItems {
  /** For people: the data set and its part. */
  readonly name: string;
  readonly kind: string;
  readonly items: readonly Item[];
  readonly roots: Roots | null;
  readonly reading: LabelReading;
  readonly streetSize: Size;
  readonly checked: Checked;
}

/** How many pictures there are, of what: "3 pictures of Pascal VOC, val", "3 pictures without label maps". */
export const picturesText = (count: string, { kind, name }: Pick<EvaluationItems, "kind" | "name">): string =>
  kind === "pictures" ? name.replace(/^pictures/, count) : `${count} of ${name}`;

/** The layout by its name, or by what lies in the folder. */
const layoutIn = (path: string, paths: readonly string[], { dataset, split }: EvaluationSpec["data"]): LayoutName => {
  const named = dataset === streets ? undefined : dataset;
  const isOpen = named === undefined || named === "folders";
  if (isOpen && split !== undefined && recognised(paths, split) === null && recognised(paths, "") === "folders")
    throw new UsageError(
      `${path}: images/ and labels/ lie right in it, and none in a folder ${split}/; it has no parts: leave --split away`,
    );
  const found = named ?? recognised(paths, split ?? "");
  if (found !== null) return found;
  const others = layoutNames.filter((name) => !isUnlabelled(name)).join(", ");
  throw new Refusal(
    `${path}: no data set is recognised in it: --dataset pictures (data.dataset of a specification) takes pictures without label maps. Scores then compare with each network's own clean prediction. --dataset also takes ${others}, and --split their part. Without a name, images/ and labels/ are paired`,
  );
};

/** @throws Refusal where the second folder is none, or goes with another layout. */
const rootsOf = async (path: string, isList: boolean, labels: string | undefined): Promise<Roots> => {
  if (labels === undefined) return isList ? dirname(path) : path;
  if (isList) throw new UsageError("--labels goes with a folder of pictures; a list names its label maps itself");
  if (!(await statOf(labels))?.isDirectory()) throw new Refusal(`${labels}: no such folder`);
  return [path, labels];
};

/** Lists the pairs of a folder or of a list. @throws Refusal where there is nothing. */
const listed = async (path: string, { data }: EvaluationSpec) => {
  const found = await statOf(path);
  if (!found) throw new Refusal(`${path}: no such file or folder`);
  const isList = found.isFile();
  if (data.split !== undefined && (isList || data.labels !== undefined))
    throw new UsageError(`--split goes with a data set in parts, not with ${isList ? "a list" : "--labels"}`);
  if (isList && data.dataset === "pictures")
    throw new UsageError(`${path}: --dataset pictures goes with a folder of pictures, and this is a file`);
  const roots = await rootsOf(path, isList, data.labels);
  const files = filesOf(roots);
  const paths = await files.list();
  const name = isList ? "list" : data.labels === undefined ? layoutIn(path, paths, data) : "folders";
  const layout = layoutOf(name);
  const part: Part = { files, paths, split: isList ? basename(path) : (data.split ?? layout.splits[0] ?? "") };
  const listing = await layout.pairs(part);
  if (listing.pairs.length === 0 && listing.faults.length === 0)
    throw new Refusal(`${path}: holds no pictures of the split "${part.split}"; ${name} expects ${layout.expects}`);
  return { name, layout, roots, split: part.split, ...listing };
};

const MAX_FAULTS = 50;

/** All faults, a line each, before the refusal that counts them. */
const requireFaultless = (faults: readonly string[], io: Io): void => {
  if (faults.length === 0) return;
  for (const fault of faults.slice(0, MAX_FAULTS)) io.stderr(`  ${fault}\n`);
  if (faults.length > MAX_FAULTS) io.stderr(`  and ${faults.length - MAX_FAULTS} more\n`);
  throw new Refusal(`the data has ${counted(faults.length, "fault")}, listed above; nothing was evaluated`);
};

/** What a specification names, found but not looked at. */
interface Found extends Omit<EvaluationItems, "checked"> {
  /** Of the list of files. */
  readonly faults: readonly string[];
}

/** Looks at each picture; warnings are printed. @throws Refusal, with all faults printed. */
export const checkedItems = async (
  { faults, ...found }: Found,
  manifest: Manifest,
  io: Io,
): Promise<EvaluationItems> => {
  useNodeCodecs();
  const source = itemSource(found.roots, found.reading, found.streetSize);
  let looked = 0;
  const onItem = (): void => {
    looked += 1;
    if (io.isTerminal && looked % 20 === 0)
      io.stderr(`\r\u001B[Kchecking the pictures: ${looked} of ${found.items.length}`);
  };
  const [classes, planes] = [manifest.classes.length, channelCount(manifest.input.channels)];
  const checked = await checkItems(found.items, source, { classes, planes, size: found.streetSize, onItem });
  if (io.isTerminal) io.stderr("\r\u001B[K");
  requireFaultless([...faults, ...checked.faults], io);
  for (const warning of checked.warnings) io.stderr(`warning: ${warning}\n`);
  return { ...found, items: checked.items, checked };
};

/** The pictures of a specification, before any is opened. @throws Refusal, UsageError */
export const foundItems = async (spec: EvaluationSpec, manifest: Manifest, io: Io): Promise<Found> => {
  const { data, seed } = spec;
  const classes = manifest.classes.length;
  if (data.dataset === streets || (data.path === undefined && data.dataset === undefined)) {
    if (data.path !== undefined) throw new UsageError("--data goes with pictures in files; streets are drawn");
    if (classes !== STREET_CLASSES)
      throw new Refusal(
        `streets have the ${STREET_CLASSES} classes of CamVid, the network ${classes}; name its pictures with --data`,
      );
    const { size: streetSize = STREET_SIZE } = data;
    const items = streetItems(spec);
    return { name: "streets", kind: streets, items, roots: null, reading: {}, streetSize, faults: [] };
  }
  if (data.size !== undefined) throw new UsageError("--size goes with streets; pictures in files have their own size");
  if (data.labels !== undefined && data.dataset !== undefined && data.dataset !== "folders")
    throw new UsageError("--labels goes with a folder of pictures alone, not with --dataset");
  if (data.path === undefined) throw new UsageError(`--dataset ${data.dataset} goes with --data DIR`);
  const { name, layout, roots, split, pairs, faults } = await listed(data.path, spec);
  const reading = readingOf(layout, data, manifest);
  if (!reading)
    throw new UsageError(`--palette must be network or one of ${paletteNames.join(", ")}, not "${data.palette}"`);
  const items = data.images === undefined ? pairs : chosen(pairs, data.images, seed);
  if (data.images !== undefined && data.images > pairs.length)
    io.stderr(`warning: ${data.images} pictures are asked for, and ${data.path} has ${pairs.length}: all are taken\n`);
  const title = split === "" ? layout.title : `${layout.title}, ${split}`;
  return { name: title, kind: name, items, roots, reading, streetSize: STREET_SIZE, faults };
};

/** The pictures of a specification, each looked at. @throws Refusal, with all faults printed. */
export const evaluationItems = async (spec: EvaluationSpec, manifest: Manifest, io: Io): Promise<EvaluationItems> =>
  checkedItems(await foundItems(spec, manifest, io), manifest, io);
