/** The rows that are kept, and figures of them with intervals. */

import { existsSync, readFileSync } from "node:fs";
import type { Interval } from "../../src/report/bootstrap.ts";
import { attackName, epsilonOf } from "../../src/report/names.ts";
import { miouOf } from "../../src/report/pooled.ts";
import { createReader } from "../../src/report/reader.ts";
import { createResampling, type Replicates, type Resampling } from "../../src/report/resampling.ts";
import { commonItems, createStore, FLOAT, UINT8, type Group, type Store } from "../../src/report/store.ts";
import { pooledClean, pooledCounts } from "../../src/report/tallies.ts";
import { expandedInterval } from "./statistics.ts";

/** Draws of the bootstrap. */
export const REPLICATES = 2000;

/** A figure over images that all of its parts share. */
export interface Figure {
  readonly value: number;
  readonly interval: Interval | null;
  readonly images: number;
}

/** Which rows of a part. */
export interface Choice {
  readonly network: string;
  readonly attack: string;
  readonly epsilon: number;
  /** The network that the images were made on, where it is another. */
  readonly source?: string;
  /** What stands around the network; by default neither transformation nor another CRF. */
  readonly around?: (around: NonNullable<Group["subject"]["around"]>) => boolean;
}

/** mIoU of the attacked images as computed, and divided by that of the clean ones. */
export interface Score {
  readonly miou: number;
  readonly ratio: number;
}

const asItIs: NonNullable<Choice["around"]> = ({ transform, crf }) => transform === undefined && crf === undefined;

const isChosen = (group: Group, { network, attack, epsilon, source, around = asItIs }: Choice): boolean =>
  group.subject.model === network &&
  attackName(group) === attack &&
  epsilonOf(group) === epsilon &&
  (group.source?.model ?? undefined) === source &&
  group.repeat === undefined &&
  around(group.subject.around ?? {});

export class Evidence {
  readonly #store: Store;
  readonly #replicates: number;
  readonly #resampling: Resampling;
  readonly #drawn = new Map<string, Replicates | null>();

  constructor(store: Store, replicates = REPLICATES) {
    this.#store = store;
    this.#replicates = replicates;
    this.#resampling = createResampling(replicates, 0);
  }

  /** Computed once for each set of images. */
  #replicatesOf(group: Group, items: Int32Array): Replicates | null {
    const key = `${group.key} ${items.join()}`;
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const fresh = this.#resampling.of(group, items);
    this.#drawn.set(key, fresh);
    return fresh;
  }

  /** The rows of a choice. @throws Error where there are none, or rows of several kinds. */
  group(choice: Choice): Group {
    const found = [...this.#store.groups.values()].filter((group) => isChosen(group, choice));
    if (found.length === 1) return found[0]!;
    throw new Error(`${found.length} groups of rows are ${JSON.stringify(choice)}`);
  }

  /** Names of the images that all of these have. */
  images(choices: readonly Choice[]): number {
    return commonItems(
      this.#store,
      choices.map((choice) => this.group(choice)),
    ).length;
  }

  /** A figure of the scores of several choices, over the images that they share, with the bootstrap's interval. */
  figure(choices: readonly Choice[], of: (scores: readonly Score[]) => number): Figure {
    const groups = choices.map((choice) => this.group(choice));
    const items = commonItems(this.#store, groups);
    const scores = groups.map((group): Score => {
      const miou = miouOf(pooledCounts(group, items, { block: FLOAT }));
      return { miou, ratio: miou / miouOf(pooledClean(group.subject, items)) };
    });
    const drawn = groups.map((group) => this.#replicatesOf(group, items));
    const values = Float64Array.from({ length: items.length < 2 ? 0 : this.#replicates }, (_, b) =>
      of(drawn.map((one) => ({ miou: one!.miou[b]!, ratio: one!.ratio[b]! }))),
    );
    return { value: of(scores), interval: expandedInterval(values, items.length), images: items.length };
  }

  /** The mean IoU ratio of the images rounded to 8 bits, over the choices. */
  rounded(choices: readonly Choice[]): number {
    const groups = choices.map((choice) => this.group(choice));
    const items = commonItems(this.#store, groups);
    const ratios = groups.map(
      (group) => miouOf(pooledCounts(group, items, { block: UINT8 })) / miouOf(pooledClean(group.subject, items)),
    );
    return ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  }
}

/** The rows of parts in a folder, together; null where one has none. */
export const evidenceIn = (folder: string, parts: readonly string[]): Evidence | null => {
  const files = parts.map((part) => `${folder}/${part}.jsonl`);
  if (!files.every((file) => existsSync(file))) return null;
  const store = createStore();
  for (const file of files) {
    const reader = createReader(store);
    reader.push(readFileSync(file));
    reader.end();
  }
  return store.groups.size === 0 ? null : new Evidence(store);
};
