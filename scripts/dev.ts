/** `npm run dev [-- --port N]`: the Worker in workerd on http://localhost:8787, until Ctrl-C. */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Refusal, UsageError } from "../src/node/failure.ts";
import { parseFault, wholeNumber } from "../src/node/options.ts";
import { listen } from "../src/serve/server.ts";
import { buildWorker, startWorker } from "./workerd.ts";

/** The value of `--port`; 0: any free port. @throws UsageError for any other argument. */
const portOf = (args: readonly string[]): number => {
  try {
    const { values } = parseArgs({ args: [...args], options: { port: { type: "string", default: "8787" } } });
    return wholeNumber("port", values.port, 0, 65535);
  } catch (cause) {
    const fault = cause instanceof UsageError ? cause.message : parseFault(cause);
    throw new UsageError(`${fault}; npm run dev takes -- --port N alone`, { cause });
  }
};

/** workerd would end with the trace of a port that is taken, and after the build. @throws Refusal */
const requireFree = async (port: number): Promise<void> => {
  const { close } = await listen(() => new Response(), { host: "127.0.0.1", port, log: () => {} });
  await close();
};

const dev = async (port: number): Promise<void> => {
  await requireFree(port);
  console.log("Building the Worker …");
  buildWorker();
  /** Uploaded networks and evaluations outlive the Worker; parcels on their way do not, and are sent again by what cron does. */
  const folder = fileURLToPath(new URL("../.wrangler/models", import.meta.url));
  const worker = startWorker({ port, bucket: { folder }, evaluations: { folder } });
  const sweeping = setInterval(() => void worker.sweep().catch(console.error), 15 * 60_000);

  const stop = async (): Promise<void> => {
    clearInterval(sweeping);
    await worker.dispose();
    process.exit();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());

  const url = `http://localhost:${(await worker.ready).port}`;
  console.log(`Ready on ${url}; its pages are at /docs. For example:

curl -s ${url}/v1/attack \\
  -F image=@examples/street.png \\
  -F 'spec={"attack":"ifgsm-ii","epsilon":8};type=application/json'

Ctrl-C ends it.`);
};

try {
  await dev(portOf(process.argv.slice(2)));
} catch (error) {
  // A fault of the build or of workerd keeps its trace.
  if (!(error instanceof UsageError || error instanceof Refusal)) throw error;
  console.error(`faultline: ${error.message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
