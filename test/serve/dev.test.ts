/** `npm run dev`: what it refuses before it builds anything, in one line. That it serves is what the conformance tests are for. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

const refusal = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, ["--import", "tsx", "scripts/dev.ts", ...args], { cwd: root });
  const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return [code as number, out, said];
};

it("refuses a port that is in use, and arguments that it does not know", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const refused = await Promise.all([refusal("--port", String(port)), refusal("--bogus"), refusal("--port", "70000")]);
  other.close();
  const only = "; npm run dev takes -- --port N alone\n";
  expect(refused).toEqual([
    [1, "", `faultline: 127.0.0.1:${port} is in use; --port N takes another\n`],
    [2, "", `faultline: Unknown option '--bogus'${only}`],
    [2, "", `faultline: --port must be a whole number from 0 to 65535, not "70000"${only}`],
  ]);
});
