/** Charts as data: what stands around a network is shown beside the network alone, with ±2σ. */

import { expect, it } from "vitest";
import { random } from "../../src/random.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { buildReport } from "../../src/report/report.ts";
import { createStore } from "../../src/report/store.ts";
import { countsWith, rowOf } from "../support/rows.ts";

it("transformations and CRFs have a chart each, at the largest ε of each attack", () => {
  const store = createStore();
  const next = random(1);
  const transform = [{ name: "jpeg", quality: 75 }];
  for (const around of [undefined, { transform }, { crf: null }])
    for (const epsilon of [2, 8])
      for (let i = 0; i < 9; i++) {
        const counts = (accuracy: number) => countsWith(next, [500, 300, 200], accuracy);
        const [clean, float] = [counts(0.9), counts(around ? 0.6 : 0.3)];
        const reference = clean.reference;
        store.add(
          rowOf({
            attack: { attack: "ifgsm", epsilon },
            item: `item-${i}`,
            around,
            counts: { clean, float: { ...float, reference }, uint8: { ...float, reference } },
          }),
        );
      }
  const report = buildReport(store, { replicates: 200 });
  const charts = chartsOf(report).filter(({ kind }) => kind !== "curves" && kind !== "scatter");
  expect(charts.map(({ kind }) => kind)).toEqual(["transformations", "crf"]);
  const { values } = charts[0]!.spec["data"] as {
    readonly values: readonly {
      readonly network: string;
      readonly attack: string;
      ratio: number;
      low: number;
      high: number;
    }[];
  };
  expect(values.map(({ network, attack }) => [network, attack])).toEqual([
    ["alpha", "ifgsm at ε = 8"],
    ["alpha (jpeg quality 75)", "ifgsm at ε = 8"],
  ]);
  const cell = report.cells.find(({ network, epsilon }) => network === values[1]!.network && epsilon === 8)!;
  const { value, interval } = cell.iouRatio;
  expect(values[1]!.ratio).toBeCloseTo(100 * value!, 9);
  // The 95 % interval is 2 · 1.96 σ wide.
  expect(values[1]!.high - values[1]!.low).toBeCloseTo((4 * 100 * (interval!.high - interval!.low)) / (2 * 1.96), 9);
});
