/** The command line as a child that does not outlive its parent: when the channel to it closes, the command is interrupted, and ends soon; it tells by it how far it has come. */

import type { RowsMessage } from "../node/evaluations/command.ts";
import { run } from "./main.ts";

/** A step, or a bucket that does not answer, may last for longer than another service waits for the place of the rows (two beats of its lease at least, 20 s). */
const GRACE_MS = 5000;

const abandoned = (): void => {
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  process.kill(process.pid, "SIGINT");
};

process.once("disconnect", abandoned);
process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  onRows: (rows) => void process.send?.({ rows } satisfies RowsMessage),
});
process.off("disconnect", abandoned);
if (process.connected) process.disconnect();
