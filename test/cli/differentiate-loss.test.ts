/** `differentiate --loss cross-entropy`, executed by onnxruntime: against its definition, the service and PyTorch. */

import { awayFrom } from "../support/aims.ts";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { decodeLabels } from "../../src/image/labels.ts";
import { readModel } from "../../src/onnx/read.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { dimensionsOf, numbersOf, type Tensor, tensorOf } from "../../src/tensor.ts";
import { logSumExp } from "../segmenter/by-hand.ts";
import { readNpy } from "../segmenter/npy.ts";
import { interpret } from "../support/interpreter.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyManifest } from "../support/networks/tiny.ts";
import { hasReference, referenceNote, referencePath } from "../support/reference.ts";
import { runWasm } from "../support/wasm.ts";
import { distance, gaussian, slopeError, workshop } from "./workshop.ts";

const { differentiated, smooth } = workshop();

/** −mean ln softmax(z)[y] over the pixels whose label is a class, of logits [N,C,H,W]: by its definition. */
const meanCrossEntropy = (logits: Tensor, labels: ArrayLike<number>): number => {
  const [, classes, height, width] = dimensionsOf(logits, 4);
  const [z, plane] = [numbersOf(logits), height * width];
  const losses = Array.from(labels).flatMap((y, i) => {
    const first = Math.floor(i / plane) * classes * plane + (i % plane);
    const own = Array.from({ length: classes }, (_, c) => z[first + c * plane]!);
    return y >= 0 && y < classes ? [logSumExp(own) - own[y]!] : [];
  });
  return losses.reduce((sum, v) => sum + v, 0) / Math.max(losses.length, 1);
};

/** ‖v‖₂ */
const norm = (v: Iterable<number>): number => {
  let sum = 0;
  for (const x of v) sum += x * x;
  return Math.sqrt(sum);
};

