/** `certify`: what it prints is what the certificates of its pictures say, pooled. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { decodeLabels } from "../../src/image/labels.ts";
import { encodePng } from "../../src/image/encode.ts";
import { run } from "../../src/cli/main.ts";
import type { CertifiedScores } from "../../src/certify/scores.ts";
import { readCertificate } from "../../src/report/certificate-row.ts";
import type { ReportData } from "../../src/report/report.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { rowOf } from "../support/rows.ts";
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

it("continues from its state after each Ctrl-C, without drawing again, with the same certificates", async () => {
  const argv = (out: string) => ["certify", path("net"), ...pictures, ...quick, "--sigma", "1,64", "-o", path(out)];
  let steps = 0;
  const ended = async (out: string, ...more: readonly string[]): Promise<number> =>
    run([...argv(out), ...more], {
      stdout: () => {},
      stderr: (text) => {
        if (!text.includes(": step ")) return;
        steps += 1;
        // In the selection of the first certificate, in its test, and in the second picture.
        if (more.length > 0 && [3, 12, 120].includes(steps)) process.emit("SIGINT");
      },
      isTerminal: true,
    });
  expect(await ended("whole.jsonl")).toBe(0);
  const whole = steps;
  steps = 0;
  const kept = ["--state", path("certify.state")];
  for (let i = 0; i < 3; i++) expect(await ended("parts.jsonl", ...kept)).toBe(130);
  expect(existsSync(path("parts.jsonl"))).toBe(false);
  expect(await ended("parts.jsonl", ...kept)).toBe(0);
  expect(steps).toBe(whole);
  expect(readFileSync(path("parts.jsonl"), "utf8")).toBe(readFileSync(path("whole.jsonl"), "utf8"));
  const other = await faultline(...argv("other.jsonl"), ...kept, "--seed", "1");
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("is of a run with another network")]);
  const none = await faultline(...argv("other.jsonl"), "--state", pictures[0]!);
  expect(none.stderr).toContain("would replace");
});

it("writes certificates that a report sets beside the rows of attacks", async () => {
  const file = path("certificates.jsonl");
  const { code } = await faultline("certify", path("net"), ...pictures, ...quick, "--sigma", "1", "-o", file);
  const lines = readFileSync(file, "utf8").trim().split("\n");
  expect([code, lines.length]).toEqual([0, 2]);
  const rows = lines.map((line) => {
    const { network, picture, counts, reference } = readCertificate(line);
    const clean = { truePositive: counts.reference, reference: counts.reference, predicted: counts.reference };
    const row = rowOf({
      item: picture.sha256,
      attack: { attack: "pgd", epsilon: 5, norm: "l2" },
      counts: { clean, float: counts, uint8: counts },
    });
    return JSON.stringify({ ...row, reference, unit: { ...row.unit, networkSha256: network.sha256 } });
  });
  const html = path("report.html");
  const report = await jsonOf<ReportData>(
    "report",
    put("rows.jsonl", rows.join("\n")),
    "--certificates",
    file,
    "-o",
    html,
  );
  const [axis] = report.certified;
  expect([axis!.images, axis!.attacks.map(({ radius }) => radius)]).toEqual([2, [0, 5]]);
  expect(readFileSync(html, "utf8")).toMatch(/id="certified"[\s\S]*<svg [\s\S]*nobody knows/);
  const bad = await faultline("report", path("rows.jsonl"), "--certificates", path("rows.jsonl"));
  expect(bad.stderr).toContain("rows.jsonl: line 1: the line is no certificate of schema 1");
});

it("falls back to groups of classes, with the labels of SegCertify among its own", async () => {
  const names = manifest.classes.map(({ name }) => name);
  const groups = { groups: [{ name: "group", of: names.slice(0, 2) }] };
  const argv = ["certify", path("net"), ...pictures, ...quick, "--sigma", "24"];
  const tree = [
    "--hierarchy",
    put("groups.json", JSON.stringify(groups)),
    "-o",
    path("tree.jsonl"),
    "-o",
    path("tree"),
  ];
  const { pooled } = await jsonOf<{ pooled: readonly CertifiedScores[] }>(...argv, ...tree);
  const { hierarchical, certifiedAccuracy } = pooled[0]!;
  const [classes, coarse] = hierarchical!.levels;
  expect(classes!.certifiedAccuracy).toBeCloseTo(certifiedAccuracy!, 12);
  expect(coarse!.certifiedAccuracy).toBeGreaterThan(0);
  const gain = classes!.certifiedAccuracy! + coarse!.certifiedAccuracy! * (1 - Math.log(2) / Math.log(names.length));
  expect(hierarchical!.informationGain).toBeCloseTo(gain, 12);
  const [row] = readFileSync(path("tree.jsonl"), "utf8").split("\n");
  expect(readCertificate(row!)).toMatchObject({
    smoothing: { hierarchy: [{ name: "group", of: [0, 1] }] },
    vertices: { right: expect.any(Array) },
  });
  const labels = decodeLabels(readFileSync(path("tree/5.sigma-24.labels.png")), { maxPixels: 1e6, maxSide: 1e3 });
  expect(labels.data).toContain(names.length);
  const { stdout } = await faultline(...argv, ...tree.slice(0, 2));
  expect(stdout).toMatch(/certified or coarser[\s\S]*\d \+ \d/);
  const wrong = await faultline(...argv, "--hierarchy", put("bad.json", '{"groups":[{"name":"g","of":["x","y"]}]}'));
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('its member "x" is neither a class')]);
  const none = await faultline(...argv, "--hierarchy", "manifest");
  expect(none.stderr).toContain('has no "hierarchy"; name a file that has groups');
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
