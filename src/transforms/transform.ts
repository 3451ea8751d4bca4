/**
 * A transformation of the image as a graph fragment. Whatever is random in it is a graph input, drawn on the host from a
 * seed, so that one compiled graph serves every draw and the gradient is taken with the draw held.
 */

import type { Builder } from "../onnx/build.ts";
import type { Value } from "../onnx/value.ts";
import { between, integer, type Random } from "../random.ts";
import type { Size, Tensor } from "../tensor.ts";
import type { Lines } from "./lines.ts";

export type Drawn = Readonly<Record<string, Tensor<"float32">>>;
export type Inputs = Readonly<Record<string, Value>>;

/** What a transformation does to the positions of pixels, and how a map of logits is brought back to the image's. */
export interface Geometry {
  /** The size of the transformed image. */
  readonly resulting: (size: Size) => Size;
  /** Logits [1,C,h,w] of the transformed image to [1,C,H,W] at the pixels of the image. */
  readonly undo: (op: Builder, logits: Value, inputs: Inputs) => Value;
}

export interface Transform {
  /** Shapes of the float32 inputs of the fragment, for an image of this size. */
  readonly shapes: (size: Size) => Readonly<Record<string, readonly number[]>>;
  /** Values for those inputs. */
  readonly draw: (next: Random, size: Size) => Drawn;
  /** The image [1,3,H,W] in grey levels 0..255, transformed: [1,3,h,w]. */
  readonly build: (op: Builder, image: Value, inputs: Inputs) => Value;
  /** Absent where every pixel stays where it is. */
  readonly geometry?: Geometry | undefined;
  /**
   * The pixels of the image, of this size, that pixels of the transformed one are made of, for the inputs that were drawn. Absent where
   * each is made of the pixel at its own place.
   */
  readonly reads?: ((needed: Lines, inputs: Drawn, size: Size) => Lines) | undefined;
}

/** From which an option is drawn uniformly; both ends are equal where it is fixed. */
export type Interval = readonly [low: number, high: number];

export interface TransformOption {
  readonly description: string;
  readonly unit?: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly integer?: boolean;
  /** Where none is given: one number, or the interval from which it is drawn. */
  readonly default: number | Interval;
  /** The option decides the graph's shape, so that it is one number and never an interval. */
  readonly structural?: boolean;
}

export interface TransformPaper {
  readonly title: string;
  readonly authors: string;
  readonly year: number;
  /** arXiv's identifier, as in "1711.01991", where there is one. */
  readonly arxiv?: string;
}

export interface TransformEntry {
  readonly title: string;
  /** One sentence for tables and the API's prose. */
  readonly summary: string;
  /** Whether it draws even where every option is one number. */
  readonly random: boolean;
  readonly options: Readonly<Record<string, TransformOption>>;
  readonly paper: TransformPaper;
  /** @param options every option, as an interval. */
  readonly make: (options: Readonly<Record<string, Interval>>) => Transform;
}

/** A number of the interval, uniformly. */
export const drawn = (next: Random, [low, high]: Interval): number => between(next, low, high);

/** An integer of the interval, both ends included. */
export const drawnInteger = (next: Random, [low, high]: Interval): number => integer(next, low, high);
