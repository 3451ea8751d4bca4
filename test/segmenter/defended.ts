/** What tests of transformations share: a picture, and a segmenter before which transformations are put. */

import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import type { Defence } from "../../src/segmenter/defence.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import type { TransformSpec } from "../../src/transforms/pipeline.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyNetwork } from "../support/networks/tiny.ts";

export const [height, width] = [16, 24];
export const network = tinyNetwork({ activation: "Tanh" });
export const cache = new SessionCache(startWasm(), 2 ** 30);
export const plain = createSegmenter(network, cache);
export const image = noiseImage(height, width);
export const labels = noiseLabels(height, width, 4, 2);

export const defended = (transform: readonly TransformSpec[], changes: Partial<Defence> = {}) =>
  plain.withTransform({ transform, seed: 3, through: "differentiable", draws: 1, ...changes });

export const jpeg: TransformSpec = { name: "jpeg", quality: 40 };
