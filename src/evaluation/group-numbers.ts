/** The numbers of a picture's groups: in the order of the sources, and for each in the order of its attacks. */

/** The last place of `starts` whose number is not beyond the given one. */
const lastUpTo = (starts: Float64Array, number: number): number => {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= number) low = middle;
    else high = middle;
  }
  return low;
};

export interface GroupNumbers {
  /** Of each source: from one number up to another. */
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
  /** @param number from 0. @returns its source, its attack by its place, and which of their groups it is, from 0. */
  readonly find: (number: number) => { readonly source: number; readonly place: number; readonly run: number };
}

/** @param countOf the groups of an attack on a source. */
export const numberGroups = (
  sources: number,
  attacks: number,
  countOf: (source: number, place: number) => number,
): GroupNumbers => {
  let total = 0;
  const starts = Array.from({ length: sources }, (_, source) =>
    Float64Array.from({ length: attacks }, (__, place) => {
      const start = total;
      total += countOf(source, place);
      return start;
    }),
  );
  const firsts = Float64Array.from(starts, (own) => own[0]!);
  return {
    ranges: starts.map((_, source) => ({ from: firsts[source]!, to: firsts[source + 1] ?? total })),
    find: (number) => {
      const source = lastUpTo(firsts, number);
      const own = starts[source]!;
      const place = lastUpTo(own, number);
      return { source, place, run: number - own[place]! };
    },
  };
};
