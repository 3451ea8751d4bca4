/** What is kept of an attack's steps, and regions that are painted: on tensors, without a page. */

import { describe, expect, it } from "vitest";
import { createHistory } from "../../src/playground/history.ts";
import { countOf, emptyRegion, placeOf, withStroke } from "../../src/playground/painted-region.ts";
import { tensor } from "../../src/tensor.ts";

const [height, width] = [6, 10];
const clean = tensor(
  "float32",
  [3, height, width],
  Float32Array.from({ length: 3 * height * width }, (_, i) => i),
);
const reachedAt = (step: number) => ({
  // Between −step and step, not whole.
  image: tensor("float32", clean.shape, clean.data.map((v, i) => v + step * Math.sin(i + step))), // prettier-ignore
  labels: tensor("uint8", [height, width], new Uint8Array(height * width).fill(step % 256)),
});
const reportAt = (step: number) => ({ step, steps: 40, loss: 0, changedPixelShare: step / 40 });

describe("the history of an attack", () => {
  it("gives each step back as it was, to a part of a grey level", () => {
    const history = createHistory(clean);
    for (let step = 1; step <= 9; step++) history.add(reportAt(step), reachedAt(step));
    expect(history.count()).toBe(9);
    for (let i = 0; i < 9; i++) {
      const { report, image, labels } = history.at(i);
      const was = reachedAt(i + 1);
      expect([report.step, labels]).toEqual([i + 1, was.labels]);
      const error = Math.max(...image.data.map((v, at) => Math.abs(v - was.image.data[at]!)));
      expect(error).toBeLessThan((i + 1) / 254 + 1e-4);
    }
  });

  it("stays within its memory by keeping every second, fourth … step", () => {
    const one = 4 * height * width;
    const history = createHistory(clean, 8 * one + 1);
    for (let step = 1; step <= 40; step++) {
      history.add(reportAt(step), reachedAt(step));
      expect(history.bytes()).toBeLessThanOrEqual(8 * one);
    }
    expect(Array.from({ length: history.count() }, (_, i) => history.at(i).report.step)).toEqual([8, 16, 24, 32, 40]);
    const tiny = createHistory(clean, one);
    tiny.add(reportAt(1), reachedAt(1));
    expect([tiny.count(), tiny.bytes()]).toEqual([0, 0]);
  });
});

describe("a painted region", () => {
  const empty = emptyRegion({ width, height });

  it("is a box where it is one, else a mask, and nothing where nothing is marked", () => {
    const rectangle = { kind: "rectangle", value: 1 } as const;
    const box = withStroke(empty, rectangle, [{ x: 7, y: 4 }, { x: 9, y: 5 }, { x: 2, y: 1 }]); // prettier-ignore
    expect(placeOf(box)).toEqual({ box: [2, 1, 6, 4] });
    const hole = withStroke(box, { kind: "rectangle", value: 0 }, [{ x: 3, y: 2 }]);
    expect([placeOf(hole), countOf(hole)]).toEqual([{ mask: hole }, 23]);
    expect(placeOf(withStroke(box, { kind: "rectangle", value: 0 }, [{ x: 0, y: 0 }, { x: 9, y: 5 }]))).toBeNull(); // prettier-ignore
    expect(countOf(empty)).toBe(0);
  });

  it("has the pixels within half the brush of the stroke, and no others", () => {
    const [from, to, diameter] = [{ x: 1, y: 3 }, { x: 8, y: 3 }, 3];
    const { data } = withStroke(empty, { kind: "brush", value: 1, diameter }, [from, to]);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const along = Math.min(to.x, Math.max(from.x, x));
        expect([x, y, data[y * width + x]]).toEqual([x, y, Number(Math.hypot(x - along, y - 3) <= diameter / 2)]);
      }
  });
});
