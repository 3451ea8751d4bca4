import { beforeAll, describe, expect, it } from "vitest";
import { camvidClasses } from "../../src/datasets/camvid-classes.ts";
import { streetScene } from "../../src/datasets/street.ts";
import { label } from "../../src/datasets/street/label.ts";
import { decodeLabels, renderStreet, type StreetSample } from "../../src/datasets/street/render.ts";
import { rasterise } from "../../src/datasets/street/resvg.ts";
import { valueNoise } from "../../src/datasets/street/texture.ts";
import { random } from "../../src/random.ts";

const small = { width: 160, height: 120 };
const seeds = Array.from({ length: 30 }, (_, i) => i);
let samples: StreetSample[];
const labelDocuments: string[] = [];

const keep = (svg: string) => {
  if (svg.includes("crispEdges")) labelDocuments.push(svg);
  return rasterise(svg);
};

beforeAll(() => {
  samples = seeds.map((seed) => renderStreet(seed, small, keep));
});

/** Share of each label over all samples, by label. */
const shares = () => {
  const counts = new Float64Array(256);
  for (const { labels } of samples) for (const v of labels.data) counts[v]! += 1;
  return counts.map((n) => n / (samples.length * small.width * small.height));
};

describe("streetScene", () => {
  it("draws the same documents for the same seed, others for another", () => {
    const scene = streetScene(5, small);
    expect(streetScene(5, small)).toMatchObject({ image: scene.image, labels: scene.labels });
    const documents = new Set(labelDocuments);
    expect(documents.size).toBe(seeds.length);
  });

  it("uses no colour in the label document but those of the classes", () => {
    const known = new Set(camvidClasses.map(({ color }) => `#${Buffer.from(color).toString("hex")}`).concat("#000000"));
    const used = new Set(labelDocuments.flatMap((svg) => svg.match(/#[0-9a-f]{6}/g) ?? []));
    expect([...used].filter((c) => !known.has(c))).toEqual([]);
    expect(used.size).toBe(known.size);
  });

  it.each([
    [0.5, small],
    [1, { width: 8, height: 120 }],
    [1, { width: 160, height: 99.5 }],
  ] as const)(
    // prettier-ignore
    "refuses seed %s at size %o",
    (seed, size) => expect(() => streetScene(seed, size)).toThrow(RangeError),
  );
});

describe("renderStreet", () => {
  it("gives bit-identical pixels for the same seed, and another picture for each seed", () => {
    expect(renderStreet(3, small, rasterise)).toEqual(samples[3]);
    expect(new Set(samples.map(({ image }) => image.data.join())).size).toBe(samples.length);
  });

  it("gives whole grey levels in [3, H, W] and class indices in [H, W]", () => {
    for (const { image, labels } of samples) {
      expect(image.shape).toEqual([3, 120, 160]);
      expect(labels.shape).toEqual([120, 160]);
      expect(image.data.every((v) => Number.isInteger(v) && v >= 0 && v <= 255)).toBe(true);
      expect(labels.data.every((v) => v < camvidClasses.length || v === label.none)).toBe(true);
    }
  });

  it("has class shares like CamVid's, every class among them", () => {
    const share = shares();
    const ranges = [[0.08, 0.3], [0.12, 0.4], [0.004, 0.03], [0.2, 0.45], [0.02, 0.12], [0.04, 0.2], [0.003, 0.03], [0.003, 0.05], [0.02, 0.12], [0.002, 0.03], [0.002, 0.03]]; // prettier-ignore
    const outside = ranges.flatMap(([low, high], i) =>
      share[i]! > low! && share[i]! < high! ? [] : [`${camvidClasses[i]!.name}: ${share[i]}`],
    );
    expect(outside).toEqual([]);
    expect(share[label.none]).toBeLessThan(0.03);
  });

  it("has the sky above the road, and brighter", () => {
    const sums = { [label.sky]: { rows: 0, grey: 0, n: 0 }, [label.road]: { rows: 0, grey: 0, n: 0 } };
    for (const { image, labels } of samples) {
      for (const [i, v] of labels.data.entries()) {
        const sum = v === label.sky || v === label.road ? sums[v] : undefined;
        if (!sum) continue;
        sum.rows += Math.floor(i / small.width);
        sum.grey += image.data[i]!;
        sum.n += 1;
      }
    }
    const [sky, road] = [sums[label.sky], sums[label.road]];
    expect(sky.rows / sky.n).toBeLessThan(road.rows / road.n - 30);
    expect(sky.grey / sky.n).toBeGreaterThan(road.grey / road.n + 40);
  });

  it.each([
    [96, 72],
    [480, 360],
    [65, 131],
  ])("works at %i×%i", (width, height) => {
    // prettier-ignore
    const { image, labels } = renderStreet(1, { width, height }, rasterise);
    expect(image.shape).toEqual([3, height, width]);
    expect(new Set(labels.data).size).toBeGreaterThan(5);
  });

  it("shows the same scene at another resolution", () => {
    const large = renderStreet(9, { width: 320, height: 240 }, rasterise).labels.data;
    const agree = samples[9]!.labels.data.filter((v, i) => v === large[2 * (i % 160) + 2 * 320 * Math.floor(i / 160)]);
    expect(agree.length / samples[9]!.labels.data.length).toBeGreaterThan(0.9);
  });
});

const pixel = (rgb: readonly number[]) => Uint8Array.from([...rgb, 255]);

describe("decodeLabels", () => {
  it("is the inverse of the palette, black being void", () => {
    for (const [i, { color }] of camvidClasses.entries()) {
      expect(decodeLabels(pixel(color), { width: 1, height: 1 }).data[0]).toBe(i);
    }
    expect(decodeLabels(pixel([0, 0, 0]), { width: 1, height: 1 }).data[0]).toBe(255);
  });

  it("refuses a colour between two classes, and a picture of another size", () => {
    expect(() => decodeLabels(pixel([128, 64, 127]), { width: 1, height: 1 })).toThrow("#80407f at (0, 0)");
    expect(() => decodeLabels(pixel([0, 0, 0]), { width: 2, height: 1 })).toThrow(RangeError);
  });
});

describe("valueNoise", () => {
  it("stays in [-1, 1], averages to nothing, and is continuous", () => {
    const next = random(1);
    let sum = 0;
    for (let i = 0; i < 4000; i++) {
      const [x, y] = [200 * next() - 100, 200 * next() - 100];
      const v = valueNoise(x, y, 4);
      expect(Math.abs(v)).toBeLessThanOrEqual(1);
      expect(Math.abs(valueNoise(x + 1e-6, y, 4) - v)).toBeLessThan(1e-5);
      sum += v;
    }
    expect(Math.abs(sum / 4000)).toBeLessThan(0.05);
  });
});
