/** `faultline` as a child process: evaluations of the service are those of the command line, apart from the thread that answers requests. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { processFlags } from "../worker.ts";
import { files } from "./store.ts";

export interface CommandEnd {
  /** Null after a signal. */
  readonly code: number | null;
  readonly stdout: string;
  /** Its end. */
  readonly stderr: string;
  /** Why it was refused: of `stderr` the faults that it lists and its last word, without notes and progress; empty after a crash. */
  readonly refusal: string;
}

/** What an attached command sends. */
export interface RowsMessage {
  readonly rows: number;
}

/** Of what a command prints to stderr: it lists 50 faults at most, each a line, before its last word. */
const MAX_TEXT = 16_000;

/** Its own lines begin with its name, and what it lists is indented by two spaces; the file of the specification is none of its sender's. */
export const refusalIn = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => /^(?:faultline: | {2}\S)/.test(line))
    .map((line) => line.replace(/^faultline: /, "").replace(`${files.spec}: `, ""))
    .join("\n")
    .trim();

const entry = new URL(`../../cli/attached.${import.meta.url.slice(-2)}`, import.meta.url);

/**
 * Runs a command in a folder.
 *
 * @param signal interrupts it as Ctrl-C does: it ends at its next step.
 * @param onRows is told how many rows an evaluation has, at its start and as they come.
 */
export const runCommand = async (
  argv: readonly string[],
  folder: string,
  signal: AbortSignal,
  onRows: (rows: number) => void = () => {},
): Promise<CommandEnd> => {
  const child = spawn(process.execPath, [...processFlags(entry), fileURLToPath(entry), ...argv], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr = `${stderr}${text}`.slice(-MAX_TEXT)));
  child.on("message", ({ rows }: RowsMessage) => onRows(rows));
  const interrupt = (): void => void child.kill("SIGINT");
  if (signal.aborted) interrupt();
  else signal.addEventListener("abort", interrupt, { once: true });
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, stderr: stderr.trim(), refusal: refusalIn(stderr) };
  } finally {
    signal.removeEventListener("abort", interrupt);
  }
};
