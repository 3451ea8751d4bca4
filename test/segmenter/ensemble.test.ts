/** Several networks as one, and a network at other scales, against closed forms and against the manifest that says the same. */

import { expect, it } from "vitest";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { atScales, ensembleOf } from "../../src/segmenter/ensemble.ts";
import type { Network } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tensorOf } from "../../src/tensor.ts";
import { awayFrom } from "../support/aims.ts";
import { greyLevels } from "../support/networks/grey-levels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

const cache = new SessionCache(startWasm(), 2 ** 30);
const evaluated = (network: Network, image = noiseImage(8, 12), labels = noiseLabels(8, 12, 3)) =>
  createSegmenter(network, cache).objective(awayFrom(labels))(image);

it("the logits of an ensemble are the mean: its loss and its gradient have a closed form", async () => {
  const networks = [greyLevels({ name: "a", std: 40 }), greyLevels({ name: "b", std: 8 })] as const;
  // One pixel, of class 1: z = (v/40 + v/8)/2, and ∂(−ln softmax(z)_1)/∂v = (1/40 + 1/8)/2 · (p − onehot).
  const [pixel, slope] = [[30, 20, 25], (1 / 40 + 1 / 8) / 2];
  const powers = pixel.map((v) => Math.exp(slope * v));
  const p = powers.map((power) => power / powers.reduce((sum, v) => sum + v, 0));
  const image = tensorOf("float32", [3, 1, 1], pixel);
  const { loss, gradient, labels } = await evaluated(ensembleOf(networks), image, tensorOf("uint8", [1, 1], [1]));
  expect(loss).toBeCloseTo(-Math.log(p[1]!), 5);
  for (const [k, g] of [...gradient.data].entries()) expect(g).toBeCloseTo(slope * (p[k]! - Number(k === 1)), 6);
  expect([...labels.data]).toEqual([0]);
});

it("of networks with the same weights it is each of them, with the classes alone where one has further outputs", async () => {
  const [tiny, other] = [tinyNetwork({ classes: 3 }), tinyNetwork({ classes: 3 }, { name: "other" })];
  const alone = await evaluated(tiny);
  const both = await evaluated(ensembleOf([tiny, other]));
  expect(both.labels).toEqual(alone.labels);
  expect(both.loss).toBeCloseTo(alone.loss, 5);
  for (const [i, g] of [...both.gradient.data].entries()) expect(g).toBeCloseTo(alone.gradient.data[i]!, 4);
  const wider = tinyNetwork({ classes: 3, outputs: 5, seed: 4 }, { name: "wider" });
  expect(Math.max(...(await evaluated(ensembleOf([tiny, wider]))).labels.data)).toBeLessThan(3);
  expect(ensembleOf([tiny])).toBe(tiny);
});

it("networks that do not go together are refused, with the difference", () => {
  const tiny = tinyNetwork();
  const named = tinyNetwork({}, { name: "named" });
  const [first, ...others] = named.manifest.classes;
  const renamed = { ...named, manifest: { ...named.manifest, classes: [{ ...first!, name: "road" }, ...others] } };
  const withOther = (other: Network) => () => ensembleOf([tiny, other]);
  expect(withOther(tinyNetwork({ classes: 3 }, { name: "three" }))).toThrow(/three has 3 classes, and tiny 4/);
  expect(withOther(renamed)).toThrow(/class 0 is "road" for named, and "class 0" for tiny/);
  expect(withOther(tinyNetwork({}))).toThrow(/tiny is in the ensemble twice/);
  const grey = tinyNetwork({ channels: 1 }, { name: "grey", input: { channels: "GRAY", mean: [0], std: [1] } });
  expect(withOther(grey)).toThrow(/grey takes pictures of 1 channels, and tiny of 3/);
});

it.each([undefined, "mean"] as const)(
  "at other scales, fused by %s, a network is what its manifest would make it",
  async (fusion) => {
    const scales = [0.5, 1];
    const written = tinyNetwork({ classes: 3 }, { scales, ...(fusion && { fusion }) });
    const asked = atScales(tinyNetwork({ classes: 3 }), scales, fusion);
    expect(await evaluated(asked)).toEqual(await evaluated(written));
    expect(asked.manifest).toMatchObject({ name: fusion ? "tiny@0.5,1 mean" : "tiny@0.5,1", network: "tiny" });
    // Of an ensemble, each network is.
    const pair = [tinyNetwork({ classes: 3 }), tinyNetwork({ classes: 3, seed: 9 }, { name: "other" })] as const;
    const [a, b] = pair.map((network) => atScales(network, scales, fusion)) as [Network, Network];
    expect(await evaluated(atScales(ensembleOf(pair), scales, fusion))).toEqual(await evaluated(ensembleOf([a, b])));
  },
);
