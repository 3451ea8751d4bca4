/** A count with its noun: "1 file", "2 files", "3 classes". */

/** @param digits the number as it is shown, where that is not plain. */
export const counted = (count: number, noun: string, digits = String(count)): string =>
  `${digits} ${count === 1 ? noun : `${noun}${noun.endsWith("s") ? "es" : "s"}`}`;
