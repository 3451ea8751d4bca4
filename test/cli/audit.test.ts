/** `audit`: its verdict is that of the evaluation, over all pictures. */

import { mkdirSync } from "node:fs";
import { expect, it } from "vitest";
import type { Audit } from "../../src/evaluation/audit.ts";
import { encodePng } from "../../src/image/encode.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
mkdirSync(path("net"));
const { bytes, manifest } = tinyFile({ activation: "Tanh", head: (op, z) => op.Mul(z, op.constant(1e5)) });
put("net/model.onnx", bytes);
put("net/manifest.json", JSON.stringify(manifest));
const pictures = [5, 6].map((seed) => put(`${seed}.png`, encodePng(noiseImage(8, 12, seed))));

it("finds a masked gradient, and prints verdict, reasons and a table", async () => {
  const data = await jsonOf<Audit>("audit", path("net"), ...pictures, "--steps", "5");
  expect(data.verdict).toBe("not-believable");
  expect(data.signs.map(({ kind }) => kind)).toContain("gradient-zero");
  expect(data.quotients).toHaveLength(2);
  const { code, stdout } = await faultline("audit", path("net"), ...pictures, "--steps", "5");
  expect([code, stdout.split("\n")[0]]).toEqual([0, "tiny: not-believable"]);
  expect(stdout).toMatch(/^- gradient-zero: .* exactly zero/m);
  // Of two pictures, five steps and the evaluation by which APGD judges its last one.
  expect(stdout).toMatch(/^unbounded +apgd at ε = 255 +[\d.]+ +\d+ \+ 12$/m);
});

it.each([
  ["--steps", "4", /--steps must be a whole number from 5/],
  ["--epsilon", "-1", /--epsilon/],
])("refuses %s %s", async (flag, value, message) => {
  const { code, stderr } = await faultline("audit", path("net"), pictures[0]!, `${flag}=${value}`);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
