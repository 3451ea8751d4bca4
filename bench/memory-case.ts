/**
 * One measurement in a process of its own, a line of JSON: NETWORK forward|given|least-likely HEIGHT WIDTH, a session; or NETWORK
 * attack HEIGHT WIDTH BUDGET_MIB, an attack's sessions as the service holds them within a budget, and its time beside that
 * without one.
 */

import { crossEntropyObjective } from "../src/objectives/cross-entropy.ts";
import { leastLikelyObjective } from "../src/objectives/least-likely.ts";
import { typesOf } from "../src/onnx/types.ts";
import { writeModel } from "../src/onnx/write.ts";
import { peakOf } from "../src/runtime/memory/liveness.ts";
import { predictMemory } from "../src/runtime/memory/memory.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { compileForward, compileGradient } from "../src/segmenter/compile.ts";
import { createSegmenter } from "../src/segmenter/segmenter.ts";
import { SessionCache } from "../src/segmenter/session-cache.ts";
import { tensor } from "../src/tensor.ts";
import { fastest, timed } from "./fastest.ts";
import { feedsOf } from "./feeds.ts";
import { networks } from "./networks.ts";

const RUNS = 4;

const [, , name, kind, h, w, budget] = process.argv;
const size = { height: Number(h), width: Number(w) };
const network = networks().find((n) => n.manifest.name === name);
if (!network)
  throw new Error(
    `no network ${name}; there are ${networks()
      .map((n) => n.manifest.name)
      .join(", ")}`,
  );
const given = crossEntropyObjective(false);
const feeds = feedsOf(size);
const runtime = startWasm();

const session = async (): Promise<object> => {
  const { model, footprint } =
    kind === "forward"
      ? compileForward(network, size)
      : compileGradient(network, size, kind === "given" ? given : leastLikelyObjective());
  const one = await runtime.createSession(writeModel(model));
  const created = runtime.memoryBytes();
  for (let i = 0; i < 2; i++) await one.run(feeds);
  const peak = peakOf({ ...model.graph, types: typesOf(model.graph) });
  return {
    created,
    measured: runtime.memoryBytes(),
    predicted: predictMemory([footprint]),
    staticBytes: footprint.staticBytes,
    peakBytes: peak.bytes,
    at: peak.at,
    nodes: model.graph.nodes.length,
    top: peak.alive.slice(0, 6).map((v) => `${v.name} ${v.bytes}`),
  };
};

const attack = async (): Promise<object> => {
  const image = tensor("float32", [3, size.height, size.width], feeds.image.data);
  const within = (bytes: number) => {
    const cache = new SessionCache(runtime, bytes);
    return { cache, segmenter: createSegmenter(network, cache) };
  };
  const { cache, segmenter } = within(Number(budget) * 2 ** 20);
  const predicted = cache.predict(segmenter.attackFootprints(size, given));
  if (predicted > cache.budgetBytes) return { predicted };
  const { labels } = await segmenter.predict(image);
  const climb = segmenter.objective({ objective: given, labels });
  for (let i = 0; i < 2; i++) await climb(image);
  const measured = runtime.memoryBytes();
  const plain = within(Infinity).segmenter.objective({ objective: given, labels });
  const [ms, plainMs] = await fastest(
    RUNS,
    [climb, plain].map((step) => timed(() => step(image))),
  );
  return { predicted, measured, ms, plainMs };
};

console.log(JSON.stringify(await (kind === "attack" ? attack() : session())));
