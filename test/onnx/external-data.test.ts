/** Models whose weights are in another file. */

import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TensorProto_DataLocation } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { readNetwork } from "../../src/node/read-network.ts";
import type { External } from "../../src/onnx/external-data.ts";
import { OnnxError } from "../../src/onnx/graph.ts";
import { readModel } from "../../src/onnx/read.ts";
import { bytesOf, value } from "./protos.ts";
import { noise } from "./support.ts";

describe("weights in another file", () => {
  const w = noise([3, 2, 3, 3], 3);
  const bias = noise([3], 4);
  const raw = new Uint8Array([1, 2, 3, 4, ...new Uint8Array(w.data.buffer), ...new Uint8Array(bias.data.buffer)]);
  const file = (location: string, length = String(w.data.byteLength)) => {
    const initializer = [
      { name: "w", dims: [3n, 2n, 3n, 3n], fields: { location, offset: "4", length } },
      { name: "b", dims: [3n], fields: { location, offset: String(4 + w.data.byteLength) } },
    ].map(({ name, dims, fields }) => ({
      name,
      dims,
      dataType: 1,
      dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries(fields).map(([key, v]) => ({ key, value: v })),
    }));
    return bytesOf({
      input: [value("x", [1, 2, 5, 5])],
      output: [value("y", [1, 3, 3, 3])],
      initializer,
      node: [{ opType: "Conv", input: ["x", "w", "b"], output: ["y"] }],
    });
  };

  it("are read where the file is given, once", () => {
    let asked = 0;
    const external: External = (location) => {
      asked++;
      expect(location).toBe("weights/net.data");
      return raw;
    };
    const { initializers } = readModel(file("weights/net.data"), { external }).graph;
    expect(initializers.get("w")).toEqual(w);
    expect(initializers.get("b")).toEqual(bias);
    expect(asked).toBe(1);
  });

  it("are asked for where it is not", () => {
    expect(() => readModel(file("net.data"))).toThrow(
      /its weights are in another file, "net.data"; give that file too/,
    );
  });

  it.each(["../net.data", "a/../../net.data", "/etc/passwd", "\\\\host\\share", "C:\\net.data", "a\\..\\..\\b", ""])(
    "are refused at %j",
    (location) => {
      const external: External = () => {
        throw new Error("was asked for");
      };
      expect(() => readModel(file(location), { external })).toThrow(/not in the folder of the model/);
    },
  );

  it.each(["99999999", "-1", "1e3", "0x10"])("are refused with a length of %s", (length) => {
    expect(() => readModel(file("net.data", length), { external: () => raw })).toThrow(OnnxError);
  });

  it("lie beside the file of a network, which becomes one file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "external-"));
    writeFileSync(join(folder, "net.onnx"), file("net.data"));
    const path = join(folder, "net.onnx");
    await expect(readNetwork(path)).rejects.toThrow(/weights are in "net.data", which is not beside it/);
    writeFileSync(join(folder, "net.data"), raw);
    const { bytes, model } = await readNetwork(path);
    expect(model.graph.initializers.get("w")).toEqual(w);
    expect(readModel(bytes).graph.initializers.get("b")).toEqual(bias);
  });

  it("are refused where a link leads out of the folder", async () => {
    const [folder, elsewhere] = ["link-", "elsewhere-"].map((name) => mkdtempSync(join(tmpdir(), name))) as [
      string,
      string,
    ];
    writeFileSync(join(elsewhere, "net.data"), raw);
    symlinkSync(join(elsewhere, "net.data"), join(folder, "net.data"));
    writeFileSync(join(folder, "net.onnx"), file("net.data"));
    await expect(readNetwork(join(folder, "net.onnx"))).rejects.toThrow(/leads out of the folder/);
  });
});
