/** `report --pictures`: units are run again, and shown only where they give the counts of their rows. */

import { mkdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Row } from "../../src/evaluation/row.ts";
import { decodeImage } from "../../src/image/decode.ts";
import { encodePng } from "../../src/image/encode.ts";
import { decodeLabels, encodeLabels } from "../../src/image/labels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const { bytes, manifest } = tinyFile({ activation: "Tanh" }, { name: "one" });
for (const folder of ["one", "data", "data/images", "data/labels"]) mkdirSync(path(folder));
put("one/model.onnx", bytes);
put("one/manifest.json", JSON.stringify(manifest));
for (const [i, name] of ["a", "b", "c"].entries()) {
  put(`data/images/${name}.png`, encodePng(noiseImage(12, 16, i)));
  put(`data/labels/${name}.png`, encodeLabels(noiseLabels(12, 16, 4, i, true), []));
}
const rowsFile = path("rows.jsonl");
const attacks = ["--attacks", "fgsm,ifgsm", "--epsilon", "2,8", "--transform", "blur"] as const;
const where = ["--data", path("data"), "--workers", "1", "-o", rowsFile] as const;
const evaluated = await faultline("evaluate", path("one"), ...attacks, ...where);
const report = () => faultline("report", rowsFile, "--pictures", "2", "-o", path("report.html"));

describe("the pictures of a report", () => {
  it("are those of the most effective attack on each network, as its rows have counted them", async () => {
    expect(evaluated.code).toBe(0);
    expect(await report()).toMatchObject({ code: 0 });
    const html = readFileSync(path("report.html"), "utf8");
    expect(html.match(/<h3>/g)).toHaveLength(2);
    const [, attack, epsilon, item] = /<h3>one, (\w+) at ε = (\d), on (\w):/.exec(html)!;
    const rows = readFileSync(rowsFile, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
    const row = rows.find(({ unit }) => {
      const own = unit.attack as { readonly attack: string; readonly epsilon: number } | null;
      return own?.attack === attack && own?.epsilon === Number(epsilon) && unit.item === item && !unit.around;
    })!;
    const pictures = Array.from(html.matchAll(/data:image\/png;base64,([\w+/=]+)/g), ([, text]) =>
      Buffer.from(text!, "base64"),
    );
    expect(pictures).toHaveLength(14);
    const limits = { maxPixels: 1e6 };
    const clean = await decodeImage(readFileSync(path(`data/images/${item}.png`)), limits);
    expect(await decodeImage(pictures[0]!, limits)).toEqual(clean);
    const adversarial = await decodeImage(pictures[1]!, limits);
    const moved = Math.max(...adversarial.data.map((v, i) => Math.abs(v - clean.data[i]!)));
    expect(moved).toBeCloseTo(Number(epsilon), 0);
    const [truth, after] = [pictures[3]!, pictures[5]!].map((png) => decodeLabels(png, limits));
    const wrong = truth!.data.filter((label, i) => label !== 255 && label !== after!.data[i]).length;
    const { truePositive, reference } = row.counts.float;
    const sum = (values: readonly number[]) => values.reduce((all, n) => all + n, 0);
    expect(wrong).toBe(sum(reference) - sum(truePositive));
    const errors = await decodeImage(pictures[6]!, limits);
    const orange = Array.from({ length: 192 }, (_, i) => errors.data[i] === 213 && errors.data[192 + i] === 94);
    expect(orange.filter(Boolean)).toHaveLength(wrong);
  });

  it("are refused where a unit gives other counts than its row", async () => {
    for (const [i, name] of ["a", "b", "c"].entries())
      put(`data/images/${name}.png`, encodePng(noiseImage(12, 16, 7 + i)));
    const { code, stderr } = await report();
    expect([code, stderr]).toEqual([1, expect.stringContaining("gives other counts than its row")]);
  });

  it("go into a page", async () => {
    const { code, stderr } = await faultline("report", rowsFile, "--pictures", "2", "-o", path("report.md"));
    expect([code, stderr]).toEqual([2, expect.stringContaining("name it with -o FILE.html")]);
  });
});
