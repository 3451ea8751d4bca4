/** workerd and Node run the same WASM: what they compute is the same to the last bit. */
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { clientOf, type Client } from "../support/api-request.ts";
import { createService } from "../../src/service/service.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { parseManifest } from "../../src/segmenter/manifest.ts";
import { makeScene } from "./scene.ts";
import { npyOf, okJson, openWorker } from "./worker.ts";

const worker = openWorker();
let node: Client;

beforeAll(async () => {
  const folder = new URL("../../models/enet-street/", import.meta.url);
  const manifest = parseManifest(JSON.parse(await readFile(new URL("manifest.json", folder), "utf8")));
  const bytes = new Uint8Array(await readFile(new URL(manifest.file, folder)));
  const store = { manifests: [manifest], read: () => Promise.resolve(bytes) };
  node = clientOf(createService({ store, runtime: startWasm(), version: "test", defaultModel: manifest.name }));
});

describe("workerd and Node", () => {
  const files = { image: makeScene(21, 120, 88).png };

  it.each([
    { attack: "fgsm", epsilon: 2 },
    { attack: "ifgsm", epsilon: 4 },
    { attack: "ifgsm-ii", epsilon: 2.5 },
    { attack: "pgd", epsilon: 4, steps: 3, seed: 9 },
  ])("give the same adversarial image for %j", async (spec) => {
    const [here, there] = [await npyOf(node, files, spec), await npyOf(worker, files, spec)];
    expect(there.length).toBeGreaterThan(4 * 3 * 120 * 88);
    expect(Buffer.compare(here, there)).toBe(0);
  });

  it("give the same scores", async () => {
    interface Scored {
      readonly scores: unknown;
      readonly perturbation: unknown;
      readonly steps: unknown;
      readonly masking: unknown;
    }
    const spec = { attack: "ifgsm-ii", epsilon: 4 };
    const numbers = async (client: Client) => {
      const { scores, perturbation, steps, masking } = await okJson<Scored>(
        await client.form("/v1/attack", files, spec),
      );
      return { scores, perturbation, steps, masking };
    };
    expect(await numbers(worker)).toEqual(await numbers(node));
  });
});
