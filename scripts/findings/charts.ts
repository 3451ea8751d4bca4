/** The charts of the page, drawn by Vega without a browser. */

import { svgOf } from "../../src/node/charts.ts";
import { paperRadii } from "../../src/evaluation/spec.ts";
import { twoSigmaOf } from "../../src/report/surroundings.ts";
import type { Evidence, Figure } from "./evidence.ts";
import type { Sources } from "./page.ts";
import { paperAttacks, randomised, single } from "./parts.ts";
import { transformFigures } from "./tables.ts";
import { ratioFigure } from "./words.ts";

const look = { background: "#ffffff", config: { aria: false } };

const tenths = (share: number): number => Number((100 * share).toFixed(1));

const band = ({ value, interval }: Figure) => ({
  ratio: tenths(value),
  low: tenths(interval?.low ?? value),
  high: tenths(interval?.high ?? value),
});

/** IoU ratio against the radius with its 95 % band: a panel for each attack, a line for each network. */
const curvesChart = (evidence: Evidence) => ({
  ...look,
  data: {
    values: paperAttacks.flatMap((attack) =>
      single.flatMap((network) =>
        paperRadii.map((epsilon) => ({
          attack,
          network,
          epsilon,
          ...band(ratioFigure(evidence, [{ network, attack, epsilon }])),
        })),
      ),
    ),
  },
  facet: { field: "attack", type: "nominal", title: null, sort: [...paperAttacks] },
  columns: 2,
  spec: {
    width: 300,
    height: 200,
    encoding: {
      x: {
        field: "epsilon",
        type: "quantitative",
        title: "ε in grey levels",
        scale: { type: "log", base: 2, nice: false },
        axis: { values: paperRadii, format: "~g" },
      },
      color: {
        field: "network",
        type: "nominal",
        title: null,
        sort: [...single],
        legend: { symbolOpacity: 1 },
      },
    },
    layer: [
      {
        mark: { type: "area", opacity: 0.15 },
        encoding: { y: { field: "low", type: "quantitative", title: "IoU ratio, %" }, y2: { field: "high" } },
      },
      {
        mark: { type: "line", point: { size: 20 }, strokeWidth: 1.5 },
        encoding: { y: { field: "ratio", type: "quantitative" } },
      },
    ],
  },
});

/** IoU ratio ± 2σ behind each transformation: a panel for each network. */
const transformsChart = (evidence: Evidence) => ({
  ...look,
  data: {
    values: transformFigures(evidence).map(({ figure, ...at }) => {
      const spread = twoSigmaOf(figure) ?? 0;
      const [low, high] = [Math.max(0, figure.value - spread), figure.value + spread];
      return { ...at, ratio: tenths(figure.value), low: tenths(low), high: tenths(high) };
    }),
  },
  facet: { column: { field: "network", type: "nominal", title: null, sort: [...randomised] } },
  spec: {
    width: 260,
    height: { step: 12 },
    encoding: {
      y: { field: "transform", type: "nominal", title: null, sort: null },
      yOffset: { field: "attack", type: "nominal" },
      color: { field: "attack", type: "nominal", title: null },
    },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 2 },
        encoding: { x: { field: "low", type: "quantitative", title: "IoU ratio ± 2σ, %" }, x2: { field: "high" } },
      },
      {
        mark: { type: "point", filled: true, size: 50, opacity: 1 },
        encoding: { x: { field: "ratio", type: "quantitative" } },
      },
    ],
  },
});

/** SVG by the name of its file; those for which there are rows. */
export const findingsCharts = async ({ of }: Sources): Promise<Readonly<Record<string, string>>> => {
  const [curves, transforms] = [of("curves"), of("transforms")];
  return {
    ...(curves ? { "curves.svg": await svgOf(curvesChart(curves)) } : {}),
    ...(transforms ? { "transforms.svg": await svgOf(transformsChart(transforms)) } : {}),
  };
};
