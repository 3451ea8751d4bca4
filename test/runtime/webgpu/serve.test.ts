/** `npm run serve` on WebGPU: the runtime in a process of its own, the backend by request, and what the answers say. */

import { toLeastLikely } from "../../support/aims.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tryNetwork } from "../../../src/cli/trial.ts";
import type { AttackResult } from "../../../src/contract/attack.ts";
import { startGpuProcess } from "../../../src/node/runtime.ts";
import type { Bounds } from "../../../src/runtime/session.ts";
import { SessionCache } from "../../../src/segmenter/session-cache.ts";
import type { DeviceAscent } from "../../../src/segmenter/climb.ts";
import { createSegmenter } from "../../../src/segmenter/segmenter.ts";
import { temporaryFolder } from "../../cli/terminal.ts";
import { imagePng, tiny } from "../../service/tiny-service.ts";
import { startServer } from "../../serve/serving.ts";
import { gpuNote, hasGpu } from "../../support/gpu.ts";
import { noiseImage } from "../../support/networks/image.ts";
import { tinyNetwork } from "../../support/networks/tiny.ts";

const { path } = temporaryFolder();

const models = (): string => {
  const folder = path("models");
  mkdirSync(`${folder}/tiny`, { recursive: true });
  writeFileSync(`${folder}/tiny/manifest.json`, JSON.stringify(tiny.manifest));
  writeFileSync(`${folder}/tiny/model.onnx`, tiny.bytes);
  return folder;
};

const ascentOf = (): DeviceAscent => {
  const start = noiseImage(12, 16, 5);
  const end = (by: number) => start.data.map((v) => Math.min(255, Math.max(0, v + by)));
  return { start, walk: { kind: "sign", low: end(-8), high: end(8), alpha: 1 }, steps: 4 };
};

describe.skipIf(!hasGpu)(`a GPU host${gpuNote}`, () => {
  it("attacks where a request asks to, with the same image on both backends, and says where and why", async () => {
    const server = await startServer(["--models", models()]);
    const attack = async (backend?: string): Promise<AttackResult> => {
      const form = new FormData();
      form.set("image", new Blob([new Uint8Array(imagePng)]), "image.png");
      const spec = { attack: "ifgsm", epsilon: 8, images: ["adversarial-npy"], ...(backend && { backend }) };
      form.set("spec", JSON.stringify(spec));
      const response = await fetch(`${server.url}/v1/attack`, { method: "POST", body: form });
      expect([response.status, await response.clone().text()]).toEqual([200, expect.any(String)]);
      return (await response.json()) as AttackResult;
    };
    const [gpu, wasm, auto] = [await attack("webgpu"), await attack("wasm"), await attack()];
    expect([gpu, wasm].map(({ receipt }) => receipt.backend)).toEqual(["webgpu", "wasm"]);
    expect(gpu.receipt.backendWhy).toMatch(/^there is an adapter, .+, and the whole network runs on it$/);
    expect(auto.receipt.backendWhy).toMatch(/software|whole network/); // VK_DRIVER_FILES may name a GPU
    expect(gpu.images).toEqual(wasm.images);
    expect(gpu.scores).toEqual(wasm.scores);
    expect(gpu.steps.map(({ changedPixelShare }) => changedPixelShare)).toEqual(
      wasm.steps.map(({ changedPixelShare }) => changedPixelShare),
    );
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);
  });

  it("is where a command runs its network, if that is asked of it", async () => {
    const trial = await tryNetwork(tinyNetwork(), true, { wanted: "webgpu", threads: 1 }, () => undefined);
    expect(trial.choice.backend).toBe("webgpu");
    expect(trial.gradientMs).toBeGreaterThan(0);
    expect(
      (await tryNetwork(tinyNetwork(), false, { wanted: "auto", threads: 1 }, () => undefined)).choice.why,
    ).toMatch(/software|whole network/);
  });

  it("starts another process after a crash, and stops an ascent that is aborted", async () => {
    const crashes: string[] = [];
    const { runtime } = await startGpuProcess((reason) => crashes.push(reason));
    const segmenter = createSegmenter(tinyNetwork(), new SessionCache(runtime, 2 ** 30));
    const climb = segmenter.onDevice(toLeastLikely)!;
    const expected = await climb(ascentOf());

    // What the watcher orders reaches the process: one step of 8 and the end are a step by signs.
    const { walk, ...ascent } = ascentOf();
    const { low, high } = walk as Bounds;
    const step = { kind: "step", from: "here", size: 8, isFirst: true } as const;
    const led = await climb(
      { ...ascent, walk: { kind: "led", balls: [{ low, high }] }, steps: 2 },
      {
        onStep: ({ step: at }) => ({
          order: { isHighest: false, isBest: at === 2, move: at === 1 ? step : { kind: "end" }, ball: 0 },
        }),
      },
    );
    const single = { ...ascent, walk: { kind: "sign", low, high, alpha: 8 } as const, steps: 1 };
    expect(led.data).toEqual((await climb(single)).data);

    const stop = new AbortController();
    const aborted = climb(ascentOf(), { signal: stop.signal, onStep: () => stop.abort("enough") });
    await expect(aborted).rejects.toBe("enough");
    const failing = climb(ascentOf(), {
      onStep: () => {
        throw new Error("the watcher fails");
      },
    });
    await expect(failing).rejects.toThrow("the watcher fails");

    const told: number[] = [];
    const ended = climb(ascentOf(), {
      onStep: async ({ step }) => {
        told.push(step);
        if (step === 2) process.kill(runtime.processId()!, "SIGKILL");
      },
    });
    await expect(ended).rejects.toThrow(/process has ended/);
    expect(crashes).toEqual([expect.stringContaining("SIGKILL")]);
    expect((await climb(ascentOf())).data).toEqual(expected.data);
    await runtime.stop();
    expect(crashes).toHaveLength(1);
  });
});
