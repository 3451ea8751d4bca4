/** Another framework that runs a case, in a process of its own: bench/beside/*.mjs, bench/torch_gradient.py. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Timed } from "../fastest.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
export const python = process.env["FAULTLINE_PYTHON"] ?? "/usr/bin/python3";

interface Program {
  readonly command: readonly [string, string];
  /** Why it cannot run on this machine; undefined where it can. */
  readonly missing: () => string | undefined;
}

const javascript = (file: string): Program => ({
  command: [process.execPath, `${here}${file}`],
  missing: () => (existsSync(`${here}node_modules`) ? undefined : "not installed: npm ci --prefix bench/beside"),
});

const programs = {
  PyTorch: {
    command: [python, `${here}../torch_gradient.py`],
    missing: () =>
      spawnSync(python, ["-c", "import torch, onnx"]).status === 0
        ? undefined
        : `${python} has no torch and onnx (FAULTLINE_PYTHON names another)`,
  },
  "jax-js": javascript("jax.mjs"),
  "TensorFlow.js": javascript("tfjs.mjs"),
} as const satisfies Readonly<Record<string, Program>>;

export type PeerName = keyof typeof programs;

/** The peers that can run on this machine; prints why the others cannot. */
export const installedPeers = (say: (line: string) => void): ReadonlySet<PeerName> => {
  const names = Object.keys(programs) as PeerName[];
  return new Set(
    names.filter((name) => {
      const missing = programs[name].missing();
      if (missing) say(`${name}: skipped, ${missing}`);
      return missing === undefined;
    }),
  );
};

export interface Peer {
  /** Resolves to NaN once the peer has failed, as does `gradient`. */
  readonly forward: Timed;
  readonly gradient: Timed;
  /** ∂ loss/∂ image. */
  readonly result: Float32Array;
  /** Why it failed during the run; undefined where it did not. */
  readonly failure: () => string | undefined;
  readonly stop: () => void;
}

interface Answer {
  readonly ready?: true;
  readonly refused?: string;
  readonly ms?: number;
}

/** Timeout of an answer in seconds; jax-js compiles a large network for many minutes. */
const patience = Number(process.env["FAULTLINE_PATIENCE"] ?? 120);

/** Starts the peer on the case in `folder`. @throws Error with its reason where it refuses the case. */
export const startPeer = async (name: PeerName, folder: string): Promise<Peer> => {
  const [command, script] = programs[name].command;
  const child = spawn(command, [script, folder], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.on("error", () => {}); // Writing to a process that has ended fails; the missing answer is reported.
  const ended = once(child, "close");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const answer = async (): Promise<Answer> => {
    let late = false;
    const stop = () => {
      late = true;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(stop, 1000 * patience);
    const { done, value } = await lines.next();
    clearTimeout(timer);
    if (!done) return JSON.parse(value) as Answer;
    const [code, signal] = (await ended) as [number | null, string | null];
    return { refused: late ? `no answer within ${patience} s` : `it ended with ${signal ?? `status ${code}`}` };
  };
  let { refused } = await answer();
  if (refused !== undefined) {
    child.kill();
    throw new Error(refused);
  }
  const ask =
    (task: string): Timed =>
    async () => {
      if (refused !== undefined) return NaN;
      child.stdin.write(`${task}\n`);
      const { ms = NaN, ...rest } = await answer();
      ({ refused } = rest);
      return ms;
    };
  return {
    forward: ask("forward"),
    gradient: ask("gradient"),
    result: new Float32Array(Uint8Array.from(readFileSync(`${folder}/gradient.f32`)).buffer),
    failure: () => refused,
    stop: () => child.stdin.end(),
  };
};
