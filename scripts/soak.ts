/**
 * Mixed traffic at twice the capacity of `npm run serve`, with faults mixed in: `npm run soak -- [--minutes N] [--clients N]`.
 *
 * The server runs as a child with room for one run and `WAITING` that wait; about twice as many clients send requests one after
 * another: predictions, attacks, scores, lists, uploads, broken bodies, and requests that are given up. The script fails where an
 * answer has status 500 or another that its kind of request does not have, where an answer is not the one that the same request had
 * alone (a lost or mixed-up answer), where health is not answered, where the queue holds more than it may, or where the server's
 * memory at the end is more than 5 % above that after warming up. Its last lines are the figures.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { kinds, type Kind } from "./soak/traffic.ts";

const WAITING = 4;
/** The share of the time after which memory is taken as warmed up, and its allowed growth from there. */
const WARM = 0.25;
const GROWTH = 1.05;
/** An answer that takes longer is lost. */
const PATIENCE_MS = 180_000;
/** Between two readings of the memory. */
const SAMPLE_MS = 2000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    clients: { type: "string", default: String(2 * (WAITING + 1)) },
  },
});
const minutes = Number(values.minutes);
const root = fileURLToPath(new URL("..", import.meta.url));
const uploads = mkdtempSync(join(tmpdir(), "faultline-soak-"));
const options = ["--port", "0", "--waiting", String(WAITING), "--budget-mib", "256", "--backend", "wasm", "--uploads", uploads]; // prettier-ignore
const server = spawn(process.execPath, ["--import", "tsx", "src/serve/main.ts", ...options], {
  cwd: root,
  // As in the Docker image.
  env: { ...process.env, MALLOC_ARENA_MAX: "2" },
  stdio: ["ignore", "pipe", "pipe"],
});
let [output, complaints] = ["", ""];
server.stdout.setEncoding("utf8").on("data", (text: string) => (output = `${output}${text}`.slice(-10_000)));
server.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = `${complaints}${text}`.slice(-10_000)));

const listening = async (): Promise<string> => {
  for (;;) {
    const found = /^Listening on (\S+) with /m.exec(output);
    if (found) return found[1]!;
    if (server.exitCode !== null) throw new Error(`the server has ended: ${output}${complaints}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Resident bytes of the server; null where the system has no /proc. */
const residentBytes = (): number | null => {
  try {
    const pages = Number(readFileSync(`/proc/${server.pid}/statm`, "utf8").split(" ")[1]);
    return pages * 4096;
  } catch {
    return null;
  }
};

const faults: string[] = [];
const counts = new Map<string, number>();
const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);

/** The answers of the requests that always have the same, as they were alone. */
const expected = new Map<string, string>();

const perform = async (url: string, kind: Kind, alone: boolean): Promise<void> => {
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer after ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
    timer.unref();
  });
  const { status, digest } = await Promise.race([kind.send(url), late]);
  count(`${kind.name} ${status}`);
  if (!kind.allowed.includes(status)) faults.push(`${kind.name}: status ${status}`);
  if (status !== 200 || digest === null) return;
  if (alone) expected.set(kind.name, digest);
  else if (expected.get(kind.name) !== digest) faults.push(`${kind.name}: another answer than alone`);
};

const client = async (url: string, number: number, until: number): Promise<void> => {
  for (let turn = number; performance.now() < until && faults.length < 20; turn += 7) {
    const kind = kinds[turn % kinds.length]!;
    await perform(url, kind, false).catch((cause: unknown) => faults.push(`${kind.name}: ${String(cause)}`));
  }
};

const watch = async (url: string, until: number, samples: number[]): Promise<void> => {
  while (performance.now() < until) {
    const bytes = residentBytes();
    if (bytes !== null) samples.push(bytes);
    const health = await fetch(`${url}/health/live`).then(
      ({ status }) => status,
      () => 0,
    );
    count(`health ${health}`);
    if (health !== 200) faults.push(`health: status ${health}`);
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
};

const largest = (samples: readonly number[]): number => samples.reduce((most, v) => Math.max(most, v), 0);
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => server.kill("SIGTERM"));

try {
  const url = await listening();
  for (const kind of kinds) await perform(url, kind, true);
  console.log(
    `${expected.size} of ${kinds.length} kinds of requests have the same answer each time; the traffic begins`,
  );
  counts.clear();
  const start = performance.now();
  const until = start + minutes * 60_000;
  const samples: number[] = [];
  const clients = Array.from({ length: Number(values.clients) }, (_, i) => client(url, i, until));
  await Promise.all([watch(url, until, samples), ...clients]);
  const warm = Math.floor(WARM * samples.length);
  const [early, late] = [samples.slice(warm, 2 * warm), samples.slice(samples.length - warm)].map(largest) as [number, number]; // prettier-ignore
  if (early > 0 && late > GROWTH * early) faults.push(`memory grew from ${mib(early)} to ${mib(late)}`);
  if (/internal|TypeError|at file:/.test(complaints)) faults.push(`the server's log: ${complaints.slice(0, 500)}`);
  const seconds = (performance.now() - start) / 1000;
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  console.log(`${total} requests in ${seconds.toFixed(0)} s by ${values.clients} clients; memory ${mib(early)} after warming up, ${mib(late)} at the end`); // prettier-ignore
  for (const [name, n] of [...counts].toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${String(n).padStart(7)}  ${name}`);
} catch (cause) {
  faults.push(String(cause));
} finally {
  server.kill("SIGTERM");
  rmSync(uploads, { recursive: true, force: true });
}
for (const fault of new Set(faults)) console.error(fault);
console.log(faults.length === 0 ? "no fault" : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
