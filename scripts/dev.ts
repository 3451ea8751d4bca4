/** `npm run dev`: the Worker in workerd on http://localhost:8787, until Ctrl-C. */

import { fileURLToPath } from "node:url";
import { buildWorker, startWorker } from "./workerd.ts";

const port = 8787;

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

await worker.ready;
console.log(`Ready on http://localhost:${port}; its pages are at /docs. For example:

curl -s http://localhost:${port}/v1/attack \\
  -F image=@examples/street.png \\
  -F 'spec={"attack":"ifgsm-ii","epsilon":8};type=application/json'

Ctrl-C ends it.`);
