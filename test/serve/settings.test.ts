/** The command line of `npm run serve`, and what it refuses to start with: in one line, without a stack. */

import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultModel, folderModels } from "../../src/node/folder-models.ts";
import { help, parseSettings } from "../../src/serve/settings.ts";
import { temporaryFolder } from "../cli/terminal.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { spawnServer } from "./serving.ts";

const { path } = temporaryFolder();

/** A folder DIR/NAME for each file. */
const modelsOf = (folder: string, files: Readonly<Record<string, object | string>>): string => {
  for (const [name, manifest] of Object.entries(files)) {
    mkdirSync(path(folder, name), { recursive: true });
    const text = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
    writeFileSync(path(folder, name, "manifest.json"), text);
  }
  return path(folder);
};

const { manifest, bytes } = tinyFile();

describe("settings", () => {
  it("have defaults", () => {
    expect(parseSettings([], {})).toEqual({
      port: 8787,
      host: "localhost",
      models: "models",
      defaultModel: undefined,
      uploads: undefined,
      uploadToken: undefined,
      uploadBytes: 2 ** 28,
      budgetBytes: 2 ** 30,
      threads: 1,
      backend: "auto",
      waiting: 16,
      rate: undefined,
      tokens: [],
    });
  });

  it("have evaluations on the backend that is named, and on WASM where none is", () => {
    const evaluationsWith = (...argv: readonly string[]) =>
      parseSettings(["--evaluations", "kept", ...argv], {})!.evaluations;
    const named = evaluationsWith("--backend", "native", "--threads", "2");
    expect(named).toMatchObject({ place: "kept", backend: "native", threads: 2 });
    for (const argv of [[], ["--backend", "auto"]]) expect(evaluationsWith(...argv)?.backend).toBeUndefined();
  });

  it("are what the options and the environment say; of two the last", () => {
    const line = "--port 80 --port 81 --host 0.0.0.0 --models nets --default-model b --uploads up --upload-mib 3";
    const more = "--budget-mib 96 --threads 4 --backend wasm --waiting 0 --rate 60";
    expect(parseSettings([...line.split(" "), ...more.split(" ")], { UPLOAD_TOKEN: "t", API_TOKENS: "a, b" })).toEqual({
      port: 81,
      host: "0.0.0.0",
      models: "nets",
      defaultModel: "b",
      uploads: "up",
      uploadToken: "t",
      uploadBytes: 3 * 2 ** 20,
      budgetBytes: 96 * 2 ** 20,
      threads: 4,
      backend: "wasm",
      waiting: 0,
      rate: 60,
      tokens: ["a", "b"],
    });
  });

  it("are not looked at where the help is asked for, which names every option", () => {
    expect(parseSettings(["--help", "--port", "x"], {})).toBeNull();
    for (const name of ["port", "host", "models", "uploads", "budget-mib", "threads", "waiting", "rate"])
      expect(help).toContain(`--${name} `);
  });

  it.each([
    [["--port", "65536"], /^--port must be a whole number from 0 to 65535, not "65536"; see npm run serve -- --help$/],
    [["--port", "8e3"], /^--port .*"8e3"/],
    [["--port", ""], /^--port .*""/],
    [["--budget-mib", "0"], /^--budget-mib .* 1 to 4096/],
    [["--budget-mib", "5000"], /^--budget-mib .* 1 to 4096/],
    [["--threads", "1.5"], /^--threads /],
    [["--waiting", "-1"], /^--waiting has no value, or one that begins with "-", which is written --waiting=-…/],
    [["--prot", "1"], /^Unknown option '--prot'/],
    [["models"], /^Unexpected argument 'models'/],
  ])("refuse %j", (args, message) => {
    expect(() => parseSettings(args, {})).toThrow(message);
  });

  it("refuse an empty token, which would be none", () => {
    expect(() => parseSettings([], { UPLOAD_TOKEN: "" })).toThrow("UPLOAD_TOKEN is empty");
  });
});

describe("a folder of models", () => {
  it("gives the manifests in the order of their folders, and their files; other folders do not matter", async () => {
    const folder = modelsOf("two", { b: { ...manifest, name: "one" }, a: { ...manifest, name: "two" } });
    mkdirSync(path("two", "training"));
    writeFileSync(path("two", "notes.txt"), "");
    writeFileSync(path("two", "a", manifest.file), bytes);
    const store = await folderModels(folder);
    expect(store.manifests.map(({ name }) => name)).toEqual(["two", "one"]);
    expect(new Uint8Array(await store.read(store.manifests[0]!))).toEqual(bytes);
    await expect(store.read(store.manifests[1]!)).rejects.toThrow("ENOENT");
    expect([defaultModel(store, undefined), defaultModel(store, "one")]).toEqual(["two", "one"]);
    expect(() => defaultModel(store, "three")).toThrow('--default-model: there is no "three", only two, one');
  });

  it("answers requests that name no model with enet-street, where it is", async () => {
    const folder = modelsOf("street", { a: manifest, street: { ...manifest, name: "enet-street" } });
    expect(defaultModel(await folderModels(folder), undefined)).toBe("enet-street");
  });

  it("may hold variants, whose file is another's", async () => {
    const variant = { ...manifest, name: "half", network: "tiny" };
    const store = await folderModels(modelsOf("variants", { half: variant, whole: manifest }));
    expect(store.manifests.map(({ name }) => name)).toEqual(["half", "tiny"]);
    const alone = folderModels(modelsOf("alone", { half: variant }));
    await expect(alone).rejects.toThrow(/half\/manifest.json: network: "tiny" is no shipped network/);
  });

  it.each([
    ["no JSON", { a: "{" }, /a\/manifest.json: is not JSON: /],
    ["no manifest", { a: { ...manifest, classes: [] } }, /a\/manifest.json: the manifest is not valid: classes: /],
    ["a name twice", { a: manifest, b: manifest }, /b\/manifest.json: name: is "tiny", as in .*a\/manifest.json/],
  ])("refuses %s", async (what, files, message) => {
    await expect(folderModels(modelsOf(what, files))).rejects.toThrow(message);
  });
});

describe("the server does not start", () => {
  const refusal = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const server = spawnServer(args, env);
    const code = await server.ended;
    expect(server.stdout()).toBe("");
    expect(server.stderr()).toMatch(/^faultline: .*\n$/);
    return [code, server.stderr()] as const;
  };

  it("on a port that is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const refused = await refusal(["--host", "127.0.0.1", "--port", String(port)]);
    expect(refused).toEqual([1, `faultline: 127.0.0.1:${port} is in use; --port N takes another\n`]);
    other.close();
  });

  it("without its folder of models, with none in it, or with an option it does not know", async () => {
    mkdirSync(path("empty"));
    const refused = await Promise.all([
      refusal(["--models", path("nowhere")]),
      refusal(["--models", path("empty")]),
      refusal(["--prot", "1"]),
    ]);
    expect(refused).toEqual([
      [1, expect.stringContaining("nowhere: no such file or folder")],
      [1, expect.stringContaining("empty: holds no network")],
      [2, expect.stringContaining("Unknown option '--prot'")],
    ]);
  });

  it("where its default model cannot be opened, but prints the help", async () => {
    const broken = modelsOf("broken", { a: manifest });
    writeFileSync(path("broken", "a", manifest.file), "no network");
    expect(await refusal(["--models", broken, "--port", "0"])).toEqual([1, expect.stringContaining("sha256: ")]);
    const asked = spawnServer(["--help"]);
    expect([await asked.ended, asked.stdout(), asked.stderr()]).toEqual([0, help, ""]);
  });
});
