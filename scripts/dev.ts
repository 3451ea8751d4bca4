/** `npm run dev`: the Worker in workerd on http://localhost:8787, until Ctrl-C. */

import { fileURLToPath } from "node:url";
import { buildWorker, startWorker } from "./workerd.ts";

const port = 8787;

console.log("Building the Worker …");
buildWorker();
/** Uploaded networks outlive the Worker. */
const folder = fileURLToPath(new URL("../.wrangler/models", import.meta.url));
const worker = startWorker({ port, bucket: { folder } });

const stop = async (): Promise<void> => {
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
