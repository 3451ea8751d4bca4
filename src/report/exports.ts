/** Reports for others: flat scalars, model cards, and a card of robustness. */

import { counted } from "../counted.ts";
import { bestOf } from "../evaluation/orders.ts";
import { flagText, noBoundText } from "./flag-text.ts";
import { epsilonText, percent, percentWithin } from "./format.ts";
import { escaped } from "./markdown.ts";
import type { Cell, ReportData } from "./report.ts";
import { againstThemselves, strongest, whiteBox } from "./blocks.ts";

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/^-|-$/g, "");

const keyOf = ({ network, source, label, epsilon }: Cell): string =>
  [
    slug(network),
    ...(source === null ? [] : [`from-${slug(source)}`]),
    slug(label),
    ...(epsilon === null ? [] : [`eps-${epsilon}`]),
  ].join("/");

const scalarsOf = (cell: Cell): Readonly<Record<string, number | null>> => ({
  clean_miou: cell.clean.miou,
  miou: cell.miou.value,
  miou_low: cell.miou.interval?.low ?? null,
  miou_high: cell.miou.interval?.high ?? null,
  iou_ratio: cell.iouRatio.value,
  iou_ratio_low: cell.iouRatio.interval?.low ?? null,
  iou_ratio_high: cell.iouRatio.interval?.high ?? null,
  iou_ratio_uint8: cell.iouRatioUint8,
  iou_ratio_of_better_attack: bestOf(cell.flags)?.iouRatio ?? null,
  pixel_accuracy: cell.pixelAccuracy.value,
  apsr: cell.apsr,
  median_distance: cell.distances?.quantiles.median ?? null,
});

/** One JSON object a line, `{ "key": …, "value": … }`: what `mlflow.log_metric` and `wandb.log` take. */
const scalars = (report: ReportData): string =>
  report.cells
    .flatMap((cell) =>
      Object.entries(scalarsOf(cell)).flatMap(([name, value]) =>
        value === null ? [] : [`${JSON.stringify({ key: `${keyOf(cell)}/${name}`, value })}\n`],
      ),
    )
    .join("");

/** A JSON text is a YAML scalar. */
const yaml = JSON.stringify;

/** The `model-index` of a model card on Hugging Face: a result for each attack. */
const modelIndex = (report: ReportData): string => {
  const data = report.runs.find(({ data: found }) => found)?.data;
  const networks = [...new Set(report.cells.map(({ network }) => network))];
  const unlabelled = againstThemselves(report);
  const metric = (type: string, name: string, value: number | null): string[] =>
    value === null
      ? []
      : [`          - type: ${type}`, `            name: ${yaml(name)}`, `            value: ${value}`];
  // Those against the network's own prediction are no scores of a model card.
  const ofTruth = (network: string, lines: string[]): string[] => (unlabelled.has(network) ? [] : lines);
  const lines = networks.flatMap((network) => [
    `  - name: ${yaml(network)}`,
    "    results:",
    ...report.cells
      .filter((cell) => cell.network === network && !(cell.attack === "clean" && unlabelled.has(network)))
      .flatMap((cell) => {
        const at =
          cell.attack === "clean"
            ? "clean"
            : `${cell.label}, epsilon ${epsilonText(cell.epsilon)}${cell.source === null ? "" : `, made on ${cell.source}`}`;
        return [
          "      - task:",
          "          type: image-segmentation",
          "        dataset:",
          `          name: ${yaml(`${data?.name ?? "unnamed"} (${at})`)}`,
          `          type: ${yaml(data?.kind ?? "unnamed")}`,
          "        metrics:",
          ...ofTruth(network, metric("mean_iou", `mIoU${flagText(cell)}`, cell.miou.value)),
          ...metric("iou_ratio", `IoU ratio${flagText(cell)}`, cell.iouRatio.value),
          ...ofTruth(network, metric("accuracy", `Pixel accuracy${flagText(cell)}`, cell.pixelAccuracy.value)),
        ];
      }),
  ]);
  return ["model-index:", ...lines, ""].join("\n");
};

