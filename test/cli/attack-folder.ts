/** What tests of `faultline attack` share: a folder with networks, pictures and label maps, and an attack of three steps. */

import { mkdirSync } from "node:fs";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { startWasm } from "../../src/runtime/wasm/wasm.ts";
import { openNetwork } from "../../src/segmenter/network.ts";
import { createSegmenter } from "../../src/segmenter/segmenter.ts";
import { SessionCache } from "../../src/segmenter/session-cache.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

export const plan = { attack: "ifgsm", epsilon: 8, alpha: 2, steps: 3, pixelRange: "clip", seed: 0 } as const;
export const flags = ["--attack", "ifgsm", "--epsilon", "8", "--alpha", "2", "--steps", "3"] as const;

/** The lines of `attack … --csv` by their columns. */
export const csvLines = async (...argv: readonly string[]): Promise<readonly Readonly<Record<string, string>>[]> => {
  const { stdout } = await faultline("attack", ...argv, "--csv");
  const [head, ...rows] = stdout.split("\r\n").map((line) => line.split(","));
  return rows.slice(0, -1).map((row) => Object.fromEntries(head!.map((name, i) => [name, row[i]!])));
};

/** A folder of this test file. */
export const attackFolder = () => {
  const { path, put } = temporaryFolder();
  const tiny = tinyFile({ activation: "Tanh" });
  const network = put("net.onnx", tiny.bytes);
  const manifest = put("net.json", JSON.stringify({ ...tiny.manifest, sha256: undefined }));
  const described = [network, "--manifest", manifest] as const;

  const images = { one: noiseImage(12, 16, 5), two: noiseImage(8, 10, 6) };
  const truths = { one: noiseLabels(12, 16, 4, 8, true), two: noiseLabels(8, 10, 4, 9, true) };
  const palette = tiny.manifest.classes.map(({ color }) => color);
  for (const folder of ["pictures", "truth", "net"]) mkdirSync(path(folder));
  for (const name of ["one", "two"] as const) {
    put(`pictures/${name}.png`, encodePng(images[name]));
    put(`truth/${name}.png`, encodeLabels(truths[name], palette));
  }
  put("net/model.onnx", tiny.bytes);
  const three = tinyFile({ classes: 3 }, { name: "three" });
  mkdirSync(path("three"));
  put("three/model.onnx", three.bytes);
  put("three/manifest.json", JSON.stringify(three.manifest));
  put("net/manifest.json", JSON.stringify(tiny.manifest));

  const segmenter = createSegmenter(openNetwork(tiny.manifest, tiny.bytes), new SessionCache(startWasm(), 2 ** 30));
  const one = path("pictures", "one.png");
  return { path, put, tiny, network, described, images, truths, palette, segmenter, one };
};
