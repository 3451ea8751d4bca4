/** /v1/robustness's work where an evaluation makes the attacks: what is asked of it, and the answer that its rows make. */

import {
  gridAttack,
  withoutRows,
  type ConcludeRequest,
  type Cost,
  type Labelled,
  type PreparedPicture,
  type PreparedRobustness,
  type RobustnessAnswer,
  type RobustnessResult,
  type RobustnessSetAnswer,
  type RobustnessSetRequest,
  type RobustnessSpec,
} from "../contract/robustness.ts";
import { FaultlineError, invalidSpec } from "../contract/failure.ts";
import { MAX_REPORT_ROWS } from "../contract/limits.ts";
import { freeOptions } from "../attacks/option-faults.ts";
import type { Plan, Subject } from "../evaluation/measure.ts";
import { unitId, type Row } from "../evaluation/row.ts";
import { signsNamed } from "../evaluation/signs.ts";
import type { GivenSpec } from "../evaluation/spec.ts";
import { unitOf } from "../evaluation/unit.ts";
import { probe } from "../image/probe.ts";
import { sum } from "../metrics/counts.ts";
import type { PlacedModel } from "../networks/placement.ts";
import { notesOf } from "../segmenter/network.ts";
import { createReader } from "../report/reader.ts";
import { createStore } from "../report/store.ts";
import { costOf, type Context } from "./context.ts";
import { examine, ranWith } from "./robustness.ts";
import { gridOf, stepsOfGrid } from "./robustness-grid.ts";
import { resultOf, type Shown } from "./robustness-result.ts";
import { at, pooledResult, requireDifferent } from "./robustness-set.ts";

const idOf = async ({ segmenter, item, truth }: Subject, plan: Plan | null): Promise<string> =>
  unitId(await unitOf({ segmenter, source: segmenter, item, truth }, plan));

/** The grid's attacks with their own options; its step size is that of those that take one. */
const attacksOf = ({ attacks, epsilons, norm, alpha, label, pixelRange }: RobustnessSpec): GivenSpec["attacks"] =>
  attacks.map((entry) => {
    const { attack, ...own } = gridAttack(entry);
    const step = alpha !== undefined && freeOptions(attack).includes("alpha") ? { alpha } : {};
    return { attack, epsilon: [...epsilons], norm, label, pixelRange, ...step, ...own };
  });

/** What stands around the model, of what the request names. */
const surroundingsOf = ({ transform, through, draws, crf }: RobustnessSpec): Pick<GivenSpec, "around"> => {
  const around: GivenSpec["around"] = {
    ...(transform !== undefined && { transform: transform === "none" ? transform : [...transform] }),
    ...(through !== undefined && { through }),
    ...(draws !== undefined && { draws }),
    ...(crf !== undefined && { crf }),
  };
  return Object.keys(around).length === 0 ? {} : { around };
};

const evaluationOf = (spec: RobustnessSpec, isLabelled: boolean): GivenSpec => ({
  networks: [spec.model],
  data: {
    dataset: isLabelled ? "folders" : "pictures",
    ...(spec.label255 === "foreground" ? { remap: { 255: 1 } } : {}),
  },
  attacks: attacksOf(spec),
  label: spec.label,
  ...surroundingsOf(spec),
  seed: spec.seed,
});

/** @throws FaultlineError invalid-spec where the evaluation would have more rows than one answer is made of. */
const requireFewRows = (spec: RobustnessSpec, images: number): void => {
  const rows = images * (1 + spec.attacks.length * spec.epsilons.length);
  if (rows <= MAX_REPORT_ROWS) return;
  const detail = `make ${rows} rows with these images, of which one answer takes at most ${MAX_REPORT_ROWS}; take fewer radii or images`;
  throw invalidSpec({ pointer: "/spec/epsilons", detail });
};

/** Checks all that a request of these images would be refused for, but its work, and states what it would compute. */
export const createRobustnessPreparer = (context: Context) => {
  const prepared = async (model: PlacedModel, spec: RobustnessSpec, labelled: Labelled): Promise<PreparedPicture> => {
    const { subject, picture } = await examine(context, model, spec, labelled);
    const { item } = subject;
    const units = [await idOf(subject, null)];
    for (const plan of gridOf(spec, subject.truth)) units.push(await idOf(subject, plan));
    return {
      ...picture,
      image: `images/${item}.${probe(labelled.image).format}`,
      ...(labelled.labels && { labels: `labels/${item}.png` }),
      units,
    };
  };
  return async ({ spec: given, pictures }: RobustnessSetRequest): Promise<PreparedRobustness> => {
    const isLabelled = pictures[0]!.labels !== undefined;
    requireFewRows(given, pictures.length);
    await requireDifferent(pictures);
    const model = await context.open(given);
    const spec = ranWith(given, model);
    const each: PreparedPicture[] = [];
    for (const [i, picture] of pictures.entries()) {
      const own = () => prepared(model, given, picture);
      each.push(await (pictures.length > 1 ? at(i, own) : own()));
    }
    return { spec, evaluation: evaluationOf(given, isLabelled), pictures: each, notes: notesOf(model.network) };
  };
};

/** Rows by their ids. */
const readRows = (lines: Uint8Array): ReadonlyMap<string, Row> => {
  const rows = new Map<string, Row>();
  const reader = createReader(createStore(), undefined, (row) => void rows.set(row.id, row));
  reader.push(lines);
  reader.end();
  return rows;
};

const WHY = "evaluations run on it";

/** What has become of a request whose network, or whose service, was another one by the time that its evaluation was planned. */
const othersRows = (id: string): FaultlineError => {
  const reason = `its rows are of other units than those of the request, as ${id.slice(0, 12)}…: the network was replaced meanwhile, or the service is of another version; send the request again`;
  return new FaultlineError({ kind: "evaluation-state", state: "done", reason });
};

/** @throws FaultlineError evaluation-state where a unit has no row. */
export const createRobustnessConcluder =
  ({ version, maxWork }: Pick<Context, "version" | "maxWork">) =>
  ({ prepared, rows: lines, milliseconds }: ConcludeRequest): RobustnessAnswer | RobustnessSetAnswer => {
    const { spec, pictures, notes } = prepared;
    const rows = readRows(lines);
    const shown = (id: string): Shown => {
      const row = rows.get(id);
      if (!row) throw othersRows(id);
      return { row, signs: signsNamed(row.signs ?? []) };
    };
    const steps = stepsOfGrid(spec);
    const cost = (pixels: number): Cost => costOf(pixels, steps, maxWork);
    const images = pictures.map((picture): RobustnessResult => {
      const [{ row: clean }, ...points] = picture.units.map(shown) as [Shown, ...Shown[]];
      const { unit, receipt } = clean;
      return resultOf({
        spec,
        picture,
        clean,
        points,
        cost: cost(picture.width * picture.height),
        timings: { total: milliseconds / pictures.length },
        receipt: {
          model: receipt.model,
          modelSha256: unit.networkSha256,
          spec,
          seed: spec.seed,
          versions: { faultline: receipt.faultline ?? version, onnxruntime: receipt.onnxruntime },
          backend: receipt.backend as RobustnessResult["receipt"]["backend"],
          backendWhy: WHY,
          notes,
        },
      });
    });
    const [first, ...others] = images;
    if (others.length === 0) return withoutRows(first!);
    const pixels = sum(images.map((image) => image.cost.pixels));
    return withoutRows(pooledResult(spec, images, cost(pixels), { total: milliseconds }));
  };
