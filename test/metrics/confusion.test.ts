import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  confusionMatrix,
  emptyConfusion,
  mergeConfusions,
  scores,
  type Confusion,
} from "../../src/metrics/confusion.ts";
import { iouRatio, type Scores } from "../../src/metrics/counts.ts";
import { tensorOf, type Tensor } from "../../src/tensor.ts";

const classes = 4;
const labels = (values: readonly number[]): Tensor<"uint8"> => tensorOf("uint8", [1, values.length], values);

const maps = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 200, 255), fc.constantFrom(0, 1, 2, 3, 255)), {
    minLength: 1,
    maxLength: 40,
  })
  .map((pixels) => ({ prediction: pixels.map(([p]) => p), reference: pixels.map(([, r]) => r) }));

const matrixOf = ({ prediction, reference }: { prediction: number[]; reference: number[] }): Confusion =>
  confusionMatrix(labels(prediction), labels(reference), classes);

describe("confusionMatrix", () => {
  test("rows are the reference; void is left out; the last column holds unscored predictions", () => {
    const matrix = confusionMatrix(labels([0, 1, 1, 2, 9, 0, 255]), labels([0, 0, 1, 1, 1, 255, 0]), 2);
    expect(matrix).toEqual({
      classes: 2,
      counts: [
        [1, 1, 1],
        [0, 1, 2],
      ],
    });
  });

  test("refuses a reference label that is no class, and maps of different shapes", () => {
    expect(() => confusionMatrix(labels([0, 0]), labels([0, 4]), 4)).toThrow(/label 4 at pixel 1/);
    expect(() => confusionMatrix(labels([0]), labels([0, 0]), 4)).toThrow(/\[1, 1\].*\[1, 2\]/);
  });
});

describe("mergeConfusions", () => {
  test("merging the parts of a set, in any order and grouping, counts the whole", () => {
    fc.assert(
      fc.property(maps, maps, maps, (a, b, c) => {
        const [x, y, z] = [matrixOf(a), matrixOf(b), matrixOf(c)];
        const whole = matrixOf({
          prediction: [...a.prediction, ...b.prediction, ...c.prediction],
          reference: [...a.reference, ...b.reference, ...c.reference],
        });
        expect(mergeConfusions(mergeConfusions(x, y), z)).toEqual(whole);
        expect(mergeConfusions(x, mergeConfusions(z, y))).toEqual(whole);
        expect(mergeConfusions(emptyConfusion(classes), x)).toEqual(x);
      }),
    );
  });

  test("refuses matrices of different classes", () => {
    expect(() => mergeConfusions(emptyConfusion(2), emptyConfusion(3))).toThrow(RangeError);
  });
});

describe("scores", () => {
  test("a matrix worked by hand", () => {
    // Class 0: TP 3, FN 1, FP 2; class 1: TP 4, FN 2, FP 1.
    const result = scores({
      classes: 2,
      counts: [
        [3, 1, 0],
        [2, 4, 0],
      ],
    });
    expect(result.iou).toEqual([3 / 6, 4 / 7]);
    expect(result.miou).toBeCloseTo((1 / 2 + 4 / 7) / 2, 12);
    expect(result).toMatchObject({ pixelAccuracy: 0.7, pixels: 10 });
  });

  test("an unscored prediction costs its class and no other", () => {
    expect(
      scores({
        classes: 2,
        counts: [
          [3, 0, 1],
          [0, 4, 0],
        ],
      }).iou,
    ).toEqual([3 / 4, 1]);
  });

  test("a class absent from the reference has no IoU and no part in the mean, predicted or not", () => {
    const result = scores(confusionMatrix(labels([0, 0, 1, 2]), labels([0, 0, 0, 255]), 4));
    expect(result).toEqual({ iou: [2 / 3, null, null, null], miou: 2 / 3, pixelAccuracy: 2 / 3, pixels: 3 });
  });

  test("nothing but void has no score", () => {
    const result = scores(confusionMatrix(labels([0, 1]), labels([255, 255]), 2));
    expect(result).toEqual({ iou: [null, null], miou: null, pixelAccuracy: null, pixels: 0 });
  });

  test("equals intersection over union of the classes' pixel sets", () => {
    fc.assert(
      fc.property(maps, (pair) => {
        const { iou, miou } = scores(matrixOf(pair));
        const pixels = pair.reference.map((r, i) => ({ r, p: pair.prediction[i]! })).filter(({ r }) => r !== 255);
        const expected = Array.from({ length: classes }, (_, c) => {
          if (!pixels.some(({ r }) => r === c)) return null;
          return (
            pixels.filter(({ r, p }) => r === c && p === c).length /
            pixels.filter(({ r, p }) => r === c || p === c).length
          );
        });
        expect(iou).toEqual(expected);
        const present = expected.filter((v) => v !== null);
        const mean = present.length === 0 ? null : present.reduce((a, b) => a + b, 0) / present.length;
        expect(miou).toBe(mean);
      }),
    );
  });

  test("a perfect prediction scores 1 throughout", () => {
    const { iou, miou, pixelAccuracy } = scores(confusionMatrix(labels([0, 2, 3, 1]), labels([0, 2, 3, 255]), 4));
    expect({ iou, miou, pixelAccuracy }).toEqual({ iou: [1, null, 1, 1], miou: 1, pixelAccuracy: 1 });
  });
});

const withMiou = (miou: number | null): Scores => ({ iou: [], miou, pixelAccuracy: null, pixels: 0 });

describe("iouRatio", () => {
  test("is adversarial over clean mIoU, null where that has no meaning", () => {
    expect(iouRatio(withMiou(0.2), withMiou(0.8))).toBeCloseTo(0.25, 12);
    expect(iouRatio(withMiou(0), withMiou(0.5))).toBe(0);
    expect(iouRatio(withMiou(0.2), withMiou(0))).toBeNull();
    expect(iouRatio(withMiou(null), withMiou(0.5))).toBeNull();
    expect(iouRatio(withMiou(0.5), withMiou(null))).toBeNull();
  });
});
