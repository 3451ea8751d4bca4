/** models/README.md is what the manifests and measured.json say. */

import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

it("the committed page is the one that scripts/models.ts writes", () => {
  const check = () =>
    execFileSync("npx", ["--no-install", "tsx", "scripts/models.ts", "page", "--check"], { stdio: "pipe" });
  expect(check).not.toThrow();
});
