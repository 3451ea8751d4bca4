/** The built Worker in workerd, as Cloudflare would run it: for the demo, the conformance tests and the benches. */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist/worker");

const moduleTypes = { js: "ESModule", wasm: "CompiledWasm", onnx: "Data" } as const;

/** Bundles src/worker.ts into dist/worker, with wrangler. */
export const buildWorker = (): void => {
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const options = { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false" }, stdio: "pipe" } as const;
  execFileSync(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", dist], options);
};

export interface WorkerOptions {
  /** 0, the default: any free one. */
  readonly port?: number;
  /** The Worker's variables, as in wrangler.toml. */
  readonly bindings?: Readonly<Record<string, string>>;
}

/** Starts what buildWorker built. Call `dispose` when done; `ready` gives the address. */
export const startWorker = ({ port = 0, bindings = {} }: WorkerOptions = {}): Miniflare => {
  const files = readdirSync(dist).filter((file) => file.split(".").at(-1)! in moduleTypes);
  // workerd takes the first module for the entry.
  const ordered = files.toSorted((a, b) => Number(b === "worker.js") - Number(a === "worker.js"));
  return new Miniflare({
    port,
    cf: false,
    modulesRoot: dist,
    modules: ordered.map((file) => ({
      type: moduleTypes[file.split(".").at(-1) as keyof typeof moduleTypes],
      path: join(dist, file),
      contents: new Uint8Array(readFileSync(join(dist, file))),
    })),
    compatibilityDate: "2026-04-20",
    compatibilityFlags: ["enable_request_signal"],
    bindings: { MEMORY_BUDGET_MIB: "96", ...bindings },
  });
};
