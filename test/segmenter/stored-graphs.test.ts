/** A stored graph runs in place of a compiled one, and only where it is the graph that would be compiled. */

import { describe, expect, it } from "vitest";
import { withHoles } from "../../scripts/graphs/holes.ts";
import { graphsFile } from "../../scripts/graphs/make.ts";
import { withStored } from "../../src/networks/stored.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { writeModel } from "../../src/onnx/write.ts";
import type { Runtime } from "../../src/runtime/session.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { filled, scaledBy } from "../../src/segmenter/holes.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensor, tensorOf, type Size } from "../../src/tensor.ts";
import { toLeastLikely } from "../support/aims.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const wasm = startWasm();
const size: Size = { height: 16, width: 24 };
const network = tinyNetwork();
/** The same with another preprocessing. */
const halved = tinyNetwork({}, { input: { scale: 0.5 } });
const file = graphsFile(network, size, wasm).then((buffer) => new Uint8Array(buffer));

/** Says of each session whether its model was stored. */
const watched = (runtime: Runtime = wasm) => {
  const stored: boolean[] = [];
  const createSession: Runtime["createSession"] = (model, options) => {
    stored.push(options?.optimised === true);
    return runtime.createSession(model, options);
  };
  return { runtime: { ...runtime, createSession }, stored };
};

const imageOf = ({ height, width }: Size) =>
  tensor(
    "float32",
    [3, height, width],
    Float32Array.from({ length: 3 * height * width }, (_, i) => (37 * i) % 256),
  );

/** A prediction and a gradient, and which of their sessions were stored. */
const run = async (
  of: Network,
  { at = size, budget = 2 ** 30, runtime = wasm }: { at?: Size; budget?: number; runtime?: Runtime } = {},
) => {
  const { runtime: counted, stored } = watched(runtime);
  const segmenter = createSegmenter(of, new SessionCache(counted, budget));
  const image = imageOf(at);
  const { labels, confidence } = await segmenter.predict(image);
  const { gradient, loss } = await segmenter.objective(toLeastLikely)(image);
  return { stored, results: { labels, confidence, gradient, loss } };
};

describe("a network with stored graphs", () => {
  it("gives the bytes of one without them", async () => {
    const [plain, ready] = [await run(network), await run(await withStored(network, await file))];
    expect([plain.stored, ready.stored]).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(ready.results).toEqual(plain.results);
  });

  it.each<[string, () => Promise<Network>, Parameters<typeof run>[1]]>([
    ["at another size", async () => withStored(network, await file), { at: { height: 24, width: 16 } }],
    [
      "in another onnxruntime",
      async () => withStored(network, await file),
      { runtime: { ...wasm, version: "onnxruntime-web 9.9.9" } },
    ],
    ["on another backend", async () => withStored(network, await file), { runtime: { ...wasm, backend: "native" } }],
    ["of another manifest", async () => withStored(halved, await file), {}],
    [
      "where a network is made of the one that has them",
      async () => ({ ...(await withStored(network, await file)), manifest: halved.manifest }),
      {},
    ],
    ["where the file is cut off", async () => withStored(network, (await file).slice(0, 40)), {}],
    ["where there is no file", () => withStored(network, null), {}],
  ])("compiles %s", async (_, of, options) => {
    expect((await run(await of(), options)).stored).toEqual([false, false]);
  });

  it("compiles where the content is not what its digest says", async () => {
    const other = tinyNetwork({ seed: 2 });
    // The manifest and the head are of this network, the weights in the holes of another.
    const wrong = {
      ...network,
      model: other.model,
      stored: (await withStored({ ...other, manifest: network.manifest }, await file)).stored,
    };
    const { stored, results } = await run(wrong);
    expect(stored).toEqual([false, false]);
    expect(results).toEqual((await run({ ...other, manifest: network.manifest })).results);
  });

  it("compiles behind transformations and at several scales", async () => {
    const ready = await withStored(network, await file);
    const { runtime, stored } = watched();
    const segmenter = createSegmenter(ready, new SessionCache(runtime, 2 ** 30));
    const transform = [{ name: "bit-depth", bits: 4 }] as const;
    await segmenter.withTransform({ transform, seed: 0, through: "bpda", draws: 1 }).predict(imageOf(size));
    await segmenter.withScales([0.5, 1]).predict(imageOf(size));
    expect(stored).toEqual([false, false]);
    await segmenter.predict(imageOf(size));
    expect(stored).toEqual([false, false, true]);
  });

  it("compiles a gradient that must be recomputed within the memory there is", async () => {
    const ready = await withStored(network, await file);
    const { footprint } = ready.stored!.graphs[2]!;
    const large = {
      ...ready,
      stored: {
        ...ready.stored!,
        graphs: ready.stored!.graphs.map((graph) =>
          graph.kind === "forward" ? graph : { ...graph, footprint: { ...footprint, runBytes: 2 ** 30 } },
        ),
      },
    };
    expect((await run(large, { budget: 2 ** 26 })).stored).toEqual([true, false]);
  });
});

