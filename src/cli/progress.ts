/** How far a long command has come: one line that is rewritten on a terminal; elsewhere a line for each picture, and every half minute one for its steps. */

import type { Io } from "./command.ts";

/** A duration in at most two units: 45 s, 3 min 20 s, 2 h 5 min. */
export const duration = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export interface Progress {
  /** Begins the next item. */
  readonly begin: (item: string) => void;
  /** One of the steps of all items is done; `text` describes it. */
  readonly step: (text: string) => void;
  /** Ends the item; `text` is its result. The steps that it did not need are counted as done. */
  readonly end: (text: string) => void;
  /** Removes the line from a terminal. */
  readonly clear: () => void;
}

/** Milliseconds between lines of one item's steps, where no line is rewritten. */
const BETWEEN_LINES = 30_000;

const CLEAR_LINE = "\r\u001B[K";

/**
 * @param items the number of items.
 * @param steps the number of steps of each.
 * @param now milliseconds.
 */
export const createProgress = (
  io: Io,
  { items, steps }: { readonly items: number; readonly steps: number },
  now: () => number = () => performance.now(),
): Progress => {
  const rewritten = io.isTerminal === true;
  const started = now();
  let [item, ended, done, written] = ["", 0, 0, started];
  // The mean duration of the steps so far holds for those that are left.
  const remaining = (): string => {
    const all = items * steps;
    const past = ended * steps + done;
    return past === 0 ? "" : `, ${duration(((now() - started) / past) * (all - past))} left`;
  };
  /** A whole line, where none is rewritten. */
  const line = (text: string): void => {
    written = now();
    io.stderr(`${head()}${text}\n`);
  };
  const head = (): string => `${items > 1 ? `${ended + 1}/${items} ` : ""}${item}`;
  return {
    begin: (name) => {
      [item, done] = [name, 0];
      if (rewritten) io.stderr(`${CLEAR_LINE}${head()}`);
      else line(` …${remaining()}`);
    },
    step: (text) => {
      done = Math.min(done + 1, steps);
      const told = `: step ${done}/${steps}, ${text}${remaining()}`;
      if (rewritten) io.stderr(`${CLEAR_LINE}${head()}${told}`);
      else if (now() - written >= BETWEEN_LINES) line(told);
    },
    end: (text) => {
      if (!rewritten) line(`: ${text}`);
      ended += 1;
      done = 0;
    },
    clear: () => {
      if (rewritten) io.stderr(CLEAR_LINE);
    },
  };
};
