/** What the gradient of each network that ships takes, counted on its graphs, so that no change makes it slower unseen. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shippedNetworks, workOf, type Work } from "../scripts/work/count.ts";

const table = JSON.parse(readFileSync(new URL("fixtures/work.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Work>
>;
const networks = shippedNetworks();

describe("the work of gradients in test/fixtures/work.json", () => {
  it("is of every network that ships with a file", () => {
    expect(networks.size).toBeGreaterThanOrEqual(20);
    expect(Object.keys(table).toSorted()).toEqual([...networks.keys()].toSorted());
  });

  it("is what is counted now; where the change is intended, `npx tsx scripts/work.ts` writes the table", () => {
    expect(Object.fromEntries([...networks].map(([name, network]) => [name, workOf(network)]))).toEqual(table);
  });

  it("is at most 2.4 times the multiply-adds of the forward pass: once forward, once back, and the adjoints of resizings", () => {
    for (const [name, { kiloMacs, forwardKiloMacs }] of Object.entries(table)) {
      expect([name, kiloMacs / forwardKiloMacs >= 1.99]).toEqual([name, true]);
      expect([name, kiloMacs / forwardKiloMacs <= 2.4]).toEqual([name, true]);
    }
  });
});
