/** `npm run serve` as a child process: where it listens, what it prints, how it ends. */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Serving {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The exit code, once everything is printed. */
  readonly ended: Promise<number | null>;
}

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** What `npm run serve` runs, compiled as it does that. */
const server = "lib/serve/main.js";
execFileSync(process.execPath, ["bin/build.js"], { cwd: root, stdio: "ignore" });

/** Starts the server. What still runs at the end of the file's tests is killed. */
export const spawnServer = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Serving => {
  const child = spawn(process.execPath, [server, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(([code]) => code as number | null);
  children.push(child);
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
};

/** Resolves when the output holds it. @throws Error with what was printed where the server ends before. */
export const printed = async (server: Serving, pattern: RegExp): Promise<RegExpExecArray> => {
  let over = false;
  void server.ended.then(() => (over = true));
  for (;;) {
    const found = pattern.exec(server.stdout());
    if (found) return found;
    if (over) throw new Error(`the server has ended: ${server.stdout()}${server.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Starts it on a free port. */
export const startServer = async (
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Serving & { readonly url: string }> => {
  const server = spawnServer(["--port", "0", ...args], env);
  const [, url] = await printed(server, /^Listening on (\S+) with /m);
  return { ...server, url: url! };
};
