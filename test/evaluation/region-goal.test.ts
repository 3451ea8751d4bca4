/** Regions as shapes, and the label maps that attacks on them approach. */

import { describe, expect, it } from "vitest";
import { filledRegion, regionOf } from "../../src/evaluation/region.ts";
import { classIndex, regionScores, regionTarget } from "../../src/evaluation/region-goal.ts";
import { boxRegion, polygonRegion, type Polygon } from "../../src/evaluation/shapes.ts";
import { random } from "../../src/random.ts";
import { tensorOf, type Tensor } from "../../src/tensor.ts";
import { noiseLabels } from "../support/networks/image.ts";

/** Even-odd by a ray that goes down from a pixel's centre, where the code under test goes along the rows. */
const isInside = (polygon: Polygon, x: number, y: number): boolean =>
  polygon.reduce((inside, [x0, y0], i) => {
    const [x1, y1] = polygon[(i + 1) % polygon.length]!;
    const isBetween = x0 > x !== x1 > x;
    return isBetween && y0 + ((x - x0) * (y1 - y0)) / (x1 - x0) > y ? !inside : inside;
  }, false);

const rows = ({ shape, data }: Tensor<"uint8">): string[] =>
  Array.from({ length: shape[0]! }, (_, y) => data.subarray(y * shape[1]!, (y + 1) * shape[1]!).join(""));

describe("a polygon", () => {
  it.each([3, 4, 7, 30])("of %d corners, crossing itself and beyond the image, has the pixels inside", (corners) => {
    const next = random(corners);
    for (let trial = 0; trial < 20; trial++) {
      const polygon: Polygon = Array.from({ length: corners }, () => [20 * next() - 4, 16 * next() - 4]);
      const { data } = polygonRegion({ height: 8, width: 12 }, polygon);
      for (let i = 0; i < data.length; i++)
        expect(data[i]).toBe(Number(isInside(polygon, (i % 12) + 0.5, Math.floor(i / 12) + 0.5)));
    }
  });

  it("is a box, whose pixels outside of the image are none", () => {
    expect(rows(boxRegion({ height: 4, width: 5 }, [1, 2, 3, 9]))).toEqual(["00000", "00000", "01110", "01110"]);
    expect(rows(boxRegion({ height: 2, width: 3 }, [-7, 0, 8, 1]))).toEqual(["100", "000"]);
    // Centres count: half a pixel more at the left leaves the first column out.
    expect(rows(boxRegion({ height: 1, width: 4 }, [0.6, 0, 2, 1]))).toEqual(["0110"]);
  });
});

describe("the target of a region", () => {
  const base = noiseLabels(6, 8, 4, 3, true);
  const box = [2, 1, 3, 2] as const;
  const inside = boxRegion({ height: 6, width: 8 }, box).data;

  it("has the surrounding labels in it, or a class, and elsewhere the labels as they are, or void", () => {
    const [hidden, swapped, free] = [
      regionTarget(base, { place: { classes: [2] } }),
      regionTarget(base, { place: { box }, to: 3 }),
      regionTarget(base, { place: { box }, to: 3, outside: "free" }),
    ];
    expect(hidden.labels).toEqual(filledRegion(base, regionOf(base, [2])));
    expect(hidden.labels.data).not.toContain(2);
    expect([...swapped.labels.data]).toEqual([...base.data].map((own, i) => (inside[i] ? 3 : own)));
    expect([...free.labels.data]).toEqual([...base.data].map((_, i) => (inside[i] ? 3 : 255)));
  });

  it("is reached by shares inside, and kept by shares elsewhere", () => {
    const target = regionTarget(base, { place: { box }, to: 3, outside: "free" });
    const before = tensorOf(
      "uint8",
      [6, 8],
      Array.from(base.data, () => 1),
    );
    // Half of the region's six pixels, and one of the 42 others.
    const after = tensorOf("uint8", [6, 8], before.data);
    const places = [...inside.keys()].filter((i) => inside[i]);
    for (const i of [...places.slice(0, 3), 0]) after.data[i] = 3;
    expect(regionScores(target, before, after)).toEqual({ reached: 3 / 6, kept: 41 / 42 });
    expect(regionScores(target, before, before)).toEqual({ reached: 0, kept: 1 });
  });

  it("is refused where there is no region, nothing to hide it with, or no such class", () => {
    expect(() => regionTarget(base, { place: { box: [90, 90, 5, 5] } })).toThrow(/no pixel of the image/);
    expect(() => regionTarget(base, { place: { classes: [0, 1, 2, 3] } })).toThrow(/nothing outside/);
    const classes = [{ name: "road" }, { name: "car" }];
    expect([classIndex(classes, "car"), classIndex(classes, 0)]).toEqual([1, 0]);
    for (const given of ["bus", 2, -1])
      expect(() => classIndex(classes, given)).toThrow(/no class .*; there are 0 road, 1 car/);
  });
});
