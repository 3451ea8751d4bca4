/** /v1/robustness where an evaluation makes the attacks: the units that it plans, and the answer that its rows make. */

import { describe, expect, it } from "vitest";
import { attackNames, normsOf } from "../../src/attacks/catalogue.ts";
import type { RobustnessResult, RobustnessSetResult, RobustnessSpec } from "../../src/contract/robustness.ts";
import { norms } from "../../src/attacks/norms.ts";
import { planPicture, totalOfAlike } from "../../src/evaluation/picture-plan.ts";
import { parseSpec } from "../../src/evaluation/spec.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { noiseImage } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { tensorOf } from "../../src/tensor.ts";
import { failureOf, grid, image, imagePng, pngOf, serviceOf, tiny, type File } from "./tiny-service.ts";

const service = serviceOf();
const truth = tensorOf(
  "uint8",
  [12, 16],
  Array.from({ length: 12 * 16 }, (_, i) => (i % 16 < 3 ? 255 : i % 4)),
);
const labels = pngOf(truth);

const prepare = (changes: Partial<RobustnessSpec>, { labelled = false, from = service } = {}) =>
  from.prepareRobustness({
    spec: { ...grid, ...changes },
    pictures: [{ image: imagePng, ...(labelled && { labels }) }],
  });

/** The ids of the units that an evaluation of the one image has. */
const plannedUnits = async (
  { evaluation, pictures }: Awaited<ReturnType<typeof prepare>>,
  { manifest }: File = tiny,
) => {
  const spec = parseSpec({ ...evaluation, data: { ...evaluation.data, path: "robustness-0" } });
  const plan = await planPicture(spec, [manifest]);
  const { groups } = totalOfAlike(plan.alike());
  const name = /images\/(.*)\.png$/.exec(pictures[0]!.image)![1]!;
  const ids: string[] = [];
  for (let k = 0; k < groups; k++)
    ids.push(...(await plan.groupAt(k, { batch: 0, item: 0, name })).units.map(({ id }) => id));
  return ids;
};

describe("what is asked of an evaluation", () => {
  it.each(norms)("has the units of the request, for every attack in %s", async (norm) => {
    const attacks = attackNames.filter((attack) => normsOf(attack).includes(norm));
    const prepared = await prepare({ attacks, norm, epsilons: [2, 16], alpha: undefined });
    expect(await plannedUnits(prepared)).toEqual(prepared.pictures[0]!.units);
    expect(prepared.pictures[0]!.units).toHaveLength(1 + 2 * attacks.length);
  });

  const jpeg = [{ name: "jpeg", quality: 75 }] as const;
  const jitter = [{ name: "resize" }, { name: "noise" }] as const;
  const crf = {
    iterations: 2,
    gaussian: { weight: 3, theta: 3 },
    bilateral: { weight: 5, thetaAlpha: 16, thetaBeta: 3 },
    attacked: true,
  };
  it.each<[string, Partial<RobustnessSpec>, boolean]>([
    ["a step size of its own", { alpha: 0.5, seed: 3 }, false],
    ["options of an attack", { attacks: [{ attack: "pgd", steps: 3, restarts: 2 }, "fgsm"], seed: 9 }, false],
    ["pixels out of range", { pixelRange: "none" }, false],
    ["label maps", {}, true],
    ["the ground truth as the labels to leave", { label: "ground-truth" }, true],
    ["a transformation", { transform: jpeg }, false],
    ["random transformations", { transform: jitter, through: "bpda", draws: 2, seed: 5 }, false],
    ["a CRF", { crf }, false],
    ["a CRF behind a transformation", { crf: { ...crf, attacked: false }, transform: jpeg, seed: 1 }, true],
  ])("has the units of a request with %s", async (_, changes, labelled) => {
    const prepared = await prepare(changes, { labelled });
    expect(await plannedUnits(prepared)).toEqual(prepared.pictures[0]!.units);
  });

  it("has the units of a model with transformations of its own, and of one without them", async () => {
    const own = tinyFile({ activation: "Tanh" }, { transform: [...jpeg] });
    for (const changes of [{}, { transform: "none" }, { through: "naive", seed: 2 }] as const) {
      const prepared = await prepare(changes, { from: serviceOf([own]) });
      expect(await plannedUnits(prepared, own)).toEqual(prepared.pictures[0]!.units);
    }
  });

  it("is refused as the request would be", async () => {
    const small = pngOf(tensorOf("uint8", [1, 1], [0]));
    const pictures = [{ image: imagePng, labels: small }];
    expect(await failureOf(service.prepareRobustness({ spec: grid, pictures }))).toMatchObject({
      kind: "labels-size-mismatch",
      part: "labels",
    });
    const twice = [{ image: imagePng }, { image: imagePng }];
    expect(await failureOf(service.prepareRobustness({ spec: grid, pictures: twice }))).toMatchObject({
      errors: [{ pointer: "/image/1" }],
    });
    const none = pngOf(
      tensorOf(
        "uint8",
        [12, 16],
        Array.from({ length: 12 * 16 }, () => 255),
      ),
    );
    const unscorable = [{ image: imagePng, labels: none }];
    expect(await failureOf(service.prepareRobustness({ spec: grid, pictures: unscorable }))).toMatchObject({
      errors: [{ pointer: "/labels" }],
    });
    const many = Array.from({ length: 64 }, (_each, i) => ({ image: encodePng(noiseImage(12, 16, i)) }));
    const fine = { ...grid, epsilons: Array.from({ length: 160 }, (_each, i) => i + 1) };
    expect(await failureOf(service.prepareRobustness({ spec: fine, pictures: many }))).toMatchObject({
      errors: [{ pointer: "/spec/epsilons" }],
    });
  });
});

