/** One measurement in a process of its own: NETWORK forward|given|least-likely HEIGHT WIDTH → a line of JSON. */

import { writeModel } from "../src/onnx/write.ts";
import { predictMemory } from "../src/runtime/memory.ts";
import { startWasm } from "../src/runtime/wasm.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import { tensor } from "../src/tensor.ts";
import { networks } from "./networks.ts";

const [, , name, kind, h, w] = process.argv;
const size = { height: Number(h), width: Number(w) };
const network = networks().find((n) => n.manifest.name === name);
if (!network)
  throw new Error(
    `no network ${name}; there are ${networks()
      .map((n) => n.manifest.name)
      .join(", ")}`,
  );

const { model, footprint } =
  kind === "forward" ? compileForward(network, size) : compileGradient(network, size, kind as "given");
const runtime = startWasm();
const session = await runtime.createSession(writeModel(model));
const created = runtime.memoryBytes();
const image = Float32Array.from({ length: 3 * size.height * size.width }, (_, i) => (i * 2654435761) % 256);
const target = new Int32Array(size.height * size.width);
const ms: number[] = [];
for (let i = 0; i < 3; i++) {
  const start = performance.now();
  await session.run({
    image: tensor("float32", [1, 3, size.height, size.width], image),
    target: tensor("int32", [1, size.height, size.width], target),
  });
  ms.push(performance.now() - start);
}
console.log(
  JSON.stringify({
    created,
    measured: runtime.memoryBytes(),
    predicted: predictMemory([footprint]),
    staticBytes: footprint.staticBytes,
    peakBytes: footprint.liveness.peakBytes,
    at: footprint.liveness.at,
    ms: Math.min(...ms),
    top: footprint.liveness.alive.slice(0, 6).map((v) => `${v.name} ${v.bytes}`),
  }),
);
