/** What is read from a kernel's text; needs no GPU. */

import { describe, expect, it } from "vitest";
import { GpuError } from "../../../src/runtime/gpu/error.ts";
import { withIncludes } from "../../../src/runtime/gpu/include.ts";
import { readKernels } from "../../../src/runtime/gpu/node.ts";
import { parameterBytes, readShader } from "../../../src/runtime/gpu/shader.ts";

const kernel = (...lines: readonly string[]): string =>
  [...lines, "@compute @workgroup_size(64)", "fn main() {}"].join("\n");

describe("readShader", () => {
  it("reads bindings, parameters and the workgroup", () => {
    const shader = readShader(
      "k",
      kernel(
        "struct P { count: u32, // a comment: f64",
        "  alpha: f32, }",
        "struct R { a: f32, b: u32 }",
        "// @group(0) @binding(9) var<storage, read> commented: array<f32>;",
        "@group(0) @binding(0) var<storage, read_write> x: array<f32>;",
        "@group(0) @binding(4) var<storage, read> labels: array<bytes>;",
        "@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;",
        "@group(0) @binding(2) var<storage, read_write> results: array<R>;",
        "@group(0) @binding(3) var<uniform> p: P;",
      ),
    );
    expect(shader).toMatchObject({
      bindings: [
        { name: "x", index: 0, writable: true, dtype: "float32", stride: 4 },
        { name: "labels", index: 4, writable: false, dtype: "uint8", stride: 4 },
        { name: "counts", index: 1, writable: true, dtype: "uint32", stride: 4 },
        { name: "results", index: 2, writable: true, dtype: "uint32", stride: 8 },
      ],
      parameters: [
        { name: "count", type: "u32" },
        { name: "alpha", type: "f32" },
      ],
      uniform: 3,
      workgroup: 64,
    });
  });

  it.each([
    ["a group other than 0", "@group(1) @binding(0) var<storage, read> x: array<f32>;", /^k\.wgsl:2: x is in group 1/],
    [
      "an element that it does not know",
      "@group(0) @binding(0) var<storage, read> x: array<f16>;",
      /^k\.wgsl:2: .*array<f16>/,
    ],
    ["a uniform that is no struct", "@group(0) @binding(0) var<uniform> x: vec4f;", /^k\.wgsl:2: vec4f is no struct/],
    [
      "a parameter that is no scalar",
      "struct P { x: vec2f }\n@group(0) @binding(0) var<uniform> p: P;",
      /^k\.wgsl:2: parameter x is vec2f/,
    ],
  ])("refuses %s, with name and line", (_, line, message) => {
    expect(() => readShader("k", kernel("// first", line))).toThrow(message);
    expect(() => readShader("k", kernel("// first", line))).toThrow(GpuError);
  });

  it("refuses a text without an entry point", () => {
    expect(() => readShader("k", "fn main() {}")).toThrow(/no `@compute/);
  });

  it.each(Object.entries(readKernels()))("understands %s, all of whose declarations it sees", (name, source) => {
    const { bindings, uniform } = readShader(name, source);
    expect(bindings.length + (uniform === null ? 0 : 1)).toBe(source.match(/^@group/gm)!.length);
    const indices = [...bindings.map(({ index }) => index), uniform ?? -1].toSorted((a, b) => a - b);
    expect(indices).toEqual(indices.map((_, i) => i));
  });
});

describe("withIncludes", () => {
  const fragments = { sum: "fn sum() {}\n", mean: "fn mean() {}\n" };

  it("appends each fragment once, so that lines of the kernel keep their numbers", () => {
    const source = kernel("// include sum.wgsl", "// include mean.wgsl", "// include sum.wgsl");
    const whole = withIncludes("k", source, fragments);
    expect(whole.startsWith(source)).toBe(true);
    expect(whole.match(/fn sum\(\)/g)).toHaveLength(1);
    expect(whole.match(/fn mean\(\)/g)).toHaveLength(1);
  });

  it("leaves a kernel without includes as it is", () => {
    expect(withIncludes("k", kernel("// includes nothing"), fragments)).toBe(kernel("// includes nothing"));
  });

  it("refuses a fragment that is not there, and names those that are", () => {
    expect(() => withIncludes("k", kernel("// include summ.wgsl"), fragments)).toThrow(
      "k.wgsl includes summ.wgsl, which is none of sum.wgsl, mean.wgsl",
    );
  });

  it("has given every kernel that calls `total` its function", () => {
    const users = Object.entries(readKernels()).filter(([, source]) => /\btotal\(lane/.test(source));
    expect(users.map(([name]) => name)).toEqual([
      "l1_sums",
      "l2_ball_narrow",
      "l2_ball_sums",
      "l2_step",
      "l2_sums",
      "perturbation_stats",
    ]);
    for (const [, source] of users) expect(source.match(/^fn total\(/gm)).toHaveLength(1);
  });
});

describe("parameterBytes", () => {
  const shader = readShader(
    "k",
    kernel("struct P { n: u32, i: i32, a: f32 }", "@group(0) @binding(0) var<uniform> p: P;"),
  );

  it("lays the struct out, in units of 16 bytes", () => {
    const bytes = parameterBytes(shader, { a: 0.5, n: 2 ** 32 - 1, i: -2 });
    expect([bytes.byteLength, bytes.getUint32(0, true), bytes.getInt32(4, true), bytes.getFloat32(8, true)]).toEqual([
      16,
      2 ** 32 - 1,
      -2,
      0.5,
    ]);
  });

  it.each([
    [{ n: 1, i: 1 }, /a missing \(declared: n, i, a\)/],
    [{ n: 1, i: 1, a: 1, b: 1 }, /b not known/],
    [{ n: -1, i: 1, a: 1 }, /n is -1, which is no u32/],
    [{ n: 1, i: 0.5, a: 1 }, /i is 0\.5, which is no i32/],
    [{ n: 1, i: 1, a: 1e39 }, /a is 1e\+39, which is no f32/],
  ])("refuses %o", (values, message) => {
    expect(() => parameterBytes(shader, values)).toThrow(message);
  });
});