/** What a technical file on robustness has to state (Regulation (EU) 2024/1689, Article 15): it states what was measured, and certifies nothing. */
const card = (report: ReportData): string => {
  const attacks = whiteBox(report);
  const names = [...new Set(attacks.map(({ label }) => label))];
  const epsilons = [...new Set(attacks.flatMap(({ epsilon }) => (epsilon === null ? [] : [epsilon])))].toSorted(
    (a, b) => a - b,
  );
  const sources = [...new Set(report.cells.flatMap(({ source }) => (source === null ? [] : [source])))];
  const data = report.runs.flatMap(({ data: found }) =>
    found ? [`${found.name} (${found.kind}, ${found.items} pictures)`] : [],
  );
  const unlabelled = againstThemselves(report);
  const weakest = strongest(report).map(
    ({ cell }) =>
      `- ${escaped(cell.network)}: IoU ratio ${percentWithin(cell.iouRatio)} %${escaped(flagText(cell))} under ${escaped(cell.label)} at ε = ${epsilonText(cell.epsilon)}; ${unlabelled.has(cell.network) ? "clean mIoU not known, without label maps" : `clean mIoU ${percent(cell.clean.miou)} %`}.`,
  );
  const combined = report.worst.map(
    (one) =>
      `- ${escaped(one.network)}, ${one.norm === "l2" ? "L2 " : ""}ε = ${one.epsilon}: mIoU ${percent(one.miou)} %, accuracy ${percent(one.accuracy)} % over ${one.attacks} attacks${escaped(noBoundText(one.better, one.epsilon))}.`,
  );
  const small = attacks
    .filter((cell) => cell.small !== null)
    .map((cell) => cell.small!.iouRatio)
    .filter((ratio) => ratio !== null);
  const signs = [
    ...new Set(
      report.cells.flatMap(({ signs: kinds, flags }) => [...Object.keys(kinds), ...flags.map(({ kind }) => kind)]),
    ),
  ];
  return `${[
    `# Robustness card: ${escaped(report.title)}`,
    "This card states measurements that a technical file on accuracy, robustness and cybersecurity (Regulation (EU) 2024/1689, Article 15) may refer to. It certifies nothing.",
    "## System",
    report.networks
      .map(({ name, sha256 }) => `- ${escaped(name)}, SHA-256 \`${sha256.replaceAll(/[^0-9a-z+-]/gi, "")}\``)
      .join("\n"),
    "## Threat model",
    `Evasion: the pixels of the input are changed within a budget. White-box attackers know the network${sources.length > 0 ? `; black-box attackers transfer perturbations from ${escaped(sources.join(", "))}` : "; no black-box transfer was measured"}. Poisoning, physical attacks and theft of the network were not measured.`,
    `Budgets in grey levels of 0..255: ${epsilons.length > 0 ? epsilons.join(", ") : "none"}.`,
    "## Attack set",
    names.length > 0 ? names.map((name) => `- ${escaped(name)}`).join("\n") : "None.",
    "## Metrics",
    "mIoU pooled over the set, IoU ratio (attacked ÷ clean mIoU), pixel accuracy; 95 % intervals by a bootstrap over images.",
    "## Data",
    `${data.length > 0 ? escaped(data.join("; ")) : "Not recorded"}; ${counted(report.images, "image")}.`,
    "## Worst case",
    [...weakest, ...combined].join("\n") || "No attack was made.",
    "## Slices",
    `${report.classes.length} classes apart: see the report. Small objects: ${small.length > 0 ? `smallest IoU ratio ${percent(Math.min(...small))} %` : "not measured apart"}.`,
    "## Limits",
    [
      "- Attacks give upper bounds of robustness: a stronger attack may do more harm.",
      signs.length > 0
        ? `- Signs that attacks were weaker than they seem: ${escaped(signs.join(", "))}.`
        : "- No sign of a masked gradient was seen, which proves nothing.",
      "- The intervals are over images of this data set and say nothing of other data.",
    ].join("\n"),
  ].join("\n\n")}\n`;
};

export const exporters = { scalars, "model-index": modelIndex, card } as const satisfies Readonly<
  Record<string, (report: ReportData) => string>
>;
export type ExportName = keyof typeof exporters;
