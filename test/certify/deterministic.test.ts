/** Certificates by bounds on networks with their preprocessing: what is certified holds, and where the end of the search is. */

import { expect, it } from "vitest";
import { compileIntervals, compileLinear } from "../../src/certify/bound-graphs.ts";
import { createBounder, type Bounding } from "../../src/certify/deterministic.ts";
import { ABSTAINED } from "../../src/certify/smoothing.ts";
import { openOperand } from "../../src/cli/open-network.ts";
import { random } from "../../src/random.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { createSegmenter, type Image } from "../../src/segmenter/segmenter.ts";
import { tensor } from "../../src/tensor.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyNetwork, type ManifestChanges, type TinyOptions } from "../support/networks/tiny.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";

const cache = new SessionCache(startWasm(), 2 ** 29);
const [height, width] = [8, 12];
const image = noiseImage(height, width, 3);
const bounding: Bounding = { method: "linear", rounding: "bounded", pixels: height * width, seed: 0 };

const certifiedOf = ({ data }: { readonly data: Uint8Array }): number =>
  data.filter((label) => label !== ABSTAINED).length;

const corner = (epsilon: number, seed: number): Image => {
  const next = random(seed);
  return tensor(
    "float32",
    image.shape,
    image.data.map((v) => v + (next() < 0.5 ? -epsilon : epsilon)),
  );
};

it.each<[string, TinyOptions, ManifestChanges]>([
  ["RGB", {}, {}],
  [
    "another output than classes, padded to a multiple of 16",
    { outputs: 5 },
    { input: { fit: "pad", multipleOf: 16 } },
  ],
  ["two scales", {}, { scales: [1, 0.5] }],
  ["BGR in tiles", {}, { input: { channels: "BGR", fit: "tile", width: 8, height: 8, multipleOf: 2 } }],
])("what is certified holds at corners of the ball: %s", async (_, model, changes) => {
  const network = tinyNetwork(model, changes);
  const bounder = createBounder(network, cache);
  const segmenter = createSegmenter(network, cache);
  for (const epsilon of [0.02, 0.5]) {
    const interval = (await bounder.certify(image, epsilon, { ...bounding, method: "interval" })).labels;
    const linear = (await bounder.certify(image, epsilon, bounding)).labels;
    expect(certifiedOf(linear)).toBeGreaterThan(0);
    expect(certifiedOf(linear)).toBeGreaterThanOrEqual(certifiedOf(interval));
    for (let seed = 0; seed < 20; seed++) {
      const { labels } = await segmenter.predict(corner(epsilon, seed));
      const changed = linear.data.filter((label, i) => label !== ABSTAINED && label !== labels.data[i]);
      expect(changed).toHaveLength(0);
    }
  }
});

it.each(["interval", "linear"] as const)("finds the largest ε by %s", async (method) => {
  const bounder = createBounder(tinyNetwork(), cache);
  const spec = { ...bounding, method };
  const largest = await bounder.largest(image, spec);
  expect(certifiedOf((await bounder.certify(image, largest, spec)).labels)).toBeGreaterThan(0);
  expect(certifiedOf((await bounder.certify(image, 1.06 * largest, spec)).labels)).toBe(0);
});

it("asks for the sample alone, the same for the same seed", async () => {
  const bounder = createBounder(tinyNetwork(), cache);
  const examined = async (seed: number) =>
    (await bounder.certify(image, 0.01, { ...bounding, pixels: 10, seed })).examined;
  const first = await examined(1);
  expect([first.length, new Set(first).size]).toEqual([10, 10]);
  expect(await examined(1)).toEqual(first);
  expect(await examined(2)).not.toEqual(first);
});

it("refuses operators by name, with those that it takes, and what is more than a graph", async () => {
  const softmax = createBounder(tinyNetwork({ head: (op, z) => op.Softsign(z) }), cache);
  await expect(softmax.certify(image, 1, bounding)).rejects.toThrow(
    /no bound rule for operator Softsign .*; there are rules for Abs, Add, AveragePool, .*, Unsqueeze$/,
  );
  expect(() => createBounder(tinyNetwork({}, { transform: [{ name: "bit-depth", bits: 4 }] as never }), cache)).toThrow(
    "no bound rule for the transformations before the network",
  );
});

// Between them they have every operator of the float networks that ship.
it.each(["enet-street-float", "pspnet-resnet-float", "icnet-float", "fcn8s-vgg-float"])(
  "has rules for all operators of %s",
  async (name) => {
    const network = await openOperand(name);
    const size = { height: 64, width: 64 };
    expect(compileIntervals(network, size).channels).toBe(11);
    expect(compileLinear(network, size, 10).footprint.staticBytes).toBeGreaterThan(0);
  },
  60_000,
);

it("refuses an int8 network by its operator", async () => {
  const network = await openOperand("enet-street");
  expect(() => compileIntervals(network, { height: 64, width: 64 })).toThrow(
    "no bound rule for operator QuantizeLinear",
  );
});
