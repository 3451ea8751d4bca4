/** `around`: what stands around every network of an evaluation, whose rows are those of a request with the same fields. */

import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { crfRnn } from "../../src/crf/parameters.ts";
import { sha256Of } from "../../src/digest.ts";
import { parseSpec, type GivenSpec } from "../../src/evaluation/spec.ts";
import { encodePng } from "../../src/image/encode.ts";
import { version } from "../../src/node/package.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { grid, serviceOf } from "../service/tiny-service.ts";
import { evaluate, evaluateFolder } from "./evaluate-folder.ts";

const { path, put, files, one, two, rowsOf } = evaluateFolder();
const [bare] = files;
const transform = [{ name: "noise" as const, sigma: 3 }];
const { attacked: _, ...crf } = { ...crfRnn, attacked: true };
const own = tinyFile({ activation: "Tanh" }, { name: "own", transform, crf });
mkdirSync(path("own"));
put("own/model.onnx", own.bytes);
put("own/manifest.json", JSON.stringify(own.manifest));
const image = encodePng(noiseImage(12, 16, 4));
const item = await sha256Of(image);
mkdirSync(path("alone"));
put(`alone/${item}.png`, image);

type Around = GivenSpec["around"];
const jpeg = [{ name: "jpeg" as const, quality: 75 }];
const varied = [
  { name: "jpeg" as const, quality: [50, 90] as [number, number] },
  { name: "noise" as const, sigma: 2 },
];
const attacks = { attacks: ["fgsm", "ifgsm-ii"], epsilon: [2, 8], seed: 7 } as const;

const specOf = (name: string, more: Omit<GivenSpec, "networks">): GivenSpec => ({
  networks: [path(name)],
  data: { path: path("alone"), dataset: "pictures" },
  attacks: ["fgsm", "ifgsm-ii"],
  epsilon: [2, 8],
  seed: 7,
  ...more,
});

/** The rows of a specification. */
const evaluated = async (spec: GivenSpec) => {
  const argv = [put("spec.json", JSON.stringify(spec)), "--workers", "1", "-o", path("rows.jsonl")];
  put("rows.jsonl", "");
  expect(await evaluate(...argv)).toMatchObject({ code: 0 });
  return rowsOf("rows.jsonl");
};

/** Those of POST /v1/robustness, without what is known of the clean picture from one to the next. */
const requested = async (file: typeof own, around: Around) => {
  const service = serviceOf([file], { version });
  const fields = parseSpec({ networks: ["a"], around }).around ?? {};
  const spec = { ...grid, model: file.manifest.name, attacks: attacks.attacks, epsilons: attacks.epsilon, seed: 7 };
  const { rows } = await service.robustness({ spec: { ...spec, ...fields }, image }, {});
  return rows.map(({ evaluations: { backward }, ...row }) => ({ ...row, evaluations: { backward } }));
};

describe("what stands around every network", () => {
  it.each<readonly [string, Around]>([
    ["one", { transform: jpeg }],
    ["one", { transform: varied, through: "bpda", draws: 3 }],
    ["one", { transform: varied, through: "naive" }],
    ["one", { transform: jpeg, crf: { attacked: false } }],
    ["own", undefined],
    ["own", {}],
    ["own", { transform: "none" }],
    ["own", { transform: "none", crf: "none" }],
    ["own", { through: "bpda", draws: 2 }],
    ["own", { transform: jpeg, draws: 4 }],
  ])("of %s is as in POST /v1/robustness: %j", async (name, around) => {
    const rows = await evaluated(specOf(name, { ...(around && { around }) }));
    const expected = await requested(name === "own" ? own : bare, around);
    expect(rows.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    expect(rows).toMatchObject(expected);
  });

  it("is there by flags too, and then the network alone is not evaluated", async () => {
    const flags = [
      "--attacks",
      "fgsm,ifgsm-ii",
      "--epsilon",
      "2,8",
      "--seed",
      "7",
      "--around-transform",
      "jpeg:quality=75",
    ];
    const argv = [one, "--data", path("alone"), "--dataset", "pictures", ...flags, "--around-crf", "crf-rnn:unary"];
    expect(await evaluate(...argv, "-o", path("flags.jsonl"))).toMatchObject({ code: 0 });
    const rows = await evaluated(specOf("one", { around: { transform: jpeg, crf: { ...crfRnn, attacked: false } } }));
    expect(rowsOf("flags.jsonl")).toEqual(rows);
    expect(rows).toHaveLength(5);
    expect(rows.every(({ unit }) => unit.around !== undefined)).toBe(true);
  });

  it("stands around variants that have none of their own, and around sources of transfer", async () => {
    const around = { transform: jpeg, crf: "none" } as const;
    const variants = { transform: [{ transform: [{ name: "blur" as const }] }], crf: [{}], transferFrom: [two] };
    const rows = await evaluated(specOf("own", { around, ...variants, attacks: ["fgsm"], epsilon: 4 }));
    const stands = rows.map(({ unit: { around: at, source, sourceAround } }) => [
      at?.transform?.map((each) => (each as { readonly name: string }).name).join("+"),
      at?.crf === null ? "none" : at?.crf === undefined ? "own" : "other",
      source === undefined ? null : sourceAround,
    ]);
    const scored = [
      ["jpeg", "none"],
      ["blur", "none"],
      ["jpeg", "own"],
    ] as const;
    expect(stands).toEqual([
      ...scored.flatMap(([before, after]) => [
        [before, after, null],
        [before, after, null],
      ]),
      ...scored.map(([before, after]) => [before, after, { transform: jpeg }]),
    ]);
  });

  it.each<readonly [string, Around, string]>([
    ["one", { through: "bpda" }, "around: through and draws go with transformations, of which one has none"],
    ["one", { transform: "none", draws: 2 }, "around, draws: must be absent, as there is no transformation"],
  ])("of %s is refused: %j", async (name, around, told) => {
    const argv = [put("refused.json", JSON.stringify(specOf(name, { around }))), "-o", path("no.jsonl")];
    const { code, stderr } = await evaluate(...argv);
    expect([code, stderr]).toEqual([1, expect.stringContaining(told)]);
  });

  it("of pictures of other channels than 1 or 3 is refused", async () => {
    const channels = Array.from({ length: 5 }, (_each, i) => `band ${i}`);
    const input = { channels, mean: channels.map(() => 128), std: channels.map(() => 64), scale: 1 };
    const five = tinyFile({ channels: 5 }, { name: "five", input });
    mkdirSync(path("five"));
    put("five/model.onnx", five.bytes);
    put("five/manifest.json", JSON.stringify(five.manifest));
    for (const [around, told] of [
      [["--around-transform", "blur"], "transform: goes with pictures of 1 or 3 channels, and those of five have 5"],
      [["--around-crf", "{}"], "crf: goes with pictures of 1 or 3 channels, and those of five have 5"],
      [["--around-crf", "none", "--transform", "blur"], "transform: goes with pictures"],
    ] as const) {
      const { code, stderr } = await evaluate(path("five"), ...around, "-o", path("no.jsonl"));
      expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
    }
  });
});
