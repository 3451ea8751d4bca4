/** `certify --method interval|linear`: what it prints, its maps, and its rows on the axis of a report. */

import { mkdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { decodeLabels, encodeLabels } from "../../src/image/labels.ts";
import { readCertificate } from "../../src/report/certificate-row.ts";
import type { ReportData } from "../../src/report/report.ts";
import { tensor } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { rowOf } from "../support/rows.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
mkdirSync(path("net"));
const { bytes, manifest } = tinyFile();
put("net/model.onnx", bytes);
put("net/manifest.json", JSON.stringify(manifest));
const pictures = [5, 6].map((seed) => put(`${seed}.png`, encodePng(noiseImage(8, 12, seed))));

interface Line {
  readonly epsilon: number;
  readonly certifiedAccuracy: number;
  readonly abstainedShare: number;
  readonly pixels: number;
}

interface Data {
  readonly pooled: readonly Line[];
  readonly images: readonly { readonly largest?: number }[];
}

it("certifies less at larger ε, more by linear bounds, and says the largest ε of each picture", async () => {
  const argv = (method: string) => ["certify", path("net"), ...pictures, "--method", method, "--epsilon", "0.05,0.5,5"];
  const interval = (await jsonOf<Data>(...argv("interval"))).pooled;
  const linear = (await jsonOf<Data>(...argv("linear"), "--pixels", "96")).pooled;
  const shares = (lines: readonly Line[]) => lines.map(({ certifiedAccuracy }) => certifiedAccuracy);
  expect(shares(interval)).toEqual(shares(interval).toSorted((a, b) => b - a));
  expect(shares(linear)[0]).toBeGreaterThan(shares(interval)[0]!);
  expect([...linear, ...interval].map(({ pixels }) => pixels)).toEqual(Array(6).fill(192));
  const { code, stdout } = await faultline(...argv("interval").slice(0, -2), "--largest");
  expect(code).toBe(0);
  expect(stdout.match(/largest ε at which any pixel is certified: [\d.]+ grey levels/g)).toHaveLength(2);
});

it("writes maps in which pixels that were not asked for are void", async () => {
  const out = path("maps");
  const argv = ["--method", "linear", "--pixels", "20", "--epsilon", "0.05", "-o", out];
  const data = await jsonOf<Data>("certify", path("net"), pictures[0]!, ...argv);
  const outcome = decodeLabels(readFileSync(`${out}/5.epsilon-0.05.outcome.png`), {
    maxPixels: 1e6,
    maxSide: 1e3,
  }).data;
  expect(outcome.filter((value) => value !== 255)).toHaveLength(20);
  const [{ certifiedAccuracy, pixels }] = data.pooled as [Line];
  expect([pixels, outcome.filter((value) => value === 0).length / 20]).toEqual([20, certifiedAccuracy]);
});

it("draws its sample from the pixels that have a label", async () => {
  const data = new Uint8Array(8 * 12).fill(255).fill(0, 40, 45);
  const labels = put(
    "sparse.png",
    encodeLabels(
      tensor("uint8", [8, 12], data),
      manifest.classes.map(({ color }) => color),
    ),
  );
  const argv = ["--method", "linear", "--pixels", "8", "--epsilon", "0.05", "--labels", labels];
  const { pooled } = await jsonOf<Data>("certify", path("net"), pictures[0]!, ...argv);
  expect(pooled).toMatchObject([{ pixels: 5, certifiedAccuracy: expect.any(Number) as unknown }]);
});

it("writes certificates that a report sets beside L∞ attacks", async () => {
  const file = path("bounds.jsonl");
  const argv = ["certify", path("net"), ...pictures, "--method", "interval", "--epsilon", "0.05,0.2", "-o", file];
  expect((await faultline(...argv)).code).toBe(0);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  expect(lines).toHaveLength(4);
  const attacks = lines.map((line) => {
    const { network, picture, counts, reference, radius } = readCertificate(line);
    const clean = { truePositive: counts.reference, reference: counts.reference, predicted: counts.reference };
    const attack = { attack: "pgd", epsilon: 20 * radius };
    const row = rowOf({ item: picture.sha256, attack, counts: { clean, float: counts, uint8: counts } });
    return JSON.stringify({ ...row, reference, unit: { ...row.unit, networkSha256: network.sha256 } });
  });
  const rows = put("rows.jsonl", attacks.join("\n"));
  const html = path("report.html");
  const report = await jsonOf<ReportData>("report", rows, "--certificates", file, "-o", html);
  const [axis] = report.certified;
  expect([axis!.norm, axis!.images, axis!.attacks.map(({ radius }) => radius)]).toEqual(["linf", 2, [0, 1, 4]]);
  expect(axis!.certificates.map(({ radius, bound }) => [radius, bound])).toEqual(
    [0.05, 0.2].map((radius) => [radius, { method: "interval", pixels: null }]),
  );
  expect(readFileSync(html, "utf8")).toMatch(/L∞ radius[\s\S]*interval bounds/);
});

it.each([
  [["--method", "none"], /--method must be smoothing, interval or linear, not "none"/],
  [["--method", "linear"], /--method linear needs --epsilon E,… or --largest/],
  [["--method", "interval", "--epsilon", "1", "--hierarchy", "manifest"], /--hierarchy goes with --method smoothing/],
  [["--epsilon", "1"], /--epsilon goes with --method interval or linear; smoothing takes --sigma/],
  [["--rounding", "bounded"], /--rounding goes with --method interval or linear; smoothing/],
  [["--pixels", "16"], /--pixels goes with --method interval or linear; smoothing/],
  [["--method", "interval", "--epsilon", "1", "--pixels", "16"], /--pixels goes with --method linear; intervals/],
  [
    ["--method", "linear", "--epsilon", "1", "--sigma", "8"],
    /--sigma goes with --method smoothing; linear takes --eps/,
  ],
  [["--method", "interval", "--largest", "--correction", "holm"], /--correction goes with --method smoothing/],
  [["--method", "linear", "--epsilon", "-1"], /--epsilon|argument is ambiguous/],
  [["--method", "interval", "--epsilon", "1", "--rounding", "none"], /--rounding must be bounded or ignored/],
  [
    ["--method", "interval", "--epsilon", "1", "--rounding", "ignored", "-o", "x.jsonl"],
    /only with --rounding bounded/,
  ],
  [["--method", "interval", "--epsilon", "1", "--state", "s"], /--state goes with --method smoothing/],
])("refuses %j", async (flags, message) => {
  const { code, stderr } = await faultline("certify", path("net"), pictures[0]!, ...flags);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
