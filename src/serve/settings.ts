/** The command line of `npm run serve`. */

import { parseArgs } from "node:util";
import {
  budgetBytes,
  optionLines,
  parseFault,
  wantedBackend,
  wholeNumber,
  type Options,
  type Values,
} from "../node/options.ts";
import type { EvaluationsOptions } from "../node/evaluations/evaluations.ts";
import { Refusal, UsageError } from "../node/failure.ts";
import type { Wanted } from "../runtime/choose.ts";

const options = {
  port: { type: "string", value: "N", default: "8787", help: "port to listen on; 0: any free port" },
  host: { type: "string", value: "NAME", default: "localhost", help: "host to listen on; 0.0.0.0: every address" },
  models: {
    type: "string",
    value: "DIR",
    default: "models",
    help: "folder of networks: NAME/manifest.json and its file",
  },
  "default-model": {
    type: "string",
    value: "NAME",
    help: "model of requests that name none; enet-street, else the first",
  },
  uploads: {
    type: "string",
    value: "DIR",
    help: "folder of uploaded networks, or s3://BUCKET/PREFIX; without it uploads are disabled",
  },
  "upload-mib": { type: "string", value: "N", default: "256", help: "maximum size of an upload" },
  "budget-mib": { type: "string", value: "N", default: "1024", help: "maximum predicted memory of a run" },
  threads: { type: "string", value: "N", default: "1", help: "number of threads of a run" },
  backend: {
    type: "string",
    value: "NAME",
    default: "auto",
    help: "backend of requests that name none: webgpu, native, wasm, or auto: the first of these that there is",
  },
  waiting: { type: "string", value: "N", default: "16", help: "maximum number of requests that wait while one runs" },
  evaluations: {
    type: "string",
    value: "DIR",
    help: "folder of evaluations of data sets (POST /v1/evaluations), or s3://BUCKET/PREFIX; without it they are disabled",
  },
  data: {
    type: "string",
    value: "DIR",
    help: "folder of data sets, each a folder or a list, that evaluations can name; or s3://BUCKET/PREFIX",
  },
  workers: { type: "string", value: "N", help: "threads of an evaluation; one for each core if absent" },
  memory: {
    type: "string",
    value: "MIB",
    help: "memory of an evaluation's threads; three fifths of the machine's if absent",
  },
  redis: { type: "string", value: "URL", help: "have evaluations carried out by faultline worker: redis://HOST:PORT" },
  "max-cpu-hours": {
    type: "string",
    value: "H",
    default: "24",
    help: "maximum processor time of a run of an evaluation, predicted and spent",
  },
  rate: { type: "string", value: "N", default: "0", help: "maximum requests per minute and client; 0: unlimited" },
  help: { type: "boolean", short: "h", help: "print this help" },
} as const satisfies Options;

export const help = `Usage: npm run serve -- [options]

Serves the HTTP API under Node. Requests run one after another. The queue is bounded; when
it is full, the response is 503 with Retry-After. SIGTERM or SIGINT finishes the current
requests and refuses all others; a second signal ends the process at once.

Options:
${optionLines(options).join("\n")}

Environment:
  UPLOAD_TOKEN  bearer token that is required to upload and delete models
  API_TOKENS    bearer tokens, separated by commas; every request that computes or changes
                something must send one of them, and --rate then applies to each token
  AWS_…         the keys, the region and the service of s3:// addresses (docs/deploy.md)
`;

export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Folder of networks. */
  readonly models: string;
  readonly defaultModel: string | undefined;
  /** Folder of uploaded networks. */
  readonly uploads: string | undefined;
  readonly uploadToken: string | undefined;
  readonly uploadBytes: number;
  readonly budgetBytes: number;
  readonly threads: number;
  readonly backend: Wanted;
  readonly waiting: number;
  /** Maximum number of requests per minute and client; undefined for no limit. */
  readonly rate: number | undefined;
  readonly tokens: readonly string[];
  /** Undefined where evaluations are disabled. */
  readonly evaluations: EvaluationsOptions | undefined;
}

const parsed = (args: readonly string[]): Values<typeof options> => {
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return values as Values<typeof options>;
  } catch (cause) {
    throw new UsageError(parseFault(cause), { cause });
  }
};

/** What only evaluations take. */
const ofEvaluations = ["data", "workers", "memory", "redis"] as const;

const evaluationsOf = (values: Values<typeof options>): EvaluationsOptions | undefined => {
  const { evaluations: place, models, uploads, data = null, redis } = values;
  const without = ofEvaluations.find((name) => values[name] !== undefined);
  if (place === undefined && without !== undefined) throw new UsageError(`--${without} goes with --evaluations DIR`);
  const hours = Number(values["max-cpu-hours"]);
  if (!(hours > 0)) throw new UsageError(`--max-cpu-hours must be a number above 0, not "${values["max-cpu-hours"]}"`);
  const whole = (name: "workers" | "memory", minimum: number, maximum: number) =>
    values[name] === undefined ? undefined : wholeNumber(name, values[name], minimum, maximum);
  const [workers, memory] = [whole("workers", 1, 4096), whole("memory", 16, 2 ** 30)];
  if (place === undefined) return undefined;
  const [wanted, threads] = [wantedBackend(values.backend), wholeNumber("threads", values.threads, 1, 64)];
  // Rows are those of the command line, and of every machine, unless a backend is named.
  const backend = wanted === "auto" ? undefined : wanted;
  return { place, models, uploads, data, redis, workers, memory, backend, threads, maxCpuHours: hours };
};

const settingsOf = (
  values: Values<typeof options>,
  uploadToken: string | undefined,
  tokens: readonly string[],
): Settings => {
  const whole = (name: "port" | "upload-mib" | "threads" | "waiting" | "rate", minimum: number, maximum: number) =>
    wholeNumber(name, values[name], minimum, maximum);
  return {
    port: whole("port", 0, 65535),
    host: values.host,
    models: values.models,
    defaultModel: values["default-model"],
    uploads: values.uploads,
    uploadToken,
    uploadBytes: whole("upload-mib", 1, 2048) * 2 ** 20,
    budgetBytes: budgetBytes(values["budget-mib"]),
    threads: whole("threads", 1, 64),
    backend: wantedBackend(values.backend),
    waiting: whole("waiting", 0, 1024),
    rate: whole("rate", 0, 1_000_000) || undefined,
    tokens,
    evaluations: evaluationsOf(values),
  };
};

/** @returns the settings, or null if help is requested. @throws UsageError, Refusal. */
export const parseSettings = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings | null => {
  const { UPLOAD_TOKEN: uploadToken, API_TOKENS: apiTokens } = environment;
  const tokens = apiTokens?.split(",").map((token) => token.trim()) ?? [];
  try {
    const values = parsed(args);
    if (values.help === true) return null;
    if (uploadToken === "") throw new Refusal("UPLOAD_TOKEN is empty; unset it, or give a token");
    if (tokens.includes(""))
      throw new Refusal("API_TOKENS has an empty token; unset it, or give tokens separated by commas");
    return settingsOf(values, uploadToken, tokens);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new UsageError(`${cause.message}; see npm run serve -- --help`, { cause });
  }
};
