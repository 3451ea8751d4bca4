/** The chart of certificates and attacks on one axis: each interval of radii as bars of what is proved, unknown and broken. */

import type { CertifiedAxis } from "./certified.ts";
import { config } from "./chart-config.ts";
import { normText } from "../attacks/norms.ts";

const WIDTH = 360;
const HEIGHT = 220;

/** Radii that the axis may name, on its logarithmic scale that begins at 0. */
const TICKS = [0, ...[0.000_1, 0.001, 0.01, 0.1, 1, 10, 100, 1000, 10_000].flatMap((power) => [power, 3 * power])];

const STATES = [
  { state: "proved", color: "#009e73" },
  { state: "nobody knows", color: "#8a8f98" },
  { state: "broken", color: "#d55e00" },
] as const;

const barsOf = ({ steps }: CertifiedAxis, score: "accuracy" | "miou") =>
  steps.flatMap(({ from, to, proved, unbroken }) => {
    const low = 100 * (proved[score] ?? 0);
    // Where an attack on the network alone leaves less than is proved of the smoothed network, nothing lies between.
    const high = Math.max(low, 100 * (unbroken?.[score] ?? 1));
    const end = to ?? (from === 0 ? 1 : from * 1.25);
    const edges = [0, low, high, 100];
    return STATES.flatMap(({ state }, i) =>
      edges[i + 1]! > edges[i]! ? [{ from, to: end, low: edges[i]!, high: edges[i + 1]!, state }] : [],
    );
  });

export const certifiedCharts = (axes: readonly CertifiedAxis[]) =>
  axes.flatMap((axis) =>
    (["accuracy", "miou"] as const).map((score) => {
      const values = barsOf(axis, score);
      const name = score === "accuracy" ? "pixel accuracy" : "mIoU";
      const radius = `${normText(axis.norm)} radius`;
      const end = Math.max(...values.map(({ to }) => to));
      const spec = {
        width: WIDTH,
        height: HEIGHT,
        config,
        title: { text: axis.network, color: "currentColor", anchor: "start", fontSize: 14 },
        data: { values },
        mark: { type: "rect", opacity: 0.75 },
        encoding: {
          x: {
            field: "from",
            type: "quantitative",
            title: `${radius} in grey levels`,
            scale: { type: "symlog", constant: Math.min(1, end / 100), domain: [0, end], nice: false },
            axis: {
              values: TICKS.filter((tick) => tick === 0 || (tick <= end && tick >= end / 1000)),
              format: ".6~g",
              grid: false,
              labelOverlap: "greedy",
            },
          },
          x2: { field: "to" },
          y: { field: "low", type: "quantitative", title: `${name}, %`, scale: { domain: [0, 100] } },
          y2: { field: "high" },
          color: {
            field: "state",
            type: "nominal",
            scale: { domain: STATES.map(({ state }) => state), range: STATES.map(({ color }) => color) },
          },
        },
      };
      const of = axis.norm === "l2" ? "smoothed network" : "network";
      const title = `${axis.network}: ${name} that is proved of the ${of}, broken by attacks, and between, against the ${radius}`;
      return { kind: "certified" as const, title, spec };
    }),
  );