describe("cross-entropy", () => {
  const size = ["--size", "12x16"] as const;
  const labels = noiseLabels(12, 16, 4, 3, true);
  const target = tensorOf("int32", [1, 12, 16], labels.data);
  const x = gaussian([1, 3, 12, 16], 5);

  it("gives the network's output, the mean loss without void, and its derivative", async () => {
    const model = await differentiated(smooth, ...size);
    expect(model.graph.inputs.map((v) => [v.name, v.dtype, v.shape])).toEqual([
      ["input", "float32", [1, 3, 12, 16]],
      ["labels", "int32", [1, 12, 16]],
    ]);
    expect(model.graph.outputs.map((v) => [v.name, v.dtype, v.shape])).toEqual([
      ["output", "float32", [1, 4, 12, 16]],
      ["loss", "float32", []],
      ["input_grad", "float32", [1, 3, 12, 16]],
    ]);
    const { graph } = readModel(readFileSync(smooth));
    const forward = (values: readonly number[]) =>
      interpret(graph, { input: tensorOf("float64", x.shape, values) })["output"]!;
    const f = (values: readonly number[]) => meanCrossEntropy(forward(values), labels.data);
    const { output, loss, input_grad } = await runWasm(model, { input: x, labels: target });
    const centre = numbersOf(x);
    expect(labels.data.some((v) => v === 255)).toBe(true);
    expect(distance(numbersOf(output!), numbersOf(forward(centre)))).toBeLessThan(1e-5);
    expect(Math.abs(numbersOf(loss!)[0]! / f(centre) - 1)).toBeLessThan(1e-5);
    expect(slopeError(f, centre, numbersOf(input_grad!))).toBeLessThan(1e-5);
  });

  it("takes any value that is no class for void, and is 0 where nothing else is", async () => {
    const model = await differentiated(smooth, ...size);
    const odd = tensorOf(
      "int32",
      [1, 12, 16],
      Array.from(labels.data, (v, i) => (v === 255 ? [4, -1, 1000][i % 3]! : v)),
    );
    const [ours, theirs] = [
      await runWasm(model, { input: x, labels: target }),
      await runWasm(model, { input: x, labels: odd }),
    ];
    expect(theirs).toEqual(ours);
    const none = await runWasm(model, { input: x, labels: tensorOf("int32", [1, 12, 16], Array(192).fill(255)) });
    expect(numbersOf(none["loss"]!)).toEqual([0]);
    expect(numbersOf(none["input_grad"]!).every((v) => v === 0)).toBe(true);
  });

  it("is that of a whole batch", async () => {
    const model = await differentiated(smooth, ...size, "--dim", "batch=2");
    const both = gaussian([2, 3, 12, 16], 6);
    const targets = tensorOf("int32", [2, 12, 16], [...labels.data, ...noiseLabels(12, 16, 4, 9, true).data]);
    const { graph } = readModel(readFileSync(smooth));
    const f = (values: readonly number[]) =>
      meanCrossEntropy(
        interpret(graph, { input: tensorOf("float64", both.shape, values) })["output"]!,
        numbersOf(targets),
      );
    const { loss, input_grad } = await runWasm(model, { input: both, labels: targets });
    expect(Math.abs(numbersOf(loss!)[0]! / f(numbersOf(both)) - 1)).toBeLessThan(1e-5);
    expect(slopeError(f, numbersOf(both), numbersOf(input_grad!))).toBeLessThan(1e-5);
  });

  const plain = { mean: [0, 0, 0], std: [1, 1, 1] };
  const shipped = fileURLToPath(new URL("../../models/enet-street/", import.meta.url));
  const networks = [
    ["the tiny network", smooth, tinyManifest({ input: plain })],
    [
      "enet-street, on integers",
      `${shipped}model.onnx`,
      parseManifest({ ...JSON.parse(readFileSync(`${shipped}manifest.json`, "utf8")) }),
    ],
  ] as const;

  it.each(networks)("is what the service climbs, pixel for pixel: %s", async (_, file, manifest) => {
    const [height, width] = [32, 40];
    const network = openNetwork(manifest, readFileSync(file));
    const image = noiseImage(height, width, 4);
    const given = noiseLabels(height, width, 4, 8, true);
    const { mean, std, scale, name } = manifest.input;
    const prepared = image.data.map((v, i) => {
      const c = Math.floor(i / (height * width));
      return (scale * v - mean[c]!) / std[c]!;
    });
    const model = await differentiated(file, "--size", `${height}x${width}`);
    const outputs = await runWasm(model, {
      [name]: tensorOf("float32", [1, 3, height, width], prepared),
      labels: tensorOf("int32", [1, height, width], given.data),
    });
    const segmenter = createSegmenter(network, new SessionCache(startWasm(), 2 ** 30));
    const { gradient, loss } = await segmenter.objective(awayFrom(given))(image);
    expect(Math.abs(numbersOf(outputs["loss"]!)[0]! / loss - 1)).toBeLessThan(1e-4);
    // ∂/∂pixel = ∂/∂input · scale/std; theirs is of the sum over the pixels.
    const pixels = given.data.filter((v) => v !== 255).length;
    const theirs = numbersOf(gradient);
    const ours = numbersOf(outputs[`${name}_grad`]!).map(
      (g, i) => (g * pixels * scale) / std[Math.floor(i / (height * width))]!,
    );
    const error = norm(ours.map((v, i) => v - theirs[i]!)) / norm(theirs);
    expect(error).toBeLessThan(1e-3);
  });
});

describe.skipIf(!hasReference)(`a trained network${referenceNote}`, () => {
  it("has PyTorch's gradient", async () => {
    const [maxPixels, id] = [2 ** 24, "0001TP_008550"];
    const picture = (kind: string) => readFileSync(referencePath("images", "camvid_480x360", kind, `${id}.png`));
    const image = await decodeImage(picture("images"), { maxPixels });
    const labels = decodeLabels(picture("labels"), { maxPixels });
    const model = await differentiated(referencePath("models", "enet_camvid.onnx"));
    const outputs = await runWasm(model, {
      input: tensorOf(
        "float32",
        [1, 3, 360, 480],
        image.data.map((v) => v / 255),
      ),
      labels: tensorOf("int32", [1, 360, 480], labels.data),
    });
    const theirs = readNpy(readFileSync(referencePath("gradients", "enet_camvid", `${id}.grad_gt.npy`))).data;
    // Theirs is by the pixel, 0 … 255.
    const errors = numbersOf(outputs["input_grad"]!).map((g, i) => g / 255 - theirs[i]!);
    expect(norm(errors) / norm(Array.from(theirs))).toBeLessThan(1e-3);
  });
});
