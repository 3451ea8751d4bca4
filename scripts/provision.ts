/**
 * Creates what the Worker's bindings are bound to (docs/deploy.md), by wrangler: `npm run provision`. With `-- --dry-run` the commands are printed, and none
 * is run. What exists already is left as it is.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The names that wrangler.toml gives, in comments or not. */
const named = (toml: string, key: string): readonly string[] => [
  ...new Set(Array.from(toml.matchAll(new RegExp(`^(?:# )?${key} = "(.+)"$`, "gm")), ([, name]) => name!)),
];

/** The arguments of wrangler, in their order. A dead-letter queue is created before the queue that names it. */
const provisioning = (toml: string): readonly (readonly string[])[] => [
  ...named(toml, "bucket_name").map((name) => ["r2", "bucket", "create", name]),
  ...named(toml, "database_name").map((name) => ["d1", "create", name]),
  ...named(toml, "queue")
    .toReversed()
    .map((name) => ["queues", "create", name]),
];

const provision = (isDry: boolean): void => {
  const commands = provisioning(readFileSync(`${root}/wrangler.toml`, "utf8"));
  for (const command of commands) {
    console.log(`npx wrangler ${command.join(" ")}`);
    if (isDry) continue;
    const { status } = spawnSync("npx", ["wrangler", ...command], { cwd: root, stdio: "inherit" });
    if (status !== 0) console.log(`(it ended with ${status}: where it exists already, that is no fault)`);
  }
  console.log(
    [
      "",
      "Then uncomment the bindings in wrangler.toml, with the database_id that `d1 create` has printed, and run",
      "npx wrangler d1 migrations apply faultline-ledger --remote",
      "npx wrangler deploy",
    ].join("\n"),
  );
};

const [flag, ...others] = process.argv.slice(2);
if (others.length > 0 || (flag !== undefined && flag !== "--dry-run")) {
  console.error("usage: npm run provision [-- --dry-run]");
  process.exitCode = 2;
} else provision(flag === "--dry-run");
