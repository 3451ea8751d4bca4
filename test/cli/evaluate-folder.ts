/** What tests of `faultline evaluate` share: a folder with two networks and a data set of four pictures, 16 and 18 wide by turns. */

import { mkdirSync, readFileSync } from "node:fs";
import type { Row } from "../../src/evaluation/row.ts";
import { encodePng } from "../../src/image/encode.ts";
import { encodeLabels } from "../../src/image/labels.ts";
import { noiseImage, noiseLabels } from "../support/networks/image.ts";
import { tinyFile } from "../support/networks/tiny.ts";
import { faultline, temporaryFolder } from "./terminal.ts";

export const evaluate = (...argv: readonly string[]) => faultline("evaluate", ...argv);

/** A folder of this test file. */
export const evaluateFolder = () => {
  const { path, put } = temporaryFolder();
  const files = [tinyFile({ activation: "Tanh" }, { name: "one" }), tinyFile({ seed: 3 }, { name: "two" })] as const;
  for (const { bytes, manifest } of files) {
    mkdirSync(path(manifest.name));
    put(`${manifest.name}/model.onnx`, bytes);
    put(`${manifest.name}/manifest.json`, JSON.stringify(manifest));
  }
  const names = Array.from({ length: 4 }, (_, i) => `picture-${i}`);
  for (const folder of ["data", "data/images", "data/labels"]) mkdirSync(path(folder));
  for (const [i, name] of names.entries()) {
    put(`data/images/${name}.png`, encodePng(noiseImage(12, 16 + 2 * (i % 2), i)));
    put(`data/labels/${name}.png`, encodeLabels(noiseLabels(12, 16 + 2 * (i % 2), 4, i, true), []));
  }
  const rowsOf = (file: string): Row[] =>
    readFileSync(path(file), "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Row);
  return { path, put, files, one: path("one"), two: path("two"), rowsOf };
};
