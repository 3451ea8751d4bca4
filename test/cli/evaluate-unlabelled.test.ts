/** `evaluate --dataset pictures`: pictures without label maps, whose rows are those of a request on the same picture. */

import { mkdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sha256Of } from "../../src/digest.ts";
import { bytesOf, encodePng } from "../../src/image/encode.ts";
import { encodeNpy } from "../../src/image/npy.ts";
import { sum } from "../../src/metrics/counts.ts";
import { version } from "../../src/node/package.ts";
import { tensorOf } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { grid, serviceOf } from "../service/tiny-service.ts";
import { evaluate, evaluateFolder } from "./evaluate-folder.ts";
import { faultline } from "./terminal.ts";

const { path, put, files, one, two, rowsOf } = evaluateFolder();
const pictures = [1, 2].map((seed) => encodePng(noiseImage(12, 16, seed)));
const digests = await Promise.all(pictures.map((bytes) => sha256Of(bytes)));
mkdirSync(path("alone/images"), { recursive: true });
for (const [i, bytes] of pictures.entries()) put(`alone/images/${digests[i]}.png`, bytes);

const from = ["--data", path("alone"), "--dataset", "pictures", "--workers", "1"] as const;
const attacks = ["--attacks", "fgsm,ifgsm-ii,pgd", "--epsilon", "2,16", "--seed", "7"] as const;
const evaluated = await evaluate(one, ...from, ...attacks, "-o", path("rows.jsonl"), "--report", path("report.md"));

