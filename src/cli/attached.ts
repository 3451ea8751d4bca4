/** The command line as a child that does not outlive its parent: when the channel to it closes, the command is interrupted; it tells by it how far it has come. */

import type { RowsMessage } from "../node/evaluations/command.ts";
import { run } from "./main.ts";

const interrupt = (): void => void process.kill(process.pid, "SIGINT");

process.once("disconnect", interrupt);
process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  onRows: (rows) => void process.send?.({ rows } satisfies RowsMessage),
});
process.off("disconnect", interrupt);
if (process.connected) process.disconnect();
