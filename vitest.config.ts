import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { configDefaults, defineConfig } from "vitest/config";
import { softwareVulkan } from "./scripts/software-vulkan.ts";
import { workerSettings } from "./scripts/workerd.ts";
import { closingLineReporter } from "./test/support/closing-line.ts";

/** Test files that replace modules. */
const replacing = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => `test/${name.replaceAll("\\", "/")}`)
  .filter((path) => readFileSync(path, "utf8").includes("vi.mock("));

/** Each of these needs modules of its own: it replaces some, or measures the memory of a WASM heap that nothing else has grown. */
const isolated = [
  ...replacing,
  "test/lowering/wasm/fit-to-budget.test.ts",
  "test/runtime/wasm/wasm.test.ts",
  "test/segmenter/stored-graphs-memory.test.ts",
];

export default defineConfig({
  test: {
    reporters: ["default", closingLineReporter()],
    // The default leaves one core to the main process, which is idle while tests run: on two cores it would halve the speed.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          name: "node",
          globalSetup: ["test/support/build-lib.ts"],
          include: ["test/**/*.test.ts"],
          // Loading the modules anew for each file would be a third of the time.
          isolate: false,
          exclude: [
            ...configDefaults.exclude,
            ...isolated,
            "test/conformance/**",
            "test/cloudflare/**",
            "test/playground/lab*.test.ts",
            "test/runtime/{gpu,webgpu}/**",
          ],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "isolated",
          globalSetup: ["test/support/build-lib.ts"],
          include: isolated,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "gpu",
          globalSetup: ["test/support/build-lib.ts"],
          include: ["test/runtime/{gpu,webgpu}/**/*.test.ts"],
          // A Vulkan driver is found through the environment that a process is started with; software Vulkan takes every core.
          pool: "forks",
          fileParallelism: false,
          env: softwareVulkan(),
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // The handlers once more, in the runtime that they are written for.
        plugins: [cloudflareTest({ miniflare: { ...workerSettings(), cf: false } })],
        test: { name: "workers", include: ["test/api/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        // Evaluations with a queue, a Workflow, D1 and R2 of workerd's own, and no network.
        plugins: [
          cloudflareTest({
            main: "test/cloudflare/main.ts",
            miniflare: {
              ...workerSettings(),
              bindings: { MIGRATIONS: await readD1Migrations("migrations") },
              modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
              cf: false,
              r2Buckets: ["DATA"],
              d1Databases: ["LEDGER"],
              queueProducers: { UNITS: "units" },
              workflows: { EVALUATION: { name: "evaluation", className: "EvaluationRun" } },
            },
          }),
        ],
        test: { name: "cloudflare", include: ["test/cloudflare/*.test.ts"] },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance/*.test.ts", "test/playground/lab*.test.ts"],
          globalSetup: ["test/conformance/build.ts"],
          // One after another: each file has a workerd of its own, and the runs in it are heavy.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
