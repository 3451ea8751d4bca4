/** Predicted against measured WASM memory, a process for each case: `npm run bench -- memory`. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { networks } from "./networks.ts";

interface Case {
  readonly measured: number;
  readonly predicted: number;
  readonly peakBytes: number;
  readonly staticBytes: number;
}

const sizes = [
  [120, 160],
  [240, 320],
  [272, 360],
  [360, 480],
] as const;

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

export const memoryBench = async (): Promise<void> => {
  const script = fileURLToPath(new URL("memory-case.ts", import.meta.url));
  console.log("| network | graph | size | alive at peak MiB | predicted MiB | measured MiB | predicted ÷ measured |");
  console.log("|---|---|---|---|---|---|---|");
  for (const { manifest } of networks()) {
    const { width, height } = manifest.input;
    const own = typeof width === "number" && typeof height === "number" ? [[height, width] as const] : sizes;
    for (const kind of ["forward", "given", "least-likely"]) {
      for (const [h, w] of own) {
        const output = execFileSync("npx", ["tsx", script, manifest.name, kind, String(h), String(w)], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        const { measured, predicted, peakBytes } = JSON.parse(output.toString()) as Case;
        const row = [
          manifest.name,
          kind,
          `${h}×${w}`,
          mib(peakBytes),
          mib(predicted),
          mib(measured),
          (predicted / measured).toFixed(2),
        ];
        console.log(`| ${row.join(" | ")} |`);
      }
    }
  }
};
