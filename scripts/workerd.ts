/** The built Worker in workerd, as Cloudflare would run it: for the demo, the conformance tests and the benches. */

import { execFileSync } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist/worker");

const moduleTypes = { js: "ESModule", wasm: "CompiledWasm" } as const;
type Extension = keyof typeof moduleTypes;

const extensionOf = (file: string): string => file.split(".").at(-1)!;

/** Bundles src/worker.ts into dist/worker, and the networks and the page /lab into dist/browser, with wrangler; needs no account and no network. */
export const buildWorker = (): void => {
  rmSync(dist, { recursive: true, force: true });
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const quiet = {
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_LOG_PATH: join(root, ".wrangler/logs"),
  };
  const options = { cwd: root, env: { ...process.env, ...quiet }, stdio: "pipe", encoding: "utf8" } as const;
  execFileSync(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", dist], options);
};

/** The settings of wrangler.toml, so that the Worker runs as it is deployed. TOML's strings and lists of strings are JSON. */
export const workerSettings = () => {
  const toml = readFileSync(join(root, "wrangler.toml"), "utf8");
  const setting = (name: string): unknown => {
    const text = new RegExp(`^${name} = (.+)$`, "m").exec(toml)?.[1];
    if (text === undefined) throw new Error(`wrangler.toml sets no ${name}`);
    return JSON.parse(text);
  };
  return {
    compatibilityDate: setting("compatibility_date") as string,
    compatibilityFlags: setting("compatibility_flags") as string[],
    bindings: {
      MEMORY_BUDGET_MIB: setting("MEMORY_BUDGET_MIB") as string,
      UPLOAD_LIMIT_MIB: setting("UPLOAD_LIMIT_MIB") as string,
      DOLLARS_PER_CPU_HOUR: setting("DOLLARS_PER_CPU_HOUR") as string,
      MAX_CPU_HOURS: setting("MAX_CPU_HOURS") as string,
      QUEUE_CONSUMERS: setting("QUEUE_CONSUMERS") as string,
    },
  };
};

export interface WorkerOptions {
  /** Port; 0, the default: any free one. */
  readonly port?: number;
  /** Replace the variables of wrangler.toml. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Binds a bucket for uploads, in memory or in a folder. Default: none. */
  readonly bucket?: Kept;
  /** Binds what evaluations need. The queue is in memory in any case. Default: none of it. */
  readonly evaluations?: Kept;
}

type Kept = "forgotten" | { readonly folder: string };

/** The queue as wrangler.toml has it, where evaluations are enabled. */
export const unitQueue = (name: string) => {
  const consumer = { maxBatchSize: 1, maxBatchTimeout: 0, maxRetries: 20 };
  return {
    queueProducers: { [name]: "faultline-units" },
    queueConsumers: {
      "faultline-units": { ...consumer, deadLetterQueue: "faultline-units-dead" },
      "faultline-units-dead": consumer,
    },
  };
};

/** Makes the tables of the ledger, where they are not there. */
export const migrate = async (db: Pick<D1Database, "prepare">): Promise<void> => {
  const folder = join(root, "migrations");
  for (const file of readdirSync(folder).toSorted()) {
    const statements = readFileSync(join(folder, file), "utf8").replaceAll(/--.*$/gm, "").split(";");
    for (const statement of statements) if (statement.trim() !== "") await db.prepare(statement.trim()).run();
  }
};

export interface RunningWorker {
  /** Resolves to its URL once it listens. */
  readonly ready: Promise<URL>;
  readonly dispose: () => Promise<void>;
  /** Does what cron does. */
  readonly sweep: () => Promise<void>;
}

/**
 * Miniflare's queue writes a line to a server of this process after each batch, and delivers nothing more once that has failed. Node closes connections after 5 s
 * without a request; workerd, busy with a parcel for longer, would write to a closed one.
 */
const keepConnections = (message: unknown): void => {
  const { request, server } = message as { readonly request: IncomingMessage; readonly server: Server };
  if (request.url?.startsWith("/core/")) server.keepAliveTimeout = 0;
};

/**
 * Starts the Worker that `buildWorker` built. It listens on a socket of its own, because Miniflare's proxy would hide from it that a
 * client has disconnected.
 */
export const startWorker = (options: WorkerOptions = {}): RunningWorker => {
  const { port = 0, bindings = {}, bucket, evaluations } = options;
  const kept = [bucket, evaluations].find((each) => typeof each === "object");
  const files = readdirSync(dist).filter((file) => extensionOf(file) in moduleTypes);
  // The first module is workerd's entry.
  const ordered = files.toSorted((a, b) => Number(b === "worker.js") - Number(a === "worker.js"));
  const settings = workerSettings();
  subscribe("http.server.request.start", keepConnections);
  const miniflare = new Miniflare({
    ...settings,
    // Miniflare's queue has one consumer, and delivers a batch when the one before it has ended.
    bindings: { ...settings.bindings, QUEUE_CONSUMERS: "1", ...bindings },
    r2Buckets: [...(bucket ? ["MODELS"] : []), ...(evaluations ? ["DATA"] : [])],
    ...(kept && { r2Persist: kept.folder, d1Persist: kept.folder, workflowsPersist: kept.folder }),
    ...(evaluations && {
      d1Databases: ["LEDGER"],
      workflows: { EVALUATION: { name: "faultline-evaluation", className: "EvaluationRun" } },
      ...unitQueue("UNITS"),
    }),
    cf: false,
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
    assets: { directory: join(root, "dist/browser"), binding: "ASSETS", routerConfig: { has_user_worker: true } },
    modulesRoot: dist,
    modules: ordered.map((file) => ({
      type: moduleTypes[extensionOf(file) as Extension],
      path: join(dist, file),
      contents: new Uint8Array(readFileSync(join(dist, file))),
    })),
  });
  const ready = async (): Promise<URL> => {
    const url = await miniflare.unsafeGetDirectURL();
    if (evaluations) await migrate(await miniflare.getD1Database("LEDGER"));
    return url;
  };
  return {
    ready: ready(),
    dispose: () => miniflare.dispose(),
    sweep: async () => void (await (await miniflare.getWorker()).scheduled({ cron: "*/15 * * * *" })),
  };
};
