/** Transformations in a row: checked, built into a graph, drawn. */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { random } from "../random.ts";
import { spatialSize, type Size } from "../tensor.ts";
import { transformEntry, transformNames, type TransformName } from "./catalogue.ts";
import type { Lines } from "./lines.ts";
import { seedOf } from "./seed.ts";
import type { Drawn, Inputs, Interval, Transform, TransformOption } from "./transform.ts";

/** A transformation by its name, with options: a number each, or the interval [low, high] from which it is drawn. */
export interface TransformSpec {
  readonly name: TransformName;
  readonly [option: string]: number | Interval | TransformName | undefined;
}

/** A specification that is out of range; `field` names what is at fault, as in "1.quality". */
export class TransformError extends RangeError {
  override readonly name = "TransformError";
  readonly field: string;
  constructor(field: string, detail: string) {
    super(detail);
    this.field = field;
  }
}

/** More would be compiled into every graph of the network. */
export const MAX_TRANSFORMS = 8;

const intervalOf = (field: string, option: TransformOption, given: TransformSpec[string]): Interval => {
  const value = given ?? option.default;
  const { minimum, maximum, integer = false, structural = false } = option;
  const accepted = `${integer ? "an integer" : "a number"} from ${minimum} to ${maximum}`;
  const or = structural ? "" : ", or [low, high] of two such";
  const ends: unknown = typeof value === "number" ? [value, value] : value;
  const fits = (v: unknown): boolean =>
    typeof v === "number" && v >= minimum && v <= maximum && (!integer || Number.isInteger(v));
  const pair = Array.isArray(ends) && ends.length === 2 && ends.every(fits) && ends[0] <= ends[1];
  if (!pair || (structural && ends[0] !== ends[1]))
    throw new TransformError(field, `is ${JSON.stringify(value)}; it must be ${accepted}${or}`);
  return ends as unknown as Interval;
};

type Options = Readonly<Record<string, Interval>>;

const optionsOf = ({ name, ...given }: TransformSpec, index: number): Options => {
  const { options } = transformEntry(name);
  const unknown = Object.keys(given).find((option) => !Object.hasOwn(options, option));
  if (unknown !== undefined)
    throw new TransformError(
      `${index}.${unknown}`,
      `must be absent: ${name} has no such option; it takes ${Object.keys(options).join(", ")}`,
    );
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => [key, intervalOf(`${index}.${key}`, option, given[key])]),
  );
};

/** One transformation where it has been built into a graph. */
export interface Stage {
  readonly transform: Transform;
  readonly inputs: Inputs;
  readonly from: Value;
  readonly to: Value;
}

export interface Pipeline {
  /** The same for the same graph. */
  readonly key: string;
  /** Whether two draws differ. */
  readonly random: boolean;
  /** Appends the fragments to the image [1,3,H,W], with their inputs; the last stage's `to` is the transformed image. */
  readonly build: (op: Builder, image: Value) => readonly Stage[];
  /** Values for all inputs, for an image of this size. The same seed gives the same values. */
  readonly draw: (seed: number, size: Size) => Drawn;
  /**
   * The pixels of an image of this size that pixels of the transformed one are made of.
   *
   * @param counts which transformations are not taken for the identity.
   */
  readonly reads: (needed: Lines, drawn: Drawn, size: Size, counts: (transform: Transform) => boolean) => Lines;
  /** The size of the transformed image. */
  readonly resulting: (size: Size) => Size;
}

const inputName = (index: number, name: string): string => `transform_${index}_${name}`;

/** Each transformation with the size of the image that it gets. */
const sized = (made: readonly Transform[], size: Size): readonly (readonly [Transform, Size])[] => {
  let current = size;
  return made.map((transform) => {
    const own = current;
    current = transform.geometry?.resulting(own) ?? own;
    return [transform, own] as const;
  });
};

/** @throws TransformError for a name that there is not, an option out of range, or too many transformations. */
export const createPipeline = (specs: readonly TransformSpec[]): Pipeline => {
  if (specs.length === 0 || specs.length > MAX_TRANSFORMS)
    throw new TransformError("", `holds ${specs.length} transformations; 1 to ${MAX_TRANSFORMS} are taken`);
  const steps = specs.map((spec, index) => {
    if (!transformNames.includes(spec.name))
      throw new TransformError(`${index}.name`, `is "${spec.name}"; there are ${transformNames.join(", ")}`);
    return { name: spec.name, options: optionsOf(spec, index) };
  });
  const made = steps.map(({ name, options }) => transformEntry(name).make(options));
  const varies = (options: Options): boolean => Object.values(options).some(([low, high]) => low !== high);
  return {
    key: JSON.stringify(steps),
    random: steps.some(({ name, options }) => transformEntry(name).random || varies(options)),
    build: (op, image) => {
      let from = image;
      return made.map((transform, index) => {
        const shapes = Object.entries(transform.shapes(spatialSize(from)));
        const inputs = Object.fromEntries(
          shapes.map(([name, shape]) => [name, op.input(inputName(index, name), "float32", shape)]),
        );
        const stage = { transform, inputs, from, to: transform.build(op, from, inputs) };
        from = stage.to;
        return stage;
      });
    },
    draw: (seed, size) => {
      const draws = sized(made, size).map(([transform, own], index) =>
        Object.entries(transform.draw(random(seedOf(seed, index)), own)).map(
          ([name, value]) => [inputName(index, name), value] as const,
        ),
      );
      return Object.fromEntries(draws.flat());
    },
    reads: (needed, inputs, size, counts) =>
      [...sized(made, size).entries()].reduceRight((lines, [index, [transform, own]]) => {
        if (!transform.reads || !counts(transform)) return lines;
        const names = Object.keys(transform.shapes(own));
        const drawn = Object.fromEntries(names.map((name) => [name, inputs[inputName(index, name)]!]));
        return transform.reads(lines, drawn, own);
      }, needed),
    resulting: (size) => made.reduce((current, { geometry }) => geometry?.resulting(current) ?? current, size),
  };
};

/** The same transformations with every option stated. @throws TransformError for what is out of range. */
export const completed = (specs: readonly TransformSpec[]): readonly TransformSpec[] =>
  specs.map((spec, index) => ({
    ...Object.fromEntries(
      Object.entries(optionsOf(spec, index)).map(([option, [low, high]]) => [option, low === high ? low : [low, high]]),
    ),
    name: spec.name,
  }));

/** What is out of range in these transformations, as an error; null if nothing is. */
export const transformFault = (specs: readonly TransformSpec[]): TransformError | null => {
  try {
    createPipeline(specs);
    return null;
  } catch (cause) {
    if (cause instanceof TransformError) return cause;
    throw cause;
  }
};
