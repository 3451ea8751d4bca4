/** What an attack climbs in place of the model: the same as a measurement with that source. */

import { expect, it } from "vitest";
import type { AttackSpec } from "../../src/contract/attack.ts";
import { measure } from "../../src/evaluation/measure.ts";
import { scoresOf } from "../../src/metrics/counts.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { atScales, ensembleOf } from "../../src/segmenter/ensemble.ts";
import { openNetwork, type Network } from "../../src/segmenter/network.ts";
import type { Manifest } from "../../src/segmenter/manifest.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { failureOf, image, imagePng, serviceOf, spec, tiny } from "./tiny-service.ts";

const other = tinyFile({ activation: "Tanh", seed: 7 }, { name: "other", input: { mean: [0, 0, 0] } });
const three = tinyFile({ classes: 3 }, { name: "three" });
const fixed = tinyFile({}, { name: "fixed", input: { width: 16, height: 12, multipleOf: undefined } });
const service = serviceOf([tiny, other, three, fixed]);
const attack = (changes: Partial<AttackSpec>) =>
  service.attack({ spec: { ...spec, ...changes }, image: imagePng, outputs: [] }, {});

const cache = new SessionCache(startWasm(), 2 ** 30);
const [own, another] = [tiny, other].map(({ manifest, bytes }) => openNetwork(manifest, bytes)) as [Network, Network];

it.each<readonly [string, Partial<AttackSpec>, Network]>([
  ["another network", { sources: ["other"] }, another],
  ["an ensemble", { sources: ["other", "tiny"] }, ensembleOf([another, own])],
  ["the model at other scales", { scales: [0.5, 1] }, atScales(own, [0.5, 1])],
  [
    "an ensemble at other scales",
    { sources: ["other", "tiny"], scales: [0.5], fusion: undefined },
    atScales(ensembleOf([another, own]), [0.5]),
  ],
])("climbs %s, and scores the model", async (_, changes, climbed) => {
  const result = await attack(changes);
  const [segmenter, source] = [own, climbed].map((network) => createSegmenter(network, cache));
  const { row } = await measure({ segmenter: segmenter!, source, image, item: "" }, { ...spec, alpha: 1 });
  const accuracy = (kind: "clean" | "float") => scoresOf(row.counts[kind]).pixelAccuracy;
  expect(result.scores.float.pixelAccuracy).toEqual({ clean: accuracy("clean"), adversarial: accuracy("float") });
  expect(result.scores.float.pixelAccuracy).not.toEqual((await attack({})).scores.float.pixelAccuracy);
  expect(result.receipt.spec).toMatchObject(changes);
  expect(result.receipt.sources?.map(({ model, modelSha256 }) => [model, modelSha256])).toEqual(
    changes.sources?.map((name) => [name, (name === "tiny" ? tiny : other).manifest.sha256]),
  );
});

it("naming the model itself is the attack on it", async () => {
  const [named, plain] = [await attack({ sources: ["tiny"] }), await attack({})];
  expect(named.scores).toEqual(plain.scores);
  expect(named.evaluations).toEqual(plain.evaluations);
});

it.each<readonly [Partial<AttackSpec>, string, RegExp]>([
  [{ sources: ["three"] }, "/spec/sources", /classes of the model; three has 3 classes, and tiny 4/],
  [{ sources: ["other", "three"] }, "/spec/sources", /do not go together: three has 3 classes, and other 4/],
  [
    { sources: ["fixed"], scales: [0.5, 1] },
    "/spec/scales",
    /^are 0.5, 1, and fixed has one size alone, .* "dynamic" size/,
  ],
  [{ scales: [1, 1] }, "/spec/scales", /one is there twice/],
  [{ scales: [0.5], fusion: "mean" }, "/spec/fusion", /only with several scales/],
])("refuses %o at %s", async (changes, pointer, detail) => {
  expect(await failureOf(attack(changes))).toMatchObject({
    kind: "invalid-spec",
    errors: [{ pointer, detail: expect.stringMatching(detail) }],
  });
});

it("climbs by weights of the model's classes, which the receipt lists, and refuses others", async () => {
  const sea = { attack: "sea", steps: 3 } as const;
  const result = await attack({ ...sea, classWeights: [1, 0, 0, 2] });
  expect(result.receipt.spec).toMatchObject({ ...sea, classWeights: [1, 0, 0, 2] });
  const losses = (await attack(sea)).steps.map(({ loss }) => loss);
  expect(result.steps.map(({ loss }) => loss)).not.toEqual(losses);
  expect(await failureOf(attack({ ...sea, classWeights: [1, 2] }))).toMatchObject({
    kind: "invalid-spec",
    errors: [{ pointer: "/spec/classWeights", detail: expect.stringMatching(/the model's 4 classes.*; there are 2/) }],
  });
});

it("an ensemble that is held open is not opened again, as many networks as it has", async () => {
  const files = [tiny, other, tinyFile({ seed: 3 }, { name: "third" })];
  let reads = 0;
  const store = {
    manifests: files.map(({ manifest }) => manifest),
    read: (manifest: Manifest) => {
      reads += 1;
      return Promise.resolve(files.find((file) => file.manifest === manifest)!.bytes);
    },
  };
  const counting = serviceOf(files, { store });
  const asked = { ...spec, steps: 1, sources: ["other", "third"] };
  const counts: number[] = [];
  for (let k = 0; k < 2; k++) {
    await counting.attack({ spec: asked, image: imagePng, outputs: [] }, {});
    counts.push(reads);
  }
  // The model alone is read again: three are held.
  expect(counts).toEqual([3, 4]);
});

it("counts each network and each scale as work", async () => {
  const small = serviceOf([tiny, other], { maxWork: 12 * 16 * 4 * 5 });
  const asked = { ...spec, sources: ["other", "tiny"], scales: [0.5, 1, 2] };
  const failure = await failureOf(small.attack({ spec: asked, image: imagePng, outputs: [] }, {}));
  expect(failure).toMatchObject({ kind: "work-exceeded", steps: 4 * 2 * 3 });
  expect(await failureOf(attack({ sources: ["nowhere"] }))).toMatchObject({ kind: "unknown-model", model: "nowhere" });
});
