/** `universal` and `attack --delta`: a perturbation from a data set to its effect on pictures, and on again where it was stopped. */

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCheckpoint, writeCheckpoint } from "../../src/attacks/checkpoint.ts";
import type { AttackReport } from "../../src/cli/attack-report.ts";
import { run } from "../../src/cli/main.ts";
import { craftUniversal } from "../../src/evaluation/universal.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { resizeBilinear } from "../../src/image/resize.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { encodeNpy, readDelta } from "../../src/image/npy.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensorOf } from "../../src/tensor.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, jsonOf, temporaryFolder } from "./terminal.ts";

const { path, put } = temporaryFolder();
const tiny = tinyFile({ activation: "Tanh" });
for (const folder of ["net", "data", "data/images", "data/labels", "mixed", "mixed/images", "mixed/labels"])
  mkdirSync(path(folder));
put("net/model.onnx", tiny.bytes);
put("net/manifest.json", JSON.stringify(tiny.manifest));
const palette = tiny.manifest.classes.map(({ color }) => color);
const images = [1, 2, 3].map((seed) => noiseImage(12, 16, seed));
for (const [k, image] of images.entries()) {
  put(`data/images/${k}.png`, encodePng(image));
  put(`data/labels/${k}.png`, encodeLabels(noiseLabels(12, 16, 4, k), palette));
}
for (const [k, side] of [12, 16].entries()) {
  put(`mixed/images/${k}.png`, encodePng(noiseImage(side, 16, k)));
  put(`mixed/labels/${k}.png`, encodeLabels(noiseLabels(side, 16, 4, k), palette));
}
const segmenter = createSegmenter(openNetwork(tiny.manifest, tiny.bytes), new SessionCache(startWasm(), 2 ** 30));
const net = path("net");
const data = ["--data", path("data"), "--dataset", "folders"];
const flags = ["--epsilon", "8", "--alpha", "2", "--epochs", "3", "--batch", "2"];
const delta = path("delta.npy");
const picture = path("data", "images", "0.png");

