/**
 * Runs of one graph that several tasks wait for at the same time are carried out as one run of a batch: attacks of any kind go in
 * lock step without knowing of each other, each with its own ball, loss and counts.
 */

import { tensor, type DataOf, type Size, type Tensor } from "../tensor.ts";
import type { Session } from "../runtime/session.ts";
import type { SessionSource } from "./session-source.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** The graph for a batch of that many; null where there is none, or where it is not faster. */
export type SourceOf = (batch: number) => SessionSource | null;

export interface Gather {
  /** How many images of this size are run together where so many tasks wait: a power of two; 1 where a batch is not faster. */
  readonly most: (size: Size) => number;
  /** Carries out tasks at the same time. None of them may wait for another. */
  readonly lanes: <T>(tasks: readonly (() => Promise<T>)[]) => Promise<readonly T[]>;
  /** Runs a graph of one image; the first axis of each tensor is that of the batch. */
  readonly run: (sourceOf: SourceOf, feeds: Tensors) => Promise<Tensors>;
}

/** Of a batch together: with more, an evaluation on the processor is not faster (docs/measured.md). */
const BATCH_PIXELS = 8 * 48 * 64;
const [SMALLEST, LARGEST] = [4, 8];

interface Waiting {
  readonly sourceOf: SourceOf;
  readonly feeds: Tensors;
  readonly resolve: (outputs: Tensors) => void;
  readonly reject: (cause: unknown) => void;
}

const typed = (like: Tensor, shape: readonly number[], data: DataOf): Tensor => tensor(like.dtype, shape, data);

/** The tensors of several images, one after another. */
const stacked = (each: readonly Tensors[]): Tensors =>
  Object.fromEntries(
    Object.entries(each[0]!).map(([name, first]) => {
      const { length } = first.data;
      const data = new (first.data.constructor as new (length: number) => DataOf)(each.length * length);
      for (const [i, { [name]: own }] of each.entries())
        (data as Float32Array).set(own!.data as Float32Array, i * length);
      return [name, typed(first, [each.length * first.shape[0]!, ...first.shape.slice(1)], data)];
    }),
  );

/** The tensors of one image of a batch. */
const part = (outputs: Tensors, index: number, batch: number): Tensors =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, whole]) => {
      const length = whole.data.length / batch;
      const data = whole.data.slice(index * length, (index + 1) * length);
      return [name, typed(whole, [1, ...whole.shape.slice(1)], data)];
    }),
  );

export const createGather = (session: (source: SessionSource) => Promise<Session>): Gather => {
  let lanes = 0;
  let waiting: Waiting[] = [];

  const alone = async ({ sourceOf, feeds }: Pick<Waiting, "sourceOf" | "feeds">): Promise<Tensors> =>
    (await session(sourceOf(1)!)).run(feeds);

  /** All of them wait for one graph. */
  const together = async (group: readonly Waiting[]): Promise<readonly Tensors[]> => {
    const { sourceOf } = group[0]!;
    for (let batch = LARGEST; batch > 1; batch /= 2) {
      const source = batch <= group.length ? sourceOf(batch) : null;
      if (!source) continue;
      const [now, later] = [group.slice(0, batch), group.slice(batch)];
      const outputs = await (await session(source)).run(stacked(now.map(({ feeds }) => feeds)));
      return [...now.map((_, i) => part(outputs, i, batch)), ...(later.length > 0 ? await together(later) : [])];
    }
    const each: Tensors[] = [];
    for (const own of group) each.push(await alone(own));
    return each;
  };

  /** Where every lane waits, nothing more can come. */
  const flush = async (): Promise<void> => {
    if (waiting.length === 0 || waiting.length < lanes) return;
    const groups = new Map<string, Waiting[]>();
    for (const own of waiting) {
      const { key } = own.sourceOf(1)!;
      groups.set(key, [...(groups.get(key) ?? []), own]);
    }
    waiting = [];
    for (const group of groups.values()) {
      try {
        const outputs = await together(group);
        for (const [i, { resolve }] of group.entries()) resolve(outputs[i]!);
      } catch (cause) {
        for (const { reject } of group) reject(cause);
      }
    }
  };

  return {
    most: ({ height, width }) => {
      const fitting = Math.min(LARGEST, BATCH_PIXELS / (height * width));
      return fitting < SMALLEST ? 1 : 2 ** Math.floor(Math.log2(fitting));
    },
    lanes: (tasks) => {
      lanes += tasks.length;
      return Promise.all(
        tasks.map(async (task) => {
          try {
            return await task();
          } finally {
            lanes -= 1;
            void flush();
          }
        }),
      );
    },
    run: (sourceOf, feeds) => {
      if (lanes < 2) return alone({ sourceOf, feeds });
      return new Promise((resolve, reject) => {
        waiting.push({ sourceOf, feeds, resolve, reject });
        void flush();
      });
    },
  };
};
