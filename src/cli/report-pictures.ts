/** Example pictures of a report: units run again, as the file beside the rows says, and compared with their rows. */

import { readItem } from "../evaluation/items.ts";
import { measure, type Measured } from "../evaluation/measure.ts";
import { planOn } from "../evaluation/plan-on.ts";
import { unitId } from "../evaluation/row.ts";
import { networksOf, settingOpener, settle } from "../evaluation/settings.ts";
import { parseSpec, SpecError, type EvaluationSpec } from "../evaluation/spec.ts";
import { planUnits } from "../evaluation/plan-units.ts";
import { amplified } from "../image/amplify.ts";
import { encodePng } from "../image/encode.ts";
import { encodeLabels } from "../image/labels.ts";
import { useNodeCodecs } from "../image/node.ts";
import { itemSource } from "../node/evaluation-items.ts";
import { Refusal } from "../node/failure.ts";
import { deltaReader } from "../node/delta-file.ts";
import { openLocated, type Located } from "../node/located.ts";
import type { Example, ShownExample } from "../report/examples.ts";
import { percent } from "../report/format.ts";
import type { RunFacts } from "../report/run-facts.ts";
import { startWasm } from "../runtime/wasm/wasm.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { createSegmenter, type Image, type Labels } from "../segmenter/segmenter.ts";
import { SessionCache } from "../segmenter/session-cache.ts";
import { tensor } from "../tensor.ts";
import { BUDGET_BYTES } from "./backend.ts";
import type { Io } from "./command.ts";
import { foundItems } from "./evaluate-data.ts";
import { readDeltas } from "./evaluate-prepare.ts";
import { locateOperand } from "./open-network.ts";

const VOID = 255;
/** Of an error map: right pixels, wrong ones, void. */
const RIGHT = [225, 225, 225] as const;
const WRONG = [213, 94, 0] as const;
const UNSCORED = [90, 90, 90] as const;

/** Where the labels are not those of the reference, as a picture [3,H,W]. */
const errorMap = (labels: Labels, reference: Labels): Image => {
  const size = labels.data.length;
  const data = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) {
    const colour = reference.data[i] === VOID ? UNSCORED : labels.data[i] === reference.data[i] ? RIGHT : WRONG;
    for (let c = 0; c < 3; c++) data[c * size + i] = colour[c]!;
  }
  return tensor("float32", [3, ...labels.shape], data);
};

