/** What goes to browsers, and with which headers. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "../../scripts/browser.ts";
import { createApp } from "../../src/api/app.ts";
import { isLabBuilt, labPages } from "../../src/serve/lab.ts";
import { fakeService } from "../support/fake-service.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const lockfile = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, { readonly version: string }>>;
};

describe("the bundle", () => {
  let built: Awaited<ReturnType<typeof bundle>>;
  beforeAll(async () => {
    built = await bundle(join(root, "dist/nowhere"), false);
  });
  const text = () => (built.outputFiles ?? []).filter(({ path }) => path.endsWith(".js")).map((file) => file.text);

  it("imports nothing of Node, nothing from elsewhere and nothing that is not in it", () => {
    expect(text().length).toBeGreaterThan(2);
    // onnxruntime asks Node's "os" for the cores where there is no navigator, by a function that browsers never call.
    const elsewhere = /\b(?:import|from)\s*\(?\s*["'`](?:node:|https?:)|https?:\/\/(?:cdn|unpkg|esm)|jsdelivr/;
    for (const source of text()) expect(elsewhere.exec(source)?.[0]).toBeUndefined();
    const imports = Object.values(built.metafile.outputs).flatMap((output) => output.imports);
    expect(imports.filter(({ external }) => external)).toEqual([]);
  });

  it("has onnxruntime's files of the lockfile's version beside it, none larger than Cloudflare's 25 MiB", () => {
    const { version } = lockfile.packages["node_modules/onnxruntime-web"]!;
    const installed = readFileSync(join(root, "node_modules/onnxruntime-web/package.json"), "utf8");
    expect((JSON.parse(installed) as { readonly version: string }).version).toBe(version);
    const files = Object.entries(built.metafile.outputs).map(([path, { bytes }]) => ({ path, bytes }));
    expect(files.filter(({ path }) => /ort-wasm.*\.(wasm|mjs|gz)$/.test(path))).toHaveLength(4);
    for (const { bytes } of files) expect(bytes).toBeLessThan(25 * 2 ** 20);
  });

  it("begins with nothing that only the dialog of a network or a report needs", () => {
    const { outputs } = built.metafile;
    const reached = new Set(Object.keys(outputs).filter((path) => outputs[path]!.entryPoint?.endsWith("/page.ts")));
    for (const path of reached)
      for (const { path: next, kind } of outputs[path]!.imports) if (kind === "import-statement") reached.add(next);
    const inputs = [...reached].flatMap((path) => Object.keys(outputs[path]!.inputs));
    expect(inputs).toEqual(expect.arrayContaining(["src/playground/page.ts", "src/playground/client.ts"]));
    expect(inputs.filter((input) => /\/(?:zod|vega[^/]*)\/|^src\/datasets\//.test(input))).toEqual([]);
  });

  it("leaves WebGPU's part for those who have it", () => {
    const page = Object.entries(built.metafile.outputs).filter(([, { entryPoint }]) => entryPoint);
    for (const [path, { inputs }] of page) {
      const webgpu = Object.keys(inputs).filter((input) => input.includes("ort.webgpu"));
      expect([path, path.includes("assets/") ? [] : webgpu]).toEqual([path, []]);
    }
  });
});

describe("in Node", () => {
  const folder = mkdtempSync(join(tmpdir(), "faultline-lab-"));
  beforeAll(() => {
    mkdirSync(join(folder, "lab/assets"), { recursive: true });
    writeFileSync(join(folder, "lab.html"), "<title>Lab</title>");
    writeFileSync(join(folder, "lab/page.js"), "export {}");
    writeFileSync(join(folder, "lab/assets/ort-1234.wasm"), new Uint8Array(8));
    writeFileSync(join(folder, "secret"), "secret");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("the page and its files are served, isolated and with a policy that lets nothing out", async () => {
    const app = new Hono().route("/", labPages(folder));
    const page = await app.request("/lab");
    expect([page.status, await page.text()]).toEqual([200, "<title>Lab</title>"]);
    for (const path of ["/lab", "/lab/page.js", "/lab/assets/ort-1234.wasm"]) {
      const { headers } = await app.request(path);
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
      expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*connect-src 'self' blob:;/);
      expect(headers.get("cache-control")).toBe(
        path.includes("assets") ? "public, max-age=31536000, immutable" : "no-cache",
      );
    }
    expect((await app.request("/lab/assets/ort-1234.wasm")).headers.get("content-type")).toBe("application/wasm");
    for (const path of ["/lab/..%2fsecret", "/lab/../secret", "/lab/%2e%2e/secret", "/lab/none"])
      expect([path, (await app.request(path)).status]).toEqual([path, 404]);
  });

  it("there is neither page nor form where none was built, and the answers name the command", async () => {
    const asked = async (place: string, path: string): Promise<string> => {
      const app = createApp(fakeService(), { hasLab: isLabBuilt(place) }).route("/", labPages(place));
      return (await app.request(path)).text();
    };
    const nothing = join(folder, "nothing");
    for (const path of ["/lab", "/lab/try-it.js"])
      expect(JSON.parse(await asked(nothing, path))).toMatchObject({
        status: 404,
        detail: expect.stringMatching(/^Nothing is served at \/lab.*\. .*`npm run build:browser`/),
      });
    expect(JSON.parse(await asked(nothing, "/labs"))).toMatchObject({
      detail: "Nothing is served at /labs; see /docs.",
    });
    expect(await asked(nothing, "/docs")).toMatch(/<code>npm run build:browser<\/code>/);
    expect(await asked(nothing, "/docs")).not.toMatch(/<script|<form|Try it/);
    expect(await asked(folder, "/docs")).toMatch(/<script/);
    expect(await asked(folder, "/docs")).not.toContain("build:browser");
  });
});
