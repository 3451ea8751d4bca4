/** Commands on pictures of which the network reads one pixel in nine: they say so once. */

import { mkdirSync } from "node:fs";
import { expect, it } from "vitest";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const input = { height: 8, width: 12, multipleOf: 1 };
const { bytes, manifest } = tinyFile({ activation: "Tanh" }, { name: "small", input });
for (const folder of ["net", "pictures", "truth"]) mkdirSync(path(folder));
put("net/model.onnx", bytes);
put("net/manifest.json", JSON.stringify(manifest));
const palette = manifest.classes.map(({ color }) => color);
for (const name of ["a", "b"]) {
  put(`pictures/${name}.png`, encodePng(noiseImage(24, 36, name.length)));
  put(`truth/${name}.png`, encodeLabels(noiseLabels(24, 36, 4, 2), palette));
}
const note =
  "is resized from 36×24 to 12×8 (width×height) before small, which reads 11.1 % of its pixels; the others have no influence";

it.each([
  ["attack", ["--attack", "fgsm", "--epsilon", "8", "--out", path("out")], `${path("pictures", "a.png")}: ${note}`],
  ["audit", ["--steps", "5"], `${path("pictures", "a.png")}: ${note}`],
  ["certify", ["--samples", "5/100"], `${path("pictures", "a.png")}: ${note}`],
  ["certify", ["--method", "interval", "--epsilon", "0.1"], `${path("pictures", "a.png")}: ${note}`],
  ["universal", ["--epsilon", "8", "--epochs", "1", "-o", path("delta.npy")], `each picture ${note}`],
])("%s", async (command, flags, told) => {
  const { code, stderr, stdout } = await faultline(command, path("net"), path("pictures"), ...flags);
  expect(code).toBe(0);
  expect(stderr.split("\n").filter((line) => line.startsWith("warning"))).toEqual([`warning: ${told}`]);
  expect(stdout).not.toContain("gradient-zero");
});

it("evaluate", async () => {
  const flags = ["--data", path("pictures"), "--labels", path("truth"), "--attacks", "fgsm", "--epsilon", "8"];
  const { code, stderr } = await faultline("evaluate", path("net"), ...flags, "--dry-run");
  expect(code).toBe(0);
  expect(stderr).toContain(`warning: the largest picture ${note}`);
});