describe("holes", () => {
  const op = createBuilder("weights");
  const weights = tensorOf(
    "float32",
    [4, 2, 3, 3],
    Array.from({ length: 72 }, (_, i) => Math.sin(i)),
  );
  const codes = tensorOf(
    "int8",
    [4, 2, 3, 3],
    Array.from({ length: 72 }, (_, i) => ((i * 7) % 255) - 127),
  );
  const scales = tensorOf("float32", [4], [0.1, 0.2, 0.3, 0.4]);
  const image = op.input("image", "float32", [1, 2, 8, 8]);
  const quantised = op.append("DequantizeLinear", [op.tensor(codes, "codes"), op.tensor(scales, "scales")], {
    axis: 0,
  });
  const { graph } = op.model({
    a: op.Conv(image, op.tensor(weights, "weights"), {}),
    b: op.Conv(image, quantised[0], {}),
  });

  it("are where the weights are: as they are, dequantised, flipped and scaled", () => {
    const dequantised = Float32Array.from(codes.data as Int8Array, (q, i) =>
      Math.fround(q * scales.data[Math.floor(i / 18)]!),
    );
    const factors = Float32Array.of(3, -0.7, 1e-3, 11);
    // The adjoint of channel c with respect to kernel position (y, x) is output channel m's weight at (2 − y, 2 − x).
    const flip = (w: Float32Array) =>
      Float32Array.from({ length: 72 }, (_, i) => {
        const [c, m, k] = [Math.floor(i / 36), Math.floor(i / 9) % 4, i % 9];
        return w[m * 18 + c * 9 + 8 - k]!;
      });
    const other = createBuilder("made");
    const x = other.input("x", "float32", [1]);
    const all: Record<string, Float32Array<ArrayBuffer>> = {
      same: weights.data,
      dequantised,
      flipped: flip(weights.data),
      both: flip(dequantised),
      scaled: Float32Array.from(dequantised, (w, i) => Math.fround(factors[Math.floor(i / 18)]! * w)),
      none: Float32Array.from({ length: 72 }, (_, i) => Math.cos(i)),
    };
    const tensors = Object.entries(all).map(([name, data]) =>
      other.tensor(tensor("float32", name === "flipped" || name === "both" ? [2, 4, 3, 3] : [4, 2, 3, 3], data), name),
    );
    const bytes = writeModel(other.model(Object.fromEntries(tensors.map((t, i) => [`y${i}`, other.Mul(t, x)]))));
    const { holes, skeleton } = withHoles(bytes, graph);
    expect(holes.map(({ weight, scaled }) => ({ ...weight, ...(scaled && { scaled }) }))).toEqual([
      { name: "weights" },
      { name: codesName(), dequantized: true },
      { name: "weights", flipped: 1 },
      { name: codesName(), dequantized: true, flipped: 1 },
      { name: codesName(), dequantized: true, scaled: true },
    ]);
    expect(skeleton).not.toEqual(bytes);
    expect(filled(skeleton.slice(), holes, graph)).toEqual(bytes);
    expect(filled(skeleton.slice(), [{ at: 0, weight: { name: "others" } }], graph)).toBeNull();
    expect(filled(skeleton.slice(), [{ at: bytes.length - 8, weight: { name: "weights" } }], graph)).toBeNull();
  });

  const codesName = () => graph.nodes.find((node) => node.op === "DequantizeLinear")!.inputs[0]!;

  it("scale each part along the first axis in float32", () => {
    const scaled = scaledBy(Float32Array.of(0.1, 3), tensorOf("float32", [2, 2], [0.1, 1, 0.3, 2]));
    expect([...scaled]).toEqual([Math.fround(0.1) * Math.fround(0.1), 0.1, 3 * Math.fround(0.3), 6].map(Math.fround));
  });
});
