/** How far an evaluation has come: a line that is rewritten on a terminal, a line now and then elsewhere. */

import type { Io } from "./command.ts";
import { duration } from "./progress.ts";

export interface RunProgress {
  /** Evaluations of the network that are done within a parcel. */
  readonly steps: (parcel: object, count: number) => void;
  /** A parcel has ended: its evaluations count in full, whatever it needed. */
  readonly ended: (parcel: object, evaluations: number, units: number, failed: number) => void;
  readonly clear: () => void;
}

export interface RunSize {
  readonly units: number;
  /** Of the network, of all units: by these the time that is left is estimated. */
  readonly evaluations: number;
}

const CLEAR_LINE = "\r\u001B[K";
const BAR = 24;
/** Milliseconds between two lines where there is no terminal. */
const LINE_MS = 15_000;

/** @param now milliseconds. */
export const createRunProgress = (
  io: Io,
  { units, evaluations }: RunSize,
  now: () => number = () => performance.now(),
): RunProgress => {
  const started = now();
  let [done, spent, failed, told] = [0, 0, 0, started];
  /** Steps of the parcels that are being carried out. */
  const stepping = new Map<object, number>();
  const text = (): string => {
    const within = [...stepping.values()].reduce((sum, steps) => sum + steps, 0);
    const share = Math.min(1, (spent + within) / Math.max(1, evaluations));
    const elapsed = now() - started;
    const rate = (1000 * done) / Math.max(1, elapsed);
    const left = share === 0 ? "" : `, ${duration((elapsed * (1 - share)) / share)} left`;
    const faults = failed === 0 ? "" : `, ${failed} failed`;
    const filled = Math.round(BAR * share);
    const bar = io.isTerminal ? `${"█".repeat(filled)}${"░".repeat(BAR - filled)} ` : "";
    return `${bar}${done} of ${units} units, ${rate.toPrecision(2)} units/s${left}${faults}`;
  };
  const show = (): void => {
    if (io.isTerminal) io.stderr(`${CLEAR_LINE}${text()}`);
    else if (now() - told >= LINE_MS) {
      told = now();
      io.stderr(`${text()}\n`);
    }
  };
  return {
    steps: (parcel, count) => {
      stepping.set(parcel, (stepping.get(parcel) ?? 0) + count);
      show();
    },
    ended: (parcel, own, count, lost) => {
      [spent, done, failed] = [spent + own, done + count, failed + lost];
      stepping.delete(parcel);
      show();
    },
    clear: () => {
      if (io.isTerminal) io.stderr(CLEAR_LINE);
    },
  };
};
