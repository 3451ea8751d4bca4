/** `certify`: what it prints is what the certificates of its pictures say, pooled. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { decodeLabels } from "../../src/image/labels.ts";
import { encodePng } from "../../src/image/encode.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
mkdirSync(path("net"));
const { bytes, manifest } = tinyFile({ activation: "Tanh" });
put("net/model.onnx", bytes);
put("net/manifest.json", JSON.stringify(manifest));
const pictures = [5, 6].map((seed) => put(`${seed}.png`, encodePng(noiseImage(8, 12, seed))));
const quick = ["--samples", "5/40", "--alpha", "0.05"];

interface Data {
  readonly pooled: readonly {
    readonly sigma: number;
    readonly radius: number;
    readonly certifiedAccuracy: number;
    readonly abstainedShare: number;
    readonly wrongShare: number;
  }[];
  readonly images: readonly {
    readonly certified: readonly { readonly abstained: number; readonly pixels: number }[];
  }[];
}

it("certifies less at larger radii, and prints a line for each", async () => {
  const data = await jsonOf<Data>("certify", path("net"), ...pictures, ...quick, "--sigma", "1,64");
  const [small, large] = data.pooled;
  expect(small!.radius).toBeCloseTo(0.6744897501960817, 12);
  expect(small!.certifiedAccuracy).toBeGreaterThan(0.5);
  expect(large!.certifiedAccuracy).toBeLessThan(small!.certifiedAccuracy);
  for (const { certifiedAccuracy, abstainedShare, wrongShare } of data.pooled)
    expect(certifiedAccuracy + abstainedShare + wrongShare).toBeCloseTo(1, 12);
  const { code, stdout } = await faultline("certify", path("net"), ...pictures, ...quick, "--sigma", "1,64");
  expect([code, stdout.split("\n").length]).toEqual([0, 5]);
  expect(stdout).toMatch(/^ 1 +0\.67 +0\.\d{4}/m);
});

it("writes a map of labels and one of outcomes, and the pixels abstained are those counted", async () => {
  const out = path("maps");
  const data = await jsonOf<Data>("certify", path("net"), pictures[0]!, ...quick, "--sigma", "16", "-o", out);
  const read = (name: string) =>
    decodeLabels(readFileSync(`${out}/${name}`), { maxPixels: 1e6, maxSide: 1e3 }).data.reduce(
      (seen, label) => seen.set(label, (seen.get(label) ?? 0) + 1),
      new Map<number, number>(),
    );
  const { abstained, pixels } = data.images[0]!.certified[0]!;
  expect([pixels, read("5.sigma-16.labels.png").get(255) ?? 0]).toEqual([96, abstained]);
  expect(read("5.sigma-16.outcome.png").get(2) ?? 0).toBe(abstained);
  expect(existsSync(`${out}/6.sigma-16.labels.png`)).toBe(false);
});

it.each([
  ["--samples", "100", /--samples must be two numbers such as 100\/1000/],
  ["--tau", "1", /--tau must be a number from 0.5 to below 1/],
  ["--sigma", "0", /--sigma must be a number greater than 0/],
  ["--correction", "none", /--correction must be holm or bonferroni/],
])("refuses %s %s", async (flag, value, message) => {
  const { code, stderr } = await faultline("certify", path("net"), pictures[0]!, `${flag}=${value}`);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
