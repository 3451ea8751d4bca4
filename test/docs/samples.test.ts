/** The examples of the page /docs in curl, Python and JavaScript, run as they are printed: all on a service without networks, some on a real one. */

import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ServerType } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApp } from "../../src/api/app.ts";
import type { CodeSample } from "../../src/api/samples.ts";
import { requestSets, type DataSets } from "../../src/contract/data.ts";
import type { Evaluations } from "../../src/contract/evaluations.ts";
import type { Service } from "../../src/contract/service.ts";
import { createDataSets } from "../../src/store/data-sets.ts";
import { folderData } from "../../src/store/folder-data.ts";
import { startServer } from "../serve/serving.ts";
import { fakeEvaluation, fakeEvaluations } from "../support/fake-evaluations.ts";
import { fakeModel, fakePng, fakeService } from "../support/fake-service.ts";
import { listening } from "../support/listening.ts";
import { root } from "./documents.ts";

interface Language {
  readonly ending: string;
  /** Whether the machine has it. */
  readonly check: readonly [string, ...string[]];
  /** Runs the files one after another, up to the first that fails. */
  readonly run: readonly [string, ...string[]];
}

const languages: Readonly<Record<string, Language>> = {
  curl: {
    ending: "sh",
    check: ["curl", "--version"],
    run: ["bash", "-c", 'set -e; curl() { command curl -sS --fail "$@"; }; for each; do . "./$each"; done', "bash"], // prettier-ignore
  },
  Python: {
    ending: "py",
    check: ["python3", "-c", "import requests"],
    run: ["python3", "-c", "import runpy, sys\nfor each in sys.argv[1:]: runpy.run_path(each)"],
  },
  JavaScript: {
    ending: "mjs",
    check: [process.execPath, "--version"],
    run: [process.execPath, "--input-type=module", "-e", 'for (const each of process.argv.slice(1)) await import(`${process.cwd()}/${each}`)'], // prettier-ignore
  },
};

const here = ([program, ...args]: Language["check"]): boolean => spawnSync(program, args).status === 0;

interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string; readonly "x-codeSamples": readonly CodeSample[] }>>>>; // prettier-ignore
}

/** The examples in a language, by their operations. */
const examplesIn = async (url: string, label: string): Promise<ReadonlyMap<string, string>> => {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as Documented;
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  return new Map(
    operations.map(({ operationId, "x-codeSamples": samples }) => {
      const { source } = samples.find((sample) => sample.label === label)!;
      return [operationId, source.replaceAll("0f5c…", fakeEvaluation.id)];
    }),
  );
};

const folder = mkdtempSync(join(tmpdir(), "faultline-samples-"));

/** What they print. @throws Error with what the first that fails has said. */
const runAll = async ({ ending, run }: Language, examples: ReadonlyMap<string, string>): Promise<string> => {
  const files = [...examples].map(([name, source]) => {
    writeFileSync(join(folder, `${name}.${ending}`), `${source}\n`);
    return `${name}.${ending}`;
  });
  const [program, ...args] = run;
  const { stdout } = await promisify(execFile)(program, [...args, ...files], { cwd: folder });
  return stdout;
};

/** The evaluation was begun by POST /v1/robustness, and is done. */
const withAnswer = (evaluations: Evaluations, data: DataSets): Pick<Service, "evaluations" | "data"> => {
  const spec = { networks: ["enet-street"], data: { path: `${requestSets}0` } };
  const prepared = { spec: { attacks: ["fgsm"], epsilons: [1], threshold: 0.5 } };
  return {
    evaluations: { ...evaluations, get: async (id) => ({ ...(await evaluations.get(id)), state: "done", spec }) },
    data: {
      ...data,
      file: async () => new TextEncoder().encode(JSON.stringify(prepared)),
      remove: async (name) => (name === spec.data.path ? undefined : data.remove(name)),
    },
  };
};

describe("the examples of /docs", () => {
  let server: ServerType;
  let fake = "";
  beforeAll(async () => {
    for (const name of ["clean.png", "truth.png", "attacked.png", "model.onnx"])
      writeFileSync(join(folder, name), fakePng);
    copyFileSync(join(root, "examples/street.png"), join(folder, "street.png"));
    writeFileSync(join(folder, "manifest.json"), '{"name":"my-network"}');
    writeFileSync(join(folder, "rows.jsonl"), "{}\n");
    const uploads = {
      add: async () => ({ outcome: "created", model: fakeModel, assumed: [] }) as const,
      remove: async () => undefined,
    };
    const data = createDataSets(folderData(join(folder, "data")));
    const app = createApp(fakeService({ uploads, ...withAnswer(fakeEvaluations(), data) }));
    ({ server, url: fake } = await listening(app.fetch));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  for (const [label, language] of Object.entries(languages)) {
    const found = here(language.check);
    it.skipIf(!found)(`in ${label} are requests that the API takes${found ? "" : ": it is not here"}`, async () => {
      const examples = await examplesIn(fake, label);
      expect(examples.size).toBe(28);
      expect(await runAll(language, examples)).toContain("enet-street");
    });
  }

  it("list networks, segment and attack on a real service", async () => {
    const { url, child, ended } = await startServer();
    const names = ["listModels", "segment", "attack"];
    // Those in curl stand in the documents too, and are run there.
    for (const label of ["Python", "JavaScript"]) {
      const language = languages[label]!;
      if (!here(language.check)) continue;
      const examples = await examplesIn(url, label);
      rmSync(join(folder, "labels.png"), { force: true });
      const told = await runAll(language, new Map(names.map((name) => [name, examples.get(name)!])));
      expect([label, readFileSync(join(folder, "labels.png")).toString("latin1", 1, 4)]).toEqual([label, "PNG"]);
      expect(told).toMatch(/iouRatio/);
    }
    child.kill();
    await ended;
  });
});
