/** The shipped network with less room than its gradient takes: the same results in the session that the service runs. */

import { given } from "../../support/aims.ts";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writeModel } from "../../../src/onnx/write.ts";
import { needOf, predictMemory } from "../../../src/runtime/memory/memory.ts";
import { startWasm } from "../../../src/runtime/wasm/wasm.ts";
import { compileGradient, type Compiled } from "../../../src/segmenter/compile.ts";
import { parseManifest } from "../../../src/segmenter/manifest.ts";
import { openNetwork } from "../../../src/segmenter/network.ts";
import { numbersOf, tensorOf, type Tensor } from "../../../src/tensor.ts";
import { noise } from "../../support/networks/check.ts";
import { noiseLabels } from "../../support/networks/image.ts";

const folder = fileURLToPath(new URL("../../../models/enet-street/", import.meta.url));
const size = { height: 360, width: 480 };

const runOnce = async ({ model }: Compiled, feeds: Readonly<Record<string, Tensor>>) => {
  const session = await startWasm().createSession(writeModel(model));
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
};

test.skipIf(!existsSync(`${folder}manifest.json`))(
  "a gradient that is recomputed in part takes the memory predicted, within its room, and is the plain one to the bit",
  async () => {
    const manifest = parseManifest(JSON.parse(readFileSync(`${folder}manifest.json`, "utf8")));
    const network = openNetwork(manifest, readFileSync(`${folder}${manifest.file}`));
    const plain = compileGradient(network, size, given);
    const room = 0.9 * needOf(plain.footprint);
    const lean = compileGradient(network, size, given, { room });
    expect(needOf(lean.footprint)).toBeLessThanOrEqual(room);
    const again = lean.model.graph.nodes.filter((n) => n.op === "Conv" && n.name.includes("_again_"));
    expect(again.length).toBeGreaterThan(0);
    const feeds = {
      image: noise([1, 3, size.height, size.width], 3, 100),
      target: tensorOf(
        "int32",
        [1, size.height, size.width],
        noiseLabels(size.height, size.width, manifest.classes.length, 3, true).data,
      ),
    };
    const actual = await runOnce(lean, feeds);
    expect(startWasm().memoryBytes() / predictMemory([lean.footprint])).toBeLessThan(1.15);
    const expected = await runOnce(plain, feeds);
    for (const name of ["labels", "loss", "gradient"])
      expect(numbersOf(actual[name]!)).toEqual(numbersOf(expected[name]!));
    expect(needOf(compileGradient(network, size, given, { room: needOf(plain.footprint) }).footprint)).toBe(
      needOf(plain.footprint),
    );
  },
  300_000,
);
