/** What the Worker has to plan evaluations and to carry out their parcels: networks, pictures, a clock. */

import type { Files } from "../datasets/dataset.ts";
import type { StreetSample } from "../datasets/street/render.ts";
import { readItem, type Item, type LabelReading, type ReadItem } from "../evaluation/items.ts";
import type { EvaluationSpec } from "../evaluation/spec.ts";
import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import type { SessionCache } from "../segmenter/session-cache.ts";
import type { Size } from "../tensor.ts";
import type { SetFiles } from "../store/bucket-data.ts";
import type { Networks } from "./networks.ts";
import { picturesOf, type Pictures } from "./pictures.ts";

export interface PlaceOptions {
  readonly networks: Networks;
  readonly cache: SessionCache;
  /** One heavy run at a time. @throws FaultlineError busy */
  readonly exclusive: <T>(run: () => Promise<T>, signal?: AbortSignal) => Promise<T>;
  /** @throws FaultlineError where there is no such data set. */
  readonly openData: (name: string) => Promise<SetFiles>;
  readonly draw: (street: number, size: Size) => Promise<StreetSample>;
  /** Milliseconds. */
  readonly now: () => Promise<number>;
}

/** Where the pictures of an evaluation are, and how they are read. */
export interface Reading {
  readonly data: string | null;
  readonly reading: LabelReading;
  readonly size: Size;
  /** Of a network that takes them. */
  readonly manifest: Manifest;
}

export interface Place extends PlaceOptions {
  readonly picturesOf: (spec: EvaluationSpec, manifest: Manifest) => Promise<Pictures>;
  readonly read: (item: Item, reading: Reading) => Promise<ReadItem>;
}

const noFiles: Files = {
  list: () => Promise.resolve([]),
  read: () => Promise.reject(new Error("there is no data set")),
};

export const createPlace = (options: PlaceOptions): Place => {
  const { openData, draw } = options;
  return {
    ...options,
    picturesOf: (spec, manifest) => picturesOf(spec, manifest, openData),
    read: async (item, { data, reading, size, manifest }) => {
      const files = data === null ? noFiles : await openData(data);
      const source = { files, reading, draw: (street: number) => draw(street, size) };
      return readItem(item, source, channelCount(manifest.input.channels));
    },
  };
};
