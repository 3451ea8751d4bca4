/**
 * What an attack is: plain data. A rule says how to step, a constraint where to stay, and an objective, named here and
 * evaluated elsewhere, what to climb. An attack knows no network.
 */

import type { Random } from "../random.ts";
import type { Tensor } from "../tensor.ts";
import type { Constraint } from "./constraint.ts";

/** float32 [3,H,W], grey levels 0..255. */
export type Image = Tensor<"float32">;

/** Tensors for inputs of the objective that change from step to step. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** An objective at one image. */
export interface Evaluation {
  /**
   * ∂ value / ∂ image, shaped as the image; absent where a rule needs the value alone. It is the attack's, whose rule may overwrite it: an
   * objective gives a new array at each evaluation, and keeps none.
   */
  readonly gradient?: Image | undefined;
  /** What is climbed. */
  readonly value: number;
  /** float32 [H,W]: the objective's own value of each pixel, where it gives one. */
  readonly perPixel?: Tensor<"float32"> | undefined;
  /** Share of the pixels that the attack has not moved yet (they keep their label, or lack the target's), 0..1, where known. */
  readonly remaining?: number | undefined;
  /** uint8 [H,W]: the labels at the image, where they are known. */
  readonly labels?: Tensor<"uint8"> | undefined;
}

/** @throws RangeError where there is no gradient, or one of another size. */
export const gradientOf = ({ gradient }: Evaluation, length: number): Float32Array<ArrayBuffer> => {
  if (!gradient) throw new RangeError("the objective gives no gradient");
  if (gradient.data.length !== length) throw new RangeError("the gradient has not the image's shape");
  return gradient.data;
};

/** @throws RangeError where there is no value of each pixel, or not one for each of so many. */
export const perPixelOf = ({ perPixel }: Evaluation, pixels: number): Tensor<"float32"> => {
  if (!perPixel) throw new RangeError("the objective gives no value of each pixel");
  if (perPixel.data.length !== pixels)
    throw new RangeError("the objective's values are not those of the image's pixels");
  return perPixel;
};

/** Where an attack stands. */
export interface Clock {
  /** Counts from 1. */
  readonly step: number;
  readonly steps: number;
  /**
   * Seed of what an evaluation at this step draws: of each step of each seed another, so that a restart is an attack on draws of its own.
   * Absent: `step` stands for it.
   */
  readonly seed?: number | undefined;
}

/** A function of the image that an attack climbs; `feeds` are what the rule adds to the objective's own inputs. */
export type Objective<E extends Evaluation = Evaluation> = (image: Image, at: Clock, feeds?: Feeds) => Promise<E>;

/** What a rule remembers between steps: numbers, text and typed arrays, so that it can be written and read. */
export type State =
  | null
  | boolean
  | number
  | string
  | Float32Array
  | Int32Array
  | Uint8Array
  | readonly State[]
  | { readonly [name: string]: State };

/** Where a rule steps: around which image, how far, and with which random numbers. */
export interface Surroundings extends Clock {
  readonly clean: Float32Array;
  readonly constraint: Constraint;
  /** Random numbers of this step alone, from the attack's seed, so that a continued attack draws the same. */
  readonly random: () => Random;
}

export interface Stepped<S extends State> {
  readonly state: S;
  /** The image after the step, which nobody changes from here on: it may lie in the array of the gradient, and not in one of the state's. */
  readonly x: Float32Array<ArrayBuffer>;
  /** For inputs of the objective at the next evaluation. */
  readonly feeds?: Feeds | undefined;
  /** Where an objective that changes from step to step stands at the next evaluation, if that is not the trajectory's step. */
  readonly clock?: Clock | undefined;
  /** The attack ends here, before its steps are used up. */
  readonly done?: boolean | undefined;
}

/** What becomes of the images that an attack carries, once one of them, x, is evaluated. */
export interface Order {
  /** The objective is the largest of its stage at x: x is kept, with the gradient there. */
  readonly isHighest: boolean;
  /** x is the stage's result so far. */
  readonly isBest: boolean;
  /** A step of η from x or from where the objective was largest; or from the projection of the stage's result; or none, as that is the attack's. */
  readonly move:
    | {
        readonly kind: "step";
        readonly from: "here" | "highest";
        readonly size: number;
        /** Nothing came before it in its stage: it has no momentum. */
        readonly isFirst: boolean;
      }
    | { readonly kind: "restart" }
    | { readonly kind: "end" };
  /** Which of the attack's balls the move stays in. */
  readonly ball: number;
}

export interface Decision<P> {
  readonly pace: P;
  readonly order: Order;
  /** Where the objective stands at the next evaluation; absent at the end. */
  readonly clock?: Clock | undefined;
}

/** The decisions of a rule that takes values alone for them: the images that they move may lie here or on a device. */
export interface Pilot<P extends State = State> {
  /** Radii of the balls, as multiples of ε. */
  readonly radii: readonly number[];
  /** Before the first evaluation. */
  readonly begin: P;
  /** @param clock of the trajectory, whose `steps` count all evaluations. */
  decide(pace: P, seen: Evaluation, clock: Clock, epsilon: number): Decision<P>;
}

/**
 * How to step: functions over a state that can be written, so that an attack that was stopped at a checkpoint continues elsewhere with the
 * same bytes.
 *
 * An array of an image's size costs as much as a loop over it, so that a rule makes few. Two arguments of `next` are its own, and it may
 * overwrite them: the gradient that it is given, in which it can return the next image, and the arrays of its state that are no image `x`
 * or feed that it was given or gave (whoever keeps a state copies it, as `follow` does for a checkpoint). All others are not
 * its own: images are kept by reference, in states as well as outside.
 */
export interface Rule<S extends State = State> {
  /** By this and `parameters` a backend recognises a rule that it can carry out by itself. */
  readonly kind: string;
  readonly parameters: Readonly<Record<string, number | boolean>>;
  /** What is evaluated at each step: the objective with its gradient, its value alone, or no more than the labels. */
  readonly needs: "gradient" | "value" | "labels";
  /**
   * Evaluations beyond the attack's steps, which only judge: a rule that returns the best of its images evaluates the last
   * one of each of its stages as well. Default 0.
   */
  readonly judged?: number | undefined;
  /**
   * Evaluations of the last stage, of all that a trajectory makes, where stages before it lie within another ball or start anew;
   * absent: there is one stage.
   */
  readonly lastStage?: ((evaluations: number) => number) | undefined;
  /** How it decides, where that takes values alone and a backend can carry out the rest by itself. */
  readonly pilot?: Pilot | undefined;
  /** Before the first step: where to start, by default at the clean image itself. */
  begin(clean: Image, constraint: Constraint, random: Random): Stepped<S>;
  next(state: S, seen: Evaluation, x: Float32Array, around: Surroundings): Stepped<S>;
  /** The attack's result, where that is not the image after the last step; it may be one that the state holds. */
  result?(state: S, x: Float32Array): Float32Array;
}

/** A rule followed from one start. */
export interface Trajectory {
  readonly rule: Rule;
  /** Name of the objective that is climbed. */
  readonly objective: string;
  readonly constraint: Constraint;
  /** Evaluations of the objective: the attack's steps and those that its rule adds (`judged`). */
  readonly steps: number;
  /** Seed of all that is random: the same seed gives the same trajectory on every backend. */
  readonly seed: number;
}

/** One trajectory or several; of several, the result that leaves the fewest pixels right is the attack's. */
export interface Attack {
  readonly trajectories: readonly [Trajectory, ...Trajectory[]];
}