const linesOf = (result: RobustnessResult | RobustnessSetResult): Uint8Array => {
  const rows = ("images" in result ? result.images : [result]).flatMap(({ rows: own }) => own);
  // In any order: an evaluation has its own.
  return new TextEncoder().encode(
    rows
      .toReversed()
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(""),
  );
};

/** Without what is told otherwise: numbers of signs, times, and why a backend was chosen. */
const comparable = (result: RobustnessResult): object => {
  const { timings: _, ...rest } = result;
  const kinds = (signs: readonly { readonly kind: string }[]) => signs.map(({ kind }) => kind);
  const curve = result.curve.map((point) => ({ ...point, signs: kinds(point.signs) }));
  return { ...rest, rows: [], curve, signs: kinds(result.signs), receipt: { ...result.receipt, backendWhy: "" } };
};

describe("the answer of the rows", () => {
  const spec: RobustnessSpec = {
    ...grid,
    attacks: ["fgsm", { attack: "pgd", steps: 6 }, { attack: "square", steps: 20 }],
    alpha: undefined,
  };

  it.each([false, true])("is that of the request, with labels: %s", async (labelled) => {
    const picture = { image: imagePng, ...(labelled && { labels }) };
    const result = await service.robustness({ spec, ...picture }, {});
    const prepared = await service.prepareRobustness({ spec, pictures: [picture] });
    const told = JSON.parse(JSON.stringify(prepared)) as typeof prepared;
    const later = await service.concludeRobustness({ prepared: told, rows: linesOf(result), milliseconds: 1234 });
    expect(comparable(later as RobustnessResult)).toEqual(comparable(result));
    expect(later.timings).toEqual({ total: 1234 });
  });

  it("is that of several images", async () => {
    const pictures = [1, 2, 3].map((seed) => ({ image: encodePng(noiseImage(12, 16, seed)) }));
    const { images, timings: _, ...pooled } = await service.robustnessOfSet({ spec, pictures }, {});
    const rows = linesOf({ images } as RobustnessSetResult);
    const prepared = await service.prepareRobustness({ spec, pictures });
    const later = (await service.concludeRobustness({ prepared, rows, milliseconds: 3 })) as RobustnessSetResult;
    expect(later.images.map(comparable)).toEqual(images.map(comparable));
    expect(later).toMatchObject({ ...pooled, timings: { total: 3 } });
  });

  it("is not made of rows that are not all there", async () => {
    const prepared = await prepare({});
    const result = await service.robustness({ spec: grid, image: imagePng }, {});
    const rows = linesOf({ ...result, rows: result.rows.slice(1) });
    expect(await failureOf(service.concludeRobustness({ prepared, rows, milliseconds: 1 }))).toMatchObject({
      kind: "evaluation-state",
      reason: expect.stringContaining("of other units") as string,
    });
  });

  it("reads label maps of a mask as the request says", async () => {
    const two = tinyFile({ activation: "Tanh", classes: 2 });
    const mask = encodeLabels(
      tensorOf(
        "uint8",
        [12, 16],
        Array.from({ length: 12 * 16 }, (_, i) => (i % 2) * 255),
      ),
      two.manifest.classes.map((c) => c.color),
    );
    const pictures = [{ image: imagePng, labels: mask }];
    const from = serviceOf([two]);
    const prepared = await from.prepareRobustness({ spec: { ...grid, label255: "foreground" }, pictures });
    expect(prepared.evaluation.data).toMatchObject({ dataset: "folders", remap: { 255: 1 } });
    expect(image.shape).toEqual([3, 12, 16]);
  });
});
