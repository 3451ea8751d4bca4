/** models/README.md is what the manifests and measured.json say. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { differences, type Measured } from "../scripts/models/page.ts";

it("the committed page is the one that scripts/models.ts writes", () => {
  const check = () =>
    execFileSync("npx", ["--no-install", "tsx", "scripts/models.ts", "page", "--check"], { stdio: "pipe" });
  expect(check).not.toThrow();
});

describe("its verdict on int8 is what was measured", () => {
  const measured = JSON.parse(readFileSync(new URL("../models/measured.json", import.meta.url), "utf8")) as Measured;
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

  it("the same attack breaks both precisions as much", () => {
    const values = differences(measured, "target");
    expect(values.length).toBeGreaterThanOrEqual(90);
    expect(Math.abs(mean(values))).toBeLessThan(0.002);
    expect(Math.max(...values.map(Math.abs))).toBeLessThan(0.02);
  });

  it("int8's gradient is no worse a guide, and differs most where scales are fused", () => {
    const values = differences(measured, "source");
    expect(mean(values)).toBeLessThan(0.002);
    expect(Math.max(...values)).toBeLessThan(0.04);
    const { "deeplab-v2-resnet-multiscale": fused, ...others } = measured;
    expect(Math.min(...differences({ fused: fused! }, "source"))).toBe(Math.min(...values));
    expect(Math.min(...differences(others, "source"))).toBeGreaterThan(-0.04);
  });
});