describe("a perturbation of the pictures of a folder", async () => {
  const report = await jsonOf<Record<string, unknown>>("universal", net, ...data, ...flags, "-o", delta);
  const settings = { epsilon: 8, alpha: 2, epochs: 3, batch: 2, seed: 0 };
  const expected = await craftUniversal(
    segmenter,
    [3, 12, 16],
    { count: 3, read: (k) => Promise.resolve({ image: images[k]! }) },
    settings,
  );

  it("is what the library makes of them, and says what it was made of", () => {
    expect(readDelta(readFileSync(delta))).toEqual(expected);
    expect(report).toMatchObject({ network: "tiny", pictures: 3, shape: [3, 12, 16], ...settings, linf: 8 });
    expect(existsSync(`${delta}.checkpoint`)).toBe(false);
  });

  it("is the same of the pictures alone: a folder that is no data set, or files", async () => {
    const alone = path("alone.npy");
    const named = images.map((_, k) => path("data", "images", `${k}.png`));
    for (const pictures of [["--data", path("data", "images")], named]) {
      const { code, stdout } = await faultline("universal", net, ...pictures, ...flags, "-o", alone);
      expect([code, stdout]).toEqual([0, expect.stringContaining("with 3 pictures of ")]);
      expect(readFileSync(alone)).toEqual(readFileSync(delta));
    }
  });

  it("is made of pictures of several sizes that are brought to one", async () => {
    const mixed = path("mixed.npy");
    const pictures = [noiseImage(12, 16, 0), noiseImage(16, 16, 1)];
    const { code } = await faultline("universal", net, path("mixed"), "--resize", "14x16", ...flags, "-o", mixed);
    expect(code).toBe(0);
    const read = (k: number) => Promise.resolve({ image: resizeBilinear(pictures[k]!, [14, 16]) });
    const made = await craftUniversal(segmenter, [3, 14, 16], { count: 2, read }, settings);
    expect(readDelta(readFileSync(mixed))).toEqual(made);
  });

  it("is added to a picture by attack --delta, and scored", async () => {
    const out = path("out");
    const { images: attacked } = await jsonOf<AttackReport>("attack", net, picture, "--delta", delta, "-o", out);
    const plan = { attack: "universal", delta: expected, epsilon: 8, pixelRange: "clip", seed: 0 } as const;
    const { row } = await measure({ segmenter, image: images[0]!, item: "" }, plan);
    expect(attacked[0]?.row.counts).toEqual(row.counts);
    expect(attacked[0]?.row.unit.attack).toEqual(row.unit.attack);
    expect(attacked[0]?.row.evaluations).toEqual({ forward: 2, backward: 0 });
  });

  it("goes on where it was stopped, to the same bytes", async () => {
    const again = path("again.npy");
    const argv = ["universal", net, ...data, ...flags, "--epochs", "40", "-o", again];
    let said = "";
    const stderr = (text: string): void => {
      said += text;
      if (text.includes(": step 3/")) process.emit("SIGINT");
    };
    expect(await run(argv, { stdout: () => undefined, stderr, isTerminal: true })).toBe(130);
    expect(said).toMatch(/interrupted after step 3; the same command goes on from there\n$/);
    expect([existsSync(again), existsSync(`${again}.checkpoint`)]).toEqual([false, true]);
    const other = await faultline("universal", net, ...data, ...flags, "--epochs", "41", "-o", again);
    expect(other.stderr).toMatch(
      /again.npy.checkpoint: was left by another run: --epochs was 40, and is 41; give what it was, or delete it, or name/,
    );
    const further = [...flags, "--epochs", "40", "--seed", "5", "--label", "ground-truth"];
    const both = await faultline("universal", net, ...data, ...further, "-o", again);
    expect(both.stderr).toContain("--label was prediction, and is ground-truth; --seed was 0, and is 5;");
    put("torn.npy.checkpoint", "torn");
    const torn = await faultline("universal", net, ...data, ...flags, "-o", path("torn.npy"));
    expect(torn.stderr).toMatch(/torn.npy.checkpoint: is no checkpoint: .*; delete it, or name another file with -o/);
    // As another backend leaves it, and as it was left before it said which.
    const file = `${again}.checkpoint`;
    const left = readCheckpoint(readFileSync(file));
    const state = JSON.parse(left.state as string) as Record<string, unknown>;
    expect(state).toMatchObject({ backend: "wasm" });
    const elsewhere = { ...left, state: JSON.stringify({ ...state, backend: "native" }) };
    put("again.npy.checkpoint", writeCheckpoint(elsewhere));
    const moved = await faultline(...argv);
    expect([moved.code, moved.stderr]).toEqual([1, expect.stringContaining("run: --backend was native, and is wasm;")]);
    put("again.npy.checkpoint", writeCheckpoint({ ...left, state: JSON.stringify({ ...state, backend: undefined }) }));
    const continued = await faultline(...argv);
    expect([continued.code, continued.stderr]).toEqual([0, expect.stringMatching(/continued after step 3/)]);
    const whole = path("whole.npy");
    await faultline("universal", net, ...data, ...flags, "--epochs", "40", "-o", whole);
    expect(readFileSync(again)).toEqual(readFileSync(whole));
  });

  it("is refused before the first picture is attacked where one of them has another size", async () => {
    put("wider.png", encodePng(noiseImage(12, 17, 1)));
    const out = path("out-wider");
    const argv = ["attack", net, picture, path("wider.png"), "--delta", delta, "-o", out];
    const { code, stderr } = await faultline(...argv);
    expect([code, existsSync(out)]).toEqual([1, false]);
    expect(stderr).toMatch(/^faultline: .*wider.png: the perturbation of --delta is 16×12 .* image 17×12/);
  });

  put("small.npy", encodeNpy(tensorOf("float32", [3, 1, 2], [0, 0, 0, 0, 0, 9])));
  put("integers.npy", encodeNpy(tensorOf("int32", [1], [3])));
  it.each<readonly [readonly string[], RegExp]>([
    [
      ["attack", net, picture, "--delta", path("small.npy")],
      /0.png: the perturbation of --delta is 2×1 .* image 16×12/,
    ],
    [["attack", net, picture, "--delta", path("small.npy"), "--epsilon", "8"], /changes a value by 9 grey levels, and/],
    [["attack", net, picture, "--delta", path("integers.npy")], /a perturbation is float32 or float64 .* not int32/],
    [["attack", net, picture, "--delta", delta, "--attack", "pgd"], /--attack is about making an attack, and --delta/],
    [["attack", net, picture, "--delta", delta, "--hide", "0"], /--hide is about making an attack, and --delta/],
    [["universal", net, "--data", path("mixed"), "--dataset", "folders"], /from 16×12 to 16×16 .* has one size/],
    [["universal", net, path("mixed")], /from 16×12 to 16×16 .*--resize HxW/],
    [
      ["universal", net, "--data", path("data", "images"), "--label", "ground-truth"],
      /--dataset pictures .* takes pictures without label maps\. .*--dataset also takes voc/,
    ],
    [["universal", net, picture, "--label", "ground-truth"], /--label ground-truth goes with a data set/],
    [["universal", net, picture, ...data], /--data goes with a data set, and the pictures are named one by one/],
    [
      ["universal", net, ...data, "--label", "ground-truth", "--resize", "9x9"],
      /--resize goes with --label prediction/,
    ],
    [["universal", net, picture, "--resize", "0x9"], /--resize: "0x9" is not HEIGHTxWIDTH/],
    [["universal", net, ...data, "--batch", "0"], /--batch must be a whole number from 1/],
  ])("refuses %j", async (argv, message) => {
    const { code, stdout, stderr } = await faultline(
      ...argv,
      "-o",
      path(argv[0] === "attack" ? "refused" : "refused.npy"),
    );
    expect([code, stdout]).toEqual([expect.any(Number), ""]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
  });
});
