/** One of ONNX's own backend node tests: read, written, run; and its gradient against difference quotients of the runtime. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { TensorProtoSchema } from "onnx-buf";
import { gradient } from "../../src/autodiff/gradient.ts";
import { UnsupportedOperatorError } from "../../src/autodiff/rule.ts";
import { createBuilder } from "../../src/onnx/build.ts";
import { OnnxError, type Model } from "../../src/onnx/graph.ts";
import { load } from "../../src/onnx/load.ts";
import { inSinglePrecision, halfToNumber } from "../../src/onnx/passes/single-precision.ts";
import { readModel } from "../../src/onnx/read.ts";
import { readTensor } from "../../src/onnx/tensor-proto.ts";
import { normal, random } from "../../src/random.ts";
import { numbersOf, sizeOf, tensorOf, type Tensor } from "../../src/tensor.ts";
import { openWasm, undeclared } from "../support/wasm.ts";

/** What came of a test: "right", "wrong" with the size of the error, or the message of a refusal. */
export type Outcome = { readonly kind: "right" | "refused" | "wrong"; readonly detail: string };

const right: Outcome = { kind: "right", detail: "" };

export interface NodeTest {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** The tests in a folder, as onnx-node-tests.py writes them. */
export const nodeTests = (folder: string): NodeTest[] => {
  const files = readdirSync(folder);
  const bytes = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  const side = (name: string, of: "in" | "out"): Uint8Array[] => {
    const count = files.filter((f) => f.startsWith(`${name}.${of}.`)).length;
    return Array.from({ length: count }, (_, i) => bytes(`${name}.${of}.${i}.pb`));
  };
  return files
    .filter((f) => f.endsWith(".onnx"))
    .map((f) => f.slice(0, -5))
    .toSorted()
    .map((name) => ({ name, model: bytes(`${name}.onnx`), inputs: side(name, "in"), outputs: side(name, "out") }));
};

/** In single precision, as the model is run. */
const tensorFrom = (bytes: Uint8Array): Tensor => {
  const t = readTensor(fromBinary(TensorProtoSchema, bytes), "test data");
  return t.dtype === "float16" ? tensorOf("float32", t.shape, Array.from(t.data as Uint16Array, halfToNumber)) : t;
};

const isFloat = ({ dtype }: Pick<Tensor, "dtype">): boolean => dtype === "float32" || dtype === "float64";

const isRefusal = (cause: unknown): cause is Error =>
  cause instanceof OnnxError || cause instanceof UnsupportedOperatorError;

/** As ONNX's own runner judges: relative 1e-3, and absolute 1e-5. Halves have but three digits. */
const worst = (actual: Tensor, expected: Tensor): number => {
  if (actual.shape.join() !== expected.shape.join()) return Infinity;
  const a = numbersOf(actual);
  return numbersOf(expected).reduce((most, v, i) => {
    if (Object.is(a[i], v) || a[i] === v) return most;
    return Math.max(most, Math.abs(a[i]! - v) / (1e-5 + 1e-3 * Math.abs(v)) || Infinity);
  }, 0);
};

interface Opened {
  readonly model: Model;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Inputs whose values are fixed when the graph is built: shapes, axes, all integers. */
  readonly constants: ReadonlySet<string>;
}

const open = (test: NodeTest): Opened => {
  const model = inSinglePrecision(readModel(test.model));
  const feeds = Object.fromEntries(model.graph.inputs.map((v, i) => [v.name, tensorFrom(test.inputs[i]!)]));
  return { model, feeds, constants: new Set() };
};

/** The graph with integers and truth values as constants, and floats as inputs; floats too where a size depends on them. */
const built = ({ model, feeds }: Opened, asInputs: (name: string) => boolean) => {
  const op = createBuilder();
  const values = Object.fromEntries(
    Object.entries(feeds).map(([name, t]) => [
      name,
      asInputs(name) ? op.input(name, t.dtype, t.shape) : op.tensor(t, name),
    ]),
  );
  return { op, values, outputs: load(op, model, values) };
};

const forwardOf = (test: Opened) => {
  const all = Object.keys(test.feeds);
  const floats = new Set(all.filter((name) => isFloat(test.feeds[name]!)));
  const attempts = [(name: string) => floats.has(name), (name: string) => name === all[0]];
  try {
    return built(test, attempts[0]!);
  } catch (cause) {
    if (!isRefusal(cause) || floats.size < 2) throw cause;
    return built(test, attempts[1]!);
  }
};

/** Whether what is read and written anew gives the outputs that ONNX expects. */
export const forwardOutcome = async (test: NodeTest): Promise<Outcome> => {
  try {
    const opened = open(test);
    const { op, outputs } = forwardOf(opened);
    const model = undeclared(op.model(outputs));
    const session = await openWasm(model);
    const results = await session.run(opened.feeds);
    await session.close();
    const errors = opened.model.graph.outputs.map(({ name }, i) => worst(results[name]!, tensorFrom(test.outputs[i]!)));
    const error = Math.max(...errors);
    return error <= 1 ? right : { kind: "wrong", detail: `${error} tolerances` };
  } catch (cause) {
    if (isRefusal(cause)) return { kind: "refused", detail: cause.message };
    return { kind: "wrong", detail: String(cause) };
  }
};

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

/**
 * Whether the gradient of ⟨v, y⟩ meets the runtime's difference, by each float input and for each float output. A line integral: the
 * gradient's mean over the nodes of a quadrature between both ends of a step, so that a kink between them does no harm.
 */
export const gradientOutcome = async (test: NodeTest): Promise<Outcome> => {
  try {
    const opened = open(test);
    const { op, values, outputs } = forwardOf(opened);
    const sources = Object.values(values).filter((v) => isFloat(v) && !v.constant);
    const targets = Object.entries(outputs).filter(([, v]) => isFloat(v) && !v.constant);
    for (const [name, y] of targets) {
      const next = random(7);
      const seed = tensorOf(
        y.dtype,
        y.shape,
        Array.from({ length: sizeOf(y.shape) }, () => normal(next)),
      );
      const gradients = gradient(op, y, sources, op.tensor(seed));
      const named = Object.fromEntries(gradients.map((v, i) => [`d${i}`, v]));
      const session = await openWasm(undeclared(op.model({ value: y, ...named })));
      try {
        for (const [k, source] of sources.entries()) {
          const error = await mismatch(session, opened.feeds, source.name, `d${k}`, numbersOf(seed));
          if (error > 1) return { kind: "wrong", detail: `∂${name}/∂${source.name}: ${error} tolerances` };
        }
      } finally {
        await session.close();
      }
    }
    return right;
  } catch (cause) {
    if (isRefusal(cause)) return { kind: "refused", detail: cause.message };
    return { kind: "wrong", detail: String(cause) };
  }
};

/** Of the line: short enough for smooth functions, long enough for float32. */
const LENGTH = 4e-3;

const POINTS = 8;

const mismatch = async (
  session: Awaited<ReturnType<typeof openWasm>>,
  feeds: Readonly<Record<string, Tensor>>,
  source: string,
  gradientName: string,
  seed: readonly number[],
): Promise<number> => {
  const x = feeds[source]!;
  const next = random(13);
  const direction = Array.from({ length: sizeOf(x.shape) }, () => normal(next));
  const at = numbersOf(x);
  const along = (t: number) =>
    session.run({ ...feeds, [source]: tensorOf(x.dtype, x.shape, at.map((v, i) => v + t * direction[i]!)) }); // prettier-ignore
  const value = async (t: number) => dot(numbersOf((await along(t))["value"]!), seed);
  const difference = ((await value(LENGTH / 2)) - (await value(-LENGTH / 2))) / LENGTH;
  let [mean, scale] = [0, 1e-3];
  for (let i = 0; i < POINTS; i++) {
    const gradients = numbersOf((await along(((i + 0.5) / POINTS - 0.5) * LENGTH))[gradientName]!);
    mean += dot(gradients, direction) / POINTS;
    scale = Math.max(scale, Math.hypot(...gradients.map((g, k) => g * direction[k]!)));
  }
  if (!Number.isFinite(difference) && !Number.isFinite(mean)) return 0;
  return Math.abs(mean - difference) / (2e-2 * scale) || 0;
};
