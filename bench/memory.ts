/**
 * Predicted and measured WASM memory, one process per case: `npm run bench -- memory`. With `--budget`: time and memory of attacks
 * whose activations are recomputed to fit a budget. With `--native [NETWORK …]`: the same of native onnxruntime.
 */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { nativeMemory } from "./memory-native.ts";
import { networks } from "./networks.ts";

interface Case {
  readonly predicted: number;
  /** Undefined where an attack does not fit its budget. */
  readonly measured?: number;
  readonly peakBytes?: number;
  readonly ms?: number;
  readonly plainMs?: number;
}

const sizes = [
  [240, 320],
  [272, 360],
  [360, 480],
  [512, 512],
] as const;

const kinds = ["forward", "given", "least-likely"] as const;

/** Below it the heap is mostly what onnxruntime takes before the first session. */
const FEWEST_BYTES = 24 * 2 ** 20;

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

const measure = (...args: readonly (string | number)[]): Case => {
  const script = fileURLToPath(new URL("memory-case.ts", import.meta.url));
  const output = execFileSync("npx", ["tsx", script, ...args.map(String)], { stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(output.toString()) as Case;
};

const prediction = ({ predicted, measured = NaN }: Case): string[] => [
  mib(predicted),
  mib(measured),
  (predicted / measured).toFixed(2),
];

const print = (row: readonly string[]): void => console.log(`| ${row.join(" | ")} |`);

const printHead = (columns: readonly string[]): void => {
  print(columns);
  print(columns.map(() => "---"));
};

/** Budgets as shares of the memory of an attack without recomputation. */
const shares = [1, 0.95, 0.9, 0.85, 0.8, 0.75];

const budgetSizes = [
  [360, 480],
  [512, 512],
] as const;

/** The E-Nets: what others take at their peak is not what they keep. */
const budgets = (): void => {
  printHead([
    "network",
    "size",
    "budget MiB",
    "predicted MiB",
    "measured MiB",
    "predicted ÷ measured",
    "step ms ÷ plain",
  ]);
  for (const { manifest } of networks().filter((n) => n.manifest.name.startsWith("enet"))) {
    for (const [h, w] of budgetSizes) {
      const within = (mebibytes: number) => measure(manifest.name, "attack", h, w, mebibytes);
      const plain = Math.ceil(within(1024).predicted / 2 ** 20);
      for (const budget of new Set([...shares.map((share) => Math.round(share * plain)), 96])) {
        const row = [manifest.name, `${h}×${w}`, String(budget)];
        const found = within(budget);
        if (found.measured === undefined) print([...row, "does not fit"]);
        else print([...row, ...prediction(found), (found.ms! / found.plainMs!).toFixed(2)]);
      }
    }
  }
};

/** Range of predicted ÷ measured memory by kind of graph. */
const summary = (found: ReadonlyMap<string, readonly Case[]>): void => {
  printHead(["graph", "cases of 24 MiB and more", "least predicted ÷ measured", "most", "mean", "within 15 %"]);
  for (const [kind, cases] of found) {
    const ratios = cases.flatMap(({ predicted, measured = 0 }) =>
      measured < FEWEST_BYTES ? [] : [predicted / measured],
    );
    const mean = ratios.reduce((sum, r) => sum + r, 0) / ratios.length;
    const near = ratios.filter((r) => Math.abs(r - 1) <= 0.15).length;
    const numbers = [Math.min(...ratios), Math.max(...ratios), mean].map((v) => v.toFixed(2));
    print([kind, String(ratios.length), ...numbers, String(near)]);
  }
};

const nativeSizes = [
  [240, 320],
  [360, 480],
] as const;

const native = (names: readonly string[]): void => {
  printHead(["network", "sessions", "size", "predicted MiB", "measured MiB", "predicted ÷ measured"]);
  for (const network of networks().filter(({ manifest }) => names.length === 0 || names.includes(manifest.name)))
    for (const [height, width] of nativeSizes)
      for (const { kind, ...found } of nativeMemory(network, { height, width }))
        print([network.manifest.name, kind, `${height}×${width}`, ...prediction(found)]);
};

export const memoryBench = async ([option, ...names]: readonly string[] = []): Promise<void> => {
  if (option === "--budget") return budgets();
  if (option === "--native") return native(names);
  printHead(["network", "graph", "size", "alive at peak MiB", "predicted MiB", "measured MiB", "predicted ÷ measured"]);
  const all = new Map<string, Case[]>(kinds.map((kind) => [kind, []]));
  // Networks with a CRF are in the list without it already.
  for (const { manifest } of networks().filter((n) => !n.manifest.crf)) {
    const { width, height } = manifest.input;
    const own = typeof width === "number" && typeof height === "number" ? [[height, width] as const] : sizes;
    for (const kind of kinds) {
      for (const [h, w] of own) {
        const found = measure(manifest.name, kind, h, w);
        all.get(kind)!.push(found);
        print([manifest.name, kind, `${h}×${w}`, mib(found.peakBytes ?? NaN), ...prediction(found)]);
      }
    }
  }
  console.log();
  summary(all);
};
