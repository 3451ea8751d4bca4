/** The same attack in PyTorch on the same GPU, where there is one with CUDA. Part of `bench -- webgpu`. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { writeModel } from "../src/onnx/write.ts";
import type { Network } from "../src/segmenter/network.ts";
import type { Image } from "../src/segmenter/segmenter.ts";
import { wholeNetwork } from "./beside/cases.ts";
import { python } from "./beside/peer.ts";
import { spatialSize } from "../src/tensor.ts";

const script = fileURLToPath(new URL("torch_steps.py", import.meta.url));

interface Answer {
  readonly device: string;
  readonly ms: number;
  /** Milliseconds of a step replayed as a CUDA graph. */
  readonly capturedMs: number;
}

export interface Ball {
  readonly alpha: number;
  readonly epsilon: number;
  readonly pixelRange: readonly [number, number];
}

/** Runs the attack on several images of one size together. @returns times and the adversarial images, float32 [N,3,H,W], or why it was not run. */
export const torchSteps = (
  network: Network,
  images: readonly Image[],
  ball: Ball,
  steps: number,
): (Answer & { readonly image: Float32Array }) | { readonly missing: string } => {
  const folder = mkdtempSync(`${tmpdir()}/faultline-`);
  try {
    const { model, image: shape } = wholeNetwork(network, spatialSize(images[0]!));
    writeFileSync(`${folder}/model.onnx`, writeModel(model));
    writeFileSync(`${folder}/image.f32`, Buffer.concat(images.map(({ data }) => Buffer.from(data.buffer))));
    writeFileSync(`${folder}/case.json`, JSON.stringify({ image: [images.length, ...shape.slice(1)], ...ball }));
    const { status, stdout, stderr } = spawnSync(python, [script, folder, String(steps)], { encoding: "utf8" });
    if (status !== 0) return { missing: `${python}: ${(stderr ?? "").trim().split("\n").at(-1)}` };
    const answer = JSON.parse(stdout) as Answer | { readonly missing: string };
    if ("missing" in answer) return answer;
    const bytes = Uint8Array.from(readFileSync(`${folder}/adversarial.f32`));
    return { ...answer, image: new Float32Array(bytes.buffer) };
  } finally {
    rmSync(folder, { recursive: true });
  }
};
