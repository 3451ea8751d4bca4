/** One measurement in a process of its own: NETWORK forward|given|least-likely HEIGHT WIDTH [BUDGET_MIB [times]] → a line of JSON. */

import { writeModel } from "../src/onnx/write.ts";
import { predictMemory, roomWithin } from "../src/runtime/memory.ts";
import { startWasm } from "../src/runtime/wasm.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import { tensor } from "../src/tensor.ts";
import { fastest, timed } from "./fastest.ts";
import { networks } from "./networks.ts";

const RUNS = 4;

const [, , name, kind, h, w, budget = "Infinity", withTimes] = process.argv;
const room = budget === "Infinity" ? Infinity : roomWithin(Number(budget) * 2 ** 20);
const size = { height: Number(h), width: Number(w) };
const network = networks().find((n) => n.manifest.name === name);
if (!network)
  throw new Error(
    `no network ${name}; there are ${networks()
      .map((n) => n.manifest.name)
      .join(", ")}`,
  );

const { model, footprint } =
  kind === "forward" ? compileForward(network, size) : compileGradient(network, size, kind as "given", room);
const runtime = startWasm();
const session = await runtime.createSession(writeModel(model));
const created = runtime.memoryBytes();
const feeds = {
  image: tensor(
    "float32",
    [1, 3, size.height, size.width],
    Float32Array.from({ length: 3 * size.height * size.width }, (_, i) => (i * 2654435761) % 256),
  ),
  target: tensor("int32", [1, size.height, size.width], new Int32Array(size.height * size.width)),
};
for (let i = 0; i < 2; i++) await session.run(feeds);
const measured = runtime.memoryBytes();
/** The time of a run beside that of the graph that keeps all it needs, in turns. */
const times = async (): Promise<{ ms: number; plainMs: number }> => {
  const plain = await runtime.createSession(writeModel(compileGradient(network, size, kind as "given").model));
  const [ms = 0, plainMs = 0] = await fastest(
    RUNS,
    [session, plain].map((s) => timed(() => s.run(feeds))),
  );
  return { ms, plainMs };
};
console.log(
  JSON.stringify({
    created,
    measured,
    predicted: predictMemory([footprint]),
    staticBytes: footprint.staticBytes,
    peakBytes: footprint.liveness.peakBytes,
    at: footprint.liveness.at,
    nodes: model.graph.nodes.length,
    top: footprint.liveness.alive.slice(0, 6).map((v) => `${v.name} ${v.bytes}`),
    ...(withTimes === "times" ? await times() : {}),
  }),
);
