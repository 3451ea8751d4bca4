/** The command line as a child that does not outlive its parent: when the channel to it closes, the command is interrupted. */

import { run } from "./main.ts";

const interrupt = (): void => void process.kill(process.pid, "SIGINT");

process.once("disconnect", interrupt);
process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
});
process.off("disconnect", interrupt);
if (process.connected) process.disconnect();
