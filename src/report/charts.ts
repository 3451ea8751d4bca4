/** The charts of a report as Vega-Lite specifications: plain data, which any renderer draws. */

import { certifiedCharts } from "./certified-chart.ts";
import { config } from "./chart-config.ts";
import { flagText } from "./flag-text.ts";
import type { Cell, ReportData } from "./report.ts";
import { surrounded, surroundings, surroundingsKinds, twoSigmaOf } from "./surroundings.ts";
import { at, byNorm, whiteBox, type Block } from "./blocks.ts";

export type ChartKind = Extract<Block, { readonly kind: "chart" }>["chart"];

export interface Chart {
  readonly kind: ChartKind;
  /** What it shows, in a sentence. */
  readonly title: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

const points = (cells: readonly Cell[]) =>
  cells.map(({ network, label, epsilon, iouRatio, clean, float }) => ({
    network,
    attack: label,
    epsilon,
    ratio: iouRatio.value === null ? null : 100 * iouRatio.value,
    low: iouRatio.interval === null ? null : 100 * iouRatio.interval.low,
    high: iouRatio.interval === null ? null : 100 * iouRatio.interval.high,
    clean: clean.miou === null ? null : 100 * clean.miou,
    robust: float.miou === null ? null : 100 * float.miou,
  }));

/** Of attacks; the tables have them all. */
const MAX_CHARTS = 40;

const WIDTH = 300;
const HEIGHT = 220;

/** A chart for each attack, with a line and a band for each network. */
const curveCharts = (report: ReportData): Chart[] => {
  const cells = whiteBox(report).filter(
    ({ epsilon, iouRatio }) => epsilon !== null && epsilon > 0 && iouRatio.value !== null,
  );
  const networks = [...new Set(cells.map(({ network }) => network))];
  const attacks = [...new Set(cells.map(({ label }) => label))].slice(0, MAX_CHARTS);
  return attacks.map((attack) => {
    const own = cells.filter(({ label }) => label === attack);
    const epsilons = [...new Set(own.map(({ epsilon }) => epsilon!))].toSorted((a, b) => a - b);
    const x = {
      field: "epsilon",
      type: "quantitative",
      title: "ε in grey levels",
      scale: epsilons.length > 1 ? { type: "log", base: 2, nice: false } : { zero: true },
      axis: { values: epsilons, format: ".6~g", grid: false, labelOverlap: true },
    };
    const color = { field: "network", type: "nominal", scale: { domain: networks } };
    const spec = {
      width: WIDTH,
      height: HEIGHT,
      config,
      title: { text: attack, color: "currentColor", anchor: "start", fontSize: 14 },
      data: { values: points(own) },
      encoding: { x, color },
      layer: [
        {
          mark: { type: "area", opacity: 0.18 },
          encoding: { y: { field: "low", type: "quantitative", title: "IoU ratio, %" }, y2: { field: "high" } },
        },
        {
          mark: { type: "line", strokeWidth: 2 },
          encoding: { y: { field: "ratio", type: "quantitative", scale: { zero: true } } },
        },
        {
          mark: { type: "point", filled: true, size: 50, opacity: 1 },
          encoding: {
            y: { field: "ratio", type: "quantitative" },
            shape: { field: "network", type: "nominal", scale: { domain: networks } },
          },
        },
      ],
    };
    return { kind: "curves", title: `IoU ratio against ε under ${attack}, with 95 % bands${flaggedAmong(own)}`, spec };
  });
};

/** What the title of a chart says of points that are flagged: they are nowhere shown as if they were bounds. */
const flaggedAmong = (cells: readonly Cell[]): string => {
  const flagged = cells.filter(({ flags }) => flags.length > 0);
  return flagged.length === 0
    ? ""
    : `; no bound, as other attacks do more: ${flagged.map((cell) => `${cell.network} at ε = ${cell.epsilon}${flagText(cell)}`).join("; ")}`;
};

/** @param inNorm " in L2" where there are charts of both norms, else nothing. */
const scatterChart = (cells: readonly Cell[], inNorm: string): Chart[] => {
  if (new Set(cells.map(({ network }) => network)).size < 2) return [];
  const spec = {
    width: WIDTH + 60,
    height: HEIGHT + 40,
    config,
    data: { values: points(cells) },
    mark: { type: "point", filled: true, opacity: 0.9 },
    encoding: {
      x: { field: "clean", type: "quantitative", title: "clean mIoU, %", scale: { zero: false, padding: 12 } },
      y: { field: "robust", type: "quantitative", title: "mIoU under the strongest attack, %", scale: { zero: true } },
      color: { field: "network", type: "nominal" },
      shape: { field: "network", type: "nominal" },
      size: { field: "epsilon", type: "ordinal", scale: { range: [40, 220] }, legend: { title: "ε", columns: 6 } },
    },
  };
  const title = `Clean mIoU against mIoU under the strongest attack${inNorm} at each ε${flaggedAmong(cells)}`;
  return [{ kind: "scatter", title, spec }];
};

/** Each network under its strongest attack at each radius: a chart for each norm, as radii of different norms do not compare. */
const scatterCharts = (report: ReportData): Chart[] => {
  const all = whiteBox(report).filter(({ epsilon, iouRatio }) => epsilon !== null && iouRatio.value !== null);
  return byNorm(all).flatMap(({ own, inNorm }) => {
    const strongest = new Map<string, Cell>();
    for (const cell of own) {
      const key = JSON.stringify([cell.network, cell.epsilon]);
      const known = strongest.get(key);
      if (!known || cell.iouRatio.value! < known.iouRatio.value!) strongest.set(key, cell);
    }
    return scatterChart([...strongest.values()], inNorm);
  });
};

/** Dots in one chart: beyond it the table alone shows them. */
const MAX_DOTS = 80;

/** Each network with what stands around it, and alone, at the largest radius of each attack, with ±2σ over images. */
const surroundingsCharts = (report: ReportData): Chart[] =>
  surroundingsKinds.flatMap((kind): Chart[] => {
    const all = surrounded(report, kind);
    const largest = new Map<string, number>();
    for (const { cell } of all) largest.set(cell.label, Math.max(largest.get(cell.label) ?? 0, cell.epsilon ?? 0));
    const shown = all.filter(({ cell }) => (cell.epsilon ?? 0) === largest.get(cell.label));
    const cells = [...new Set(shown.flatMap(({ cell, alone }) => (alone ? [alone, cell] : [cell])))].filter(
      ({ iouRatio }) => iouRatio.value !== null,
    );
    if (cells.length === 0 || cells.length > MAX_DOTS) return [];
    const values = cells.map((cell) => {
      const [ratio, spread] = [100 * cell.iouRatio.value!, 100 * (twoSigmaOf(cell.iouRatio) ?? 0)];
      return { network: cell.network, attack: at(cell), ratio, low: Math.max(0, ratio - spread), high: ratio + spread };
    });
    const spec = {
      width: WIDTH + 60,
      height: { step: 14 },
      config,
      data: { values },
      encoding: {
        y: { field: "network", type: "nominal", title: null, sort: null, axis: { labelLimit: 480 } },
        yOffset: { field: "attack", type: "nominal" },
        color: { field: "attack", type: "nominal" },
      },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 2 },
          encoding: {
            x: { field: "low", type: "quantitative", title: "IoU ratio ± 2σ, %", scale: { zero: true } },
            x2: { field: "high" },
          },
        },
        {
          mark: { type: "point", filled: true, size: 60, opacity: 1 },
          encoding: { x: { field: "ratio", type: "quantitative" }, shape: { field: "attack", type: "nominal" } },
        },
      ],
    };
    const { title } = surroundings[kind];
    return [{ kind, title: `${title}: IoU ratio with ±2σ over images, at the largest ε of each attack`, spec }];
  });

export const chartsOf = (report: ReportData): readonly Chart[] => [
  ...curveCharts(report),
  ...scatterCharts(report),
  ...surroundingsCharts(report),
  ...certifiedCharts(report.certified),
];
