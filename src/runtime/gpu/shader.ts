/**
 * Reads a kernel's declarations from its WGSL, so that bindings are checked by name and type before they reach the driver.
 * Kernels have one form: one entry point, `main`; bindings in group 0; parameters in one uniform struct of scalars.
 */

import { bytesPerElement, type DType } from "../../tensor.ts";
import { GpuError } from "./error.ts";

/** Element types of bindings. */
export type ElementType = Extract<DType, "float32" | "int32" | "uint32" | "uint8">;

/** A declared storage buffer. */
export interface Binding {
  readonly name: string;
  readonly index: number;
  readonly writable: boolean;
  readonly dtype: ElementType;
  /** Bytes that one element in WGSL takes: 4 packed `uint8`, 16 for `vec4f`. */
  readonly stride: number;
}

type ScalarType = "f32" | "i32" | "u32";

export interface Parameter {
  readonly name: string;
  readonly type: ScalarType;
}

export interface Shader {
  readonly name: string;
  readonly source: string;
  readonly bindings: readonly Binding[];
  /** The uniform struct's fields in order, four bytes each; empty without a uniform. */
  readonly parameters: readonly Parameter[];
  /** Index of the uniform struct's binding; null without one. */
  readonly uniform: number | null;
  /** Number of threads in a workgroup. */
  readonly workgroup: number;
}

/** Element type and stride of WGSL's types; structs of results are arrays of words. The kernels' aliases say what a `u32` holds. */
const elements: Readonly<Record<string, readonly [ElementType, stride: number]>> = {
  f32: ["float32", 4],
  i32: ["int32", 4],
  u32: ["uint32", 4],
  "atomic<u32>": ["uint32", 4],
  vec2f: ["float32", 8],
  vec4f: ["float32", 16],
  bytes: ["uint8", 4],
  float_bits: ["float32", 4],
};

const scalars: ReadonlySet<string> = new Set<ScalarType>(["f32", "i32", "u32"]);

/** The source with comments replaced by blanks, so that positions are unchanged. */
const withoutComments = (source: string): string => source.replaceAll(/\/\/.*$/gm, (text) => " ".repeat(text.length));

/** Throws a GpuError with the shader's name and the line of a position in its text. */
type Refuse = (at: number, message: string) => never;

interface Struct {
  readonly at: number;
  /** Name and type of each field. */
  readonly fields: readonly (readonly [name: string, type: string])[];
}

const structsOf = (code: string): ReadonlyMap<string, Struct> =>
  new Map(
    Array.from(code.matchAll(/\bstruct\s+(\w+)\s*\{([^}]*)\}/g), ({ 1: name = "", 2: body = "", index }) => {
      const fields = Array.from(body.matchAll(/(\w+)\s*:\s*([\w<>]+)/g), ([, f = "", t = ""]) => [f, t] as const);
      return [name, { at: index, fields }];
    }),
  );

/** Element type and stride of a storage buffer's declared type; null for a type that cannot be bound. */
const elementOf = (type: string, structs: ReadonlyMap<string, Struct>): readonly [ElementType, number] | null => {
  if (structs.has(type)) return ["uint32", 4];
  const element = /^array<\s*([\w<>]+)\s*>$/.exec(type)?.[1] ?? "";
  const struct = structs.get(element);
  return struct ? ["uint32", 4 * struct.fields.length] : (elements[element] ?? null);
};

const parametersOf = (type: string, structs: ReadonlyMap<string, Struct>, at: number, refuse: Refuse): Parameter[] => {
  const struct = structs.get(type) ?? refuse(at, `${type} is no struct`);
  return struct.fields.map(([name, scalar]) =>
    scalars.has(scalar)
      ? { name, type: scalar as ScalarType }
      : refuse(struct.at, `parameter ${name} is ${scalar}; parameters are f32, i32 or u32`),
  );
};

const declaration = /@group\((\d+)\)\s*@binding\((\d+)\)\s*var<([^>]+)>\s*(\w+)\s*:\s*([^;]+?)\s*;/g;

/** Reads a kernel. @throws GpuError with its name and line for a declaration that is not of the kernels' form. */
export const readShader = (name: string, source: string): Shader => {
  const code = withoutComments(source);
  const refuse: Refuse = (at, message) => {
    throw new GpuError(`${name}.wgsl:${code.slice(0, at).split("\n").length}: ${message}`);
  };
  const structs = structsOf(code);
  const bindings: Binding[] = [];
  let uniform: number | null = null;
  let parameters: readonly Parameter[] = [];
  for (const { 1: group, 2: place, 3: space = "", 4: variable = "", 5: type = "", index: at } of code.matchAll(
    declaration,
  )) {
    if (group !== "0") refuse(at, `${variable} is in group ${group}; kernels have group 0 only`);
    const index = Number(place);
    if (space === "uniform") {
      if (uniform !== null) refuse(at, "a kernel has one uniform struct");
      uniform = index;
      parameters = parametersOf(type, structs, at, refuse);
    } else {
      const [dtype, stride] = elementOf(type, structs) ?? refuse(at, `nothing can be bound to ${variable}: ${type}`);
      bindings.push({ name: variable, index, writable: space.includes("read_write"), dtype, stride });
    }
  }
  const workgroup = /@compute\s+@workgroup_size\((\d+)\)\s*fn\s+main\b/.exec(code)?.[1];
  if (workgroup === undefined) return refuse(0, "there is no `@compute @workgroup_size(N) fn main`");
  return { name, source, bindings, parameters, uniform, workgroup: Number(workgroup) };
};

/** Bytes of a binding of `length` elements, rounded up to whole words. */
export const bindingBytes = (dtype: ElementType, length: number): number =>
  4 * Math.ceil((length * bytesPerElement(dtype)) / 4);

/** The bytes of the uniform struct. @throws GpuError where names differ, or a number is not representable in its type. */
export const parameterBytes = (shader: Shader, values: Readonly<Record<string, number>>): DataView => {
  requireNames(
    `${shader.name}: parameters`,
    Object.keys(values),
    shader.parameters.map(({ name }) => name),
  );
  // Uniform buffers are bound in units of 16 bytes.
  const view = new DataView(new ArrayBuffer(16 * Math.max(Math.ceil(shader.parameters.length / 4), 1)));
  for (const [i, { name, type }] of shader.parameters.entries()) {
    const value = values[name]!;
    if (!representable[type](value))
      throw new GpuError(`${shader.name}: parameter ${name} is ${value}, which is no ${type}`);
    if (type === "f32") view.setFloat32(4 * i, value, true);
    else view.setInt32(4 * i, value, true);
  }
  return view;
};

/** Whether a number is representable in the type. */
const representable: Readonly<Record<ScalarType, (value: number) => boolean>> = {
  f32: (v) => Number.isFinite(Math.fround(v)),
  i32: (v) => v === (v | 0),
  u32: (v) => v === v >>> 0,
};

/** @throws GpuError that names the missing and the unknown names. */
export const requireNames = (what: string, given: readonly string[], declared: readonly string[]): void => {
  const missing = declared.filter((name) => !given.includes(name));
  const unknown = given.filter((name) => !declared.includes(name));
  if (missing.length + unknown.length === 0) return;
  const faults = [
    ...(missing.length > 0 ? [`${missing.join(", ")} missing`] : []),
    ...(unknown.length > 0 ? [`${unknown.join(", ")} not known`] : []),
  ];
  throw new GpuError(`${what}: ${faults.join("; ")} (declared: ${declared.join(", ") || "none"})`);
};
