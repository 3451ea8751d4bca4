/** `npm run bench -- report [ROWS] [CLASSES]`: synthetic rows, made by one process, read, folded and scored by another. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const argumentsOf = (script: string, ...rest: readonly string[]): string[] => [
  "--import",
  "tsx",
  fileURLToPath(new URL(script, import.meta.url)),
  ...rest,
];

export const reportBench = async ([rows = "1000000", classes = "11"]: readonly string[]): Promise<void> => {
  const making = spawn(process.execPath, argumentsOf("report-rows.ts", rows, classes), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const reading = spawn(process.execPath, argumentsOf("report-case.ts"), {
    stdio: [making.stdout, "inherit", "inherit"],
  });
  making.stdout.destroy();
  await once(reading, "exit");
};
