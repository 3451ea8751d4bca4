/** `attack`: what stands around a network, and regions, as `measure` has them. */

import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AttackReport } from "../../src/cli/attack-report.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { boxRegion } from "../../src/evaluation/shapes.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { tensor } from "../../src/tensor.ts";
import { faultline, jsonOf } from "./terminal.ts";
import { attackFolder, csvLines, flags, plan } from "./attack-folder.ts";

const { path, put, tiny, images, segmenter, one } = attackFolder();

describe("what stands around a network", () => {
  const base = ["attack", path("net"), one, ...flags, "-o", path("out-around")] as const;
  const rowOf = async (...argv: string[]) => (await jsonOf<AttackReport>(...base, ...argv)).images[0]!.row;

  it("is transformations, attacked through their gradient in expectation over draws, from the attack's seed", async () => {
    const row = await rowOf("--transform", "blur:sigma=1+noise:sigma=3..9", "--draws", "2", "--seed", "7");
    const transform = [
      { name: "blur", sigma: 1 },
      { name: "noise", sigma: [3, 9] },
    ] as const;
    const defended = segmenter.withTransform({ transform, through: "differentiable", draws: 2, seed: 7 });
    const item = row.unit.item;
    const expected = await measure({ segmenter: defended, image: images.one, item }, { ...plan, seed: 7 });
    expect({ ...row, receipt: null }).toEqual({ ...expected.row, receipt: null });
    expect(row.evaluations.backward).toBe(6);
  });

  it("is predicted anew in trials where it is random, pooled over the pictures", async () => {
    const argv = [path("net"), path("pictures"), ...flags, "--labels", path("truth"), "-o", path("out-trials")];
    const random = [...argv, "--transform", "noise:sigma=30", "--trials", "3", "--seed", "2"];
    const { pooled, images: all } = await jsonOf<AttackReport>("attack", ...random);
    const { trials, iouRatio } = pooled.trials!.uint8;
    expect(trials.map(({ seed }) => seed)).toEqual([2, 3, 4]);
    // The first trial has the seed of the scores, and their draws.
    expect(trials[0]!.iouRatio).toBe(pooled.uint8.iouRatio);
    expect(all[1]!.trials![0]!.counts).toEqual(all[1]!.row.counts);
    expect(iouRatio!.twoDeviations).toBeGreaterThan(0);
    const { stdout } = await faultline("attack", ...random);
    expect(stdout).toContain(`IoU ratio ${iouRatio!.mean.toFixed(4)} ± ${iouRatio!.twoDeviations!.toFixed(4)}`);
    const lines = await csvLines(...random);
    const mean = Number(lines.at(-1)!["trials_iou_ratio_mean"]);
    expect([lines.length, mean]).toEqual([6, iouRatio!.mean]);
    // Of each picture: that of the clean one and those of three steps and their end, and two in each of three trials.
    expect(pooled.evaluations.forward).toBe(2 * (5 + 3 * 2));
    expect(Number(lines[0]!["trials_iou_ratio_two_deviations"])).toBeGreaterThan(0);
  });

  it("is a CRF, whose gradient may be left out, in place of the manifest's own", async () => {
    const crf = {
      iterations: 2,
      gaussian: { weight: 1, theta: 3 },
      bilateral: { weight: 1, thetaAlpha: 9, thetaBeta: 9 },
    };
    const row = await rowOf("--crf", JSON.stringify({ ...crf, attacked: false }));
    const refined = segmenter.withCrf({ parameters: crf, attacked: false });
    const expected = await measure({ segmenter: refined, image: images.one, item: row.unit.item }, plan);
    expect(row.id).toBe(expected.row.id);
    expect(row.counts).toEqual(expected.row.counts);
    const [usual, unary] = [await rowOf("--crf", "{}"), await rowOf("--crf", '{"attacked":false}')];
    expect([usual.id, unary.id]).toEqual([
      (await rowOf("--crf", "crf-rnn")).id,
      (await rowOf("--crf", "crf-rnn:unary")).id,
    ]);
  });

  it("is the manifest's own where the flags say nothing, and nothing where they say none", async () => {
    mkdirSync(path("own"));
    put("own/model.onnx", tiny.bytes);
    put("own/manifest.json", JSON.stringify({ ...tiny.manifest, transform: [{ name: "blur", sigma: 1.5 }] }));
    const own = async (...argv: string[]) =>
      (await jsonOf<AttackReport>("attack", path("own"), one, ...flags, "-o", path("out-own"), ...argv)).images[0]!.row;
    const [naive, named, none] = [
      await own("--through", "naive"),
      await rowOf("--transform", "blur:sigma=1.5", "--through", "naive"),
      await own("--transform", "none"),
    ];
    expect(naive.counts).toEqual(named.counts);
    expect(naive.unit.around).toEqual({ through: "naive" });
    expect(none.counts).toEqual((await rowOf()).counts);
    expect(none.counts).not.toEqual(naive.counts);
  });
});

describe("a region", async () => {
  const { labels } = await segmenter.predict(images.one);
  const present = labels.data[0]!;
  const nameOf = (index: number) => tiny.manifest.classes[index]!.name;
  const argv = [path("net"), one, ...flags, "-o", path("out-region")] as const;
  const swapped = (region: Uint8Array, to: number) =>
    tensor(
      "uint8",
      labels.shape,
      labels.data.map((label, i) => (region[i] ? to : label)),
    );
  put(
    "mask.png",
    encodeLabels(
      tensor(
        "uint8",
        labels.shape,
        labels.data.map((label) => (label === present ? 255 : 0)),
      ),
      [],
    ),
  );

  it.each([
    ["classes", nameOf(present), labels.data.map((label) => Number(label === present))],
    ["a mask", `mask:${path("mask.png")}`, labels.data.map((label) => Number(label === present))],
    ["a box", "box:2,3,5,4", boxRegion({ height: 12, width: 16 }, [2, 3, 5, 4]).data],
    ["a polygon", "polygon:2,3;7,3;7,7;2,7", boxRegion({ height: 12, width: 16 }, [2, 3, 5, 4]).data],
  ])("of %s is swapped for a class", async (_, what, region) => {
    const to = (present + 1) % 4;
    const { images: all } = await jsonOf<AttackReport>("attack", ...argv, "--swap", `${what}:${nameOf(to)}`);
    const { row } = await measure({ segmenter, image: images.one, item: "" }, { ...plan, target: swapped(region, to) });
    expect(all[0]!.row.counts).toEqual(row.counts);
    expect(all[0]!.region!.pixels).toBe(region.filter(Boolean).length);
  });

  it("is hidden; a picture that does not have it is left out", async () => {
    const hide = ["--hide", nameOf(present)] as const;
    const { code, stdout } = await faultline("attack", ...argv, ...hide);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/one\.png: of \d+ pixels of the region .* elsewhere 0\.\d+ are/),
    ]);
    const { images: all } = await jsonOf<AttackReport>("attack", ...argv, ...hide);
    const { pixels, clean, float, uint8 } = all[0]!.region!;
    expect(
      (await csvLines(...argv, ...hide)).map(({ region_pixels, ...line }) => [
        region_pixels,
        line["region_reached_clean"],
        line["region_reached"],
        line["region_kept"],
      ]),
    ).toEqual([float, uint8].map((own) => [pixels, clean.reached, own.reached, own.kept].map(String)));
    const absent = await faultline("attack", ...argv, "--hide", "box:90,90,2,2");
    expect([absent.code, absent.stderr]).toEqual([1, expect.stringMatching(/left out: .*\n.*no picture is attacked/)]);
  });
});