describe("an evaluation of pictures without label maps", () => {
  it("has the rows of POST /v1/robustness on each, as the item of that is the digest of the file", async () => {
    expect(evaluated).toMatchObject({ code: 0 });
    const service = serviceOf([files[0]], { version });
    const spec = { ...grid, model: "one", attacks: ["fgsm", "ifgsm-ii", "pgd"], epsilons: [2, 16], seed: 7 } as const;
    const expected = await Promise.all(pictures.map((image) => service.robustness({ spec, image }, {})));
    const rows = rowsOf("rows.jsonl");
    expect(rows.map(({ unit }) => unit.item)).toEqual(digests.toSorted().flatMap((item) => Array(7).fill(item)));
    const byId = new Map(rows.map((row) => [row.id, row]));
    const requested = expected.flatMap((result) => result.rows);
    // The clean picture has the seed of the evaluation in neither: both count the same units.
    expect([...byId.keys()].toSorted()).toEqual(requested.map(({ id }) => id).toSorted());
    for (const { id, unit, counts, reference, receipt } of requested)
      expect(byId.get(id)).toMatchObject({ unit, counts, reference, receipt });
    expect(rows.every((row) => row.reference === "prediction" && row.small === undefined)).toBe(true);
    expect(rows.every(({ counts: { clean } }) => sum(clean.truePositive) === sum(clean.reference))).toBe(true);
  });

  it("says that the clean predictions are the reference, in its table and in reports", async () => {
    expect(evaluated.stdout).toContain(
      "compare with each network's own clean prediction, whose mIoU is 1 by definition",
    );
    expect(evaluated.stdout).toContain(", of 2 pictures without label maps\n");
    expect((await faultline("report", path("rows.jsonl"), "-o", path("report.html"))).code).toBe(0);
    for (const file of ["report.md", "report.html"]) {
      const report = readFileSync(path(file), "utf8");
      const told = report.match(/The scores compare with the network(?:'|&#39;)s own clean prediction instead/g);
      expect(told).toHaveLength(2);
      expect(report).toContain("Data: pictures without label maps (pictures), 2 pictures");
      expect(report).not.toContain("of its clean mIoU");
    }
  });

  it("shows pictures without a ground truth, and which labels have changed", async () => {
    const argv = ["report", path("rows.jsonl"), "--pictures", "1", "-o", path("shown.html")];
    expect(await faultline(...argv)).toMatchObject({ code: 0 });
    const shown = readFileSync(path("shown.html"), "utf8");
    expect(shown).toMatch(/<h3>one, [^<]*: \d+\.\d % of the pixels have the label of before<\/h3>/);
    expect(shown.match(/<img/g)).toHaveLength(6);
    expect(shown).toContain("<p>changed labels</p>");
    expect(shown).not.toContain("ground truth</p>");
  });

  it("may hide a region, approach a class, and be transferred", async () => {
    const aimed = ["--attacks", "ifgsm:steps=2,pgd:target=1:steps=2", "--epsilon", "4", "--hide", "box:2,2,6,6"];
    const flags = [...from, ...aimed, "--transfer-from", one];
    const targeted = await evaluate(one, two, ...flags, "-o", path("targeted.jsonl"));
    expect(targeted).toMatchObject({ code: 0 });
    expect(rowsOf("targeted.jsonl")).toHaveLength(2 * (2 * (1 + 2) + 2));
  });
});

describe("what takes label maps", () => {
  it.each([
    [
      ["--label", "ground-truth"],
      "label: ground-truth goes with label maps, and the pictures of the layout pictures have none",
    ],
    [["--remap", "0:255"], "data, remap: goes with label maps"],
    [["--palette", "network"], "data, palette: goes with label maps"],
    [["--labels", path("data/labels")], "data, labels: goes with label maps"],
    [["--attacks", "pgd:label=ground-truth"], "attacks, no. 1, label: ground-truth goes with label maps"],
  ])("is refused: %j", async (argv, told) => {
    const { code, stderr } = await evaluate(one, ...from, ...argv, "-o", path("no.jsonl"));
    expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
  });
});

it("arrays are pictures of as many channels as the network takes, and others are refused", async () => {
  const planes = (count: number) => encodeNpy(bytesOf(tensorOf("float32", [count, 12, 16], noise(count * 192))));
  const noise = (count: number) => Array.from({ length: count }, (_, i) => 20 + ((i * 7919) % 200));
  const channels = Array.from({ length: 5 }, (_, i) => `band ${i}`);
  const input = { channels, mean: channels.map(() => 128), std: channels.map(() => 64), scale: 1 };
  const five = tinyFile({ channels: 5 }, { name: "five", input });
  for (const folder of ["five", "bands"]) mkdirSync(path(folder));
  put("five/model.onnx", five.bytes);
  put("five/manifest.json", JSON.stringify(five.manifest));
  put("bands/a.npy", planes(5));
  const argv = ["--data", path("bands"), "--dataset", "pictures", "--attacks", "ifgsm", "--epsilon", "4"];
  expect(await evaluate(path("five"), ...argv, "-o", path("five.jsonl"))).toMatchObject({ code: 0 });
  const service = serviceOf([five], { version });
  const spec = { ...grid, model: "five", attacks: ["ifgsm"], epsilons: [4] } as const;
  const { rows } = await service.robustness({ spec, image: planes(5) }, {});
  expect(rowsOf("five.jsonl").map(({ counts }) => counts)).toEqual(rows.map(({ counts }) => counts));
  const { code, stderr } = await evaluate(one, ...argv, "-o", path("no.jsonl"));
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("a.npy: a picture of 5 channels, where the network takes 3"),
  ]);
});

it("pictures are not taken alone unless that is said, which the refusal says", async () => {
  const { code, stderr } = await evaluate(one, "--data", path("alone"), "-o", path("no.jsonl"));
  expect(code).toBe(1);
  expect(stderr).toContain("--dataset pictures (data.dataset of a specification) takes pictures without label maps.");
  const file = path(`alone/images/${digests[0]}.png`);
  const refused = await evaluate(one, "--data", file, "--dataset", "pictures", "-o", path("no.jsonl"));
  expect(refused.stderr).toContain("--dataset pictures goes with a folder of pictures, and this is a file");
});
