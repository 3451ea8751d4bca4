/** What stands in place of a network's file. */

import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { networkFile } from "../../src/cli/network-file.ts";
import { faultline } from "./terminal.ts";
import { workshop } from "./workshop.ts";

const { path, smooth } = workshop();

describe("a network that ships", () => {
  it("is meant by its name; a variant's file is its network's", async () => {
    expect(await networkFile("pspnet-resnet")).toBe(join("models", "pspnet-resnet", "model.onnx"));
    expect(await networkFile("crf-rnn-float")).toBe(join("models", "fcn8s-vgg-float", "model.onnx"));
  });

  it("is not written over", async () => {
    const before = statSync("models/enet-street/model.onnx");
    const { code, stderr } = await faultline("differentiate", "enet-street", "-o", "models/enet-street/model.onnx");
    expect([code, stderr]).toEqual([1, expect.stringContaining("would replace")]);
    expect(statSync("models/enet-street/model.onnx").mtimeMs).toBe(before.mtimeMs);
  });
});

describe("a path", () => {
  it("is what it is, also under a shipped network's name", async () => {
    const named = path("icnet");
    writeFileSync(named, "no network");
    for (const operand of [smooth, named, "absent.onnx"]) expect(await networkFile(operand)).toBe(operand);
  });

  it("of nothing is told as one; what could be a name, with the names there are", async () => {
    const { code, stderr } = await faultline("inspect", "no-such-net.onnx");
    expect([code, stderr]).toEqual([1, "faultline: no-such-net.onnx: no such file\n"]);
    const named = await faultline("inspect", "no-such-net");
    expect(named.code).toBe(1);
    expect(named.stderr).toMatch(
      /^faultline: no-such-net: no such file, nor a network in \S*models\/?, which has: crf-rnn\[-float\], .*, segnet-vgg\[-float\]\n$/,
    );
  });
});