const url = (png: Uint8Array): string => `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

/** Grey, or the first three planes, of a picture of any number of channels. */
const visible = ({ shape: [planes = 0, height = 0, width = 0], data }: Image): Image => {
  const shown = planes >= 3 ? 3 : 1;
  return tensor("float32", [shown, height, width], data.slice(0, shown * height * width));
};

const shownExample = (
  { model, attack, epsilon, item, accuracy }: Example,
  { float, clean, row, reference }: Measured,
  {
    image,
    truth,
    manifest,
  }: { readonly image: Image; readonly truth: Labels | undefined; readonly manifest: Manifest },
): ShownExample => {
  const palette = manifest.classes.map(({ color }) => color);
  const picture = (title: string, png: Uint8Array) => ({ title, url: url(png) });
  const scale = epsilon ?? (row.distances.linf || 1);
  const before = truth ? `${percent(accuracy.clean)} % of the pixels are right before, ` : "";
  const after = truth ? "after" : "of the pixels have the label of before";
  return {
    caption: `${model}, ${attack}${epsilon === null ? "" : ` at ε = ${epsilon}`}, on ${item}: ${before}${percent(accuracy.attacked)} % ${after}`,
    pictures: [
      picture("clean", encodePng(visible(image))),
      picture("adversarial", encodePng(visible(float.image))),
      picture(
        `perturbation, ${(127 / scale).toFixed(1)} times`,
        encodePng(visible(amplified(image, float.image, scale))),
      ),
      ...(truth ? [picture("ground truth", encodeLabels(truth, palette))] : []),
      picture("labels before", encodeLabels(clean.labels, palette)),
      picture("labels after", encodeLabels(float.labels, palette)),
      picture(truth ? "errors after" : "changed labels", encodePng(errorMap(float.labels, truth ?? reference))),
    ],
  };
};

/** The specifications of the files beside rows. @throws Refusal where there is none. */
const specsOf = (runs: readonly RunFacts[]): readonly EvaluationSpec[] => {
  const specs = runs.flatMap(({ spec }) => (spec === undefined ? [] : [parseSpec(spec)]));
  if (specs.length > 0) return specs;
  throw new Refusal(
    "--pictures runs units again by the file of the run beside the rows (NAME.run.json), and there is none",
  );
};

/** Runs the units of one specification that are among the examples again. */
const runAgain = async (
  spec: EvaluationSpec,
  examples: ReadonlyMap<string, Example>,
  io: Io,
): Promise<ReadonlyMap<string, ShownExample>> => {
  const located: Located[] = [];
  for (const operand of networksOf(spec)) located.push(await locateOperand(operand));
  const manifests = located.map(({ manifest }) => manifest);
  const found = await foundItems(spec, manifests[0]!, io);
  const names = new Set([...examples.values()].map(({ item }) => item));
  const items = found.items.filter(({ name }) => names.has(name));
  const deltas = await readDeltas(spec);
  const itemNames = items.map(({ name }) => name);
  const { groups, settings } = await planUnits(spec, manifests, itemNames, { deltas });
  const source = itemSource(found.roots, found.reading, found.streetSize);
  const cache = new SessionCache(startWasm(), BUDGET_BYTES);
  const opened = settingOpener(
    (place) => openLocated(located[place]!),
    (network) => createSegmenter(network, cache),
    1,
  );
  const shown = new Map<string, ShownExample>();
  for (const { source: place, item, attack, units } of groups) {
    const example = units.map(({ id }) => examples.get(id)).find((one) => one !== undefined);
    if (!example || attack === null) continue;
    const setting = settings[place]!;
    const { manifest } = located[setting.network]!;
    const { image, truth } = await readItem(items[item]!, source, channelCount(manifest.input.channels));
    const segmenter = settle(await opened(setting), setting, attack.seed);
    io.stderr(`${example.model}, ${example.attack}, on ${example.item} …\n`);
    const { plan, instead: crafted } = await planOn(attack, { image, truth, source: segmenter }, deltaReader());
    const measured = await measure({ segmenter, image, truth, item: example.item, crafted }, plan);
    const { truePositive } = measured.row.counts.float;
    if (truePositive.some((n, c) => n !== example.truePositive[c]))
      throw new Refusal(
        `${example.item}: the attack on ${example.model} gives other counts than its row: the picture, the runtime or the version is another`,
      );
    shown.set(measured.row.id, shownExample(example, measured, { image, truth, manifest }));
  }
  return shown;
};

/**
 * The pictures of these units, in their order.
 *
 * @throws Refusal where a unit is in no file of a run, or where it gives other counts than its row.
 */
export const picturesOf = async (
  examples: readonly Example[],
  runs: readonly RunFacts[],
  io: Io,
): Promise<readonly ShownExample[]> => {
  useNodeCodecs();
  const byId = new Map<string, Example>();
  for (const example of examples) byId.set(await unitId(example.unit), example);
  const shown = new Map<string, ShownExample>();
  for (const spec of specsOf(runs)) {
    const left = new Map([...byId].filter(([id]) => !shown.has(id)));
    if (left.size === 0) break;
    try {
      for (const [id, one] of await runAgain(spec, left, io)) shown.set(id, one);
    } catch (cause) {
      if (cause instanceof SpecError) throw new Refusal(cause.message, { cause });
      throw cause;
    }
  }
  const missing = [...byId].find(([id]) => !shown.has(id));
  if (missing)
    throw new Refusal(
      `${missing[1].item}: the unit of ${missing[1].model} under ${missing[1].attack} is in no file of a run beside the rows`,
    );
  return [...byId.keys()].map((id) => shown.get(id)!);
};
