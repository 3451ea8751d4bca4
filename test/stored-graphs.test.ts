/** The graphs in models/NAME/graphs.bin are those that services would compile. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { usual } from "../bench/feeds.ts";
import { compiledOf, graphsFile, kinds } from "../scripts/graphs/make.ts";
import { graphsPath, storedNetworks } from "../scripts/graphs/stored.ts";
import { sha256Of } from "../src/digest.ts";
import { withStored } from "../src/networks/stored.ts";
import { writeModel } from "../src/onnx/write.ts";
import { startWasm } from "../src/runtime/wasm/wasm.ts";
import { keyOf } from "../src/segmenter/graphs.ts";
import type { Network } from "../src/segmenter/network.ts";

const networks = storedNetworks();
const fileOf = (name: string) => new Uint8Array(readFileSync(graphsPath(name)));
const storedOf = async (name: string, network: Network) => (await withStored(network, fileOf(name))).stored!;

it("graphs are stored of every network that ships with a file", () => {
  expect(networks.length).toBeGreaterThanOrEqual(22);
  expect(networks.map(([name]) => name)).toContain("enet-street");
});

describe("models/NAME/graphs.bin; where a change is intended, `npx tsx scripts/graphs.ts` writes them again", () => {
  it.each(networks)("%s: has what is compiled now, with the network's weights", async (name, network) => {
    const stored = await storedOf(name, network);
    expect(stored.runtime).toBe(startWasm().version);
    expect(stored.graphs.map(({ kind, size }) => ({ kind, size }))).toEqual(
      kinds.map((kind) => ({ kind: keyOf(kind), size: usual })),
    );
    for (const [i, kind] of kinds.entries()) {
      const { footprint, compiledSha256, file } = stored.graphs[i]!;
      const { model, footprint: now } = compiledOf(network, kind, usual);
      expect([compiledSha256, footprint]).toEqual([await sha256Of(writeModel(model)), now]);
      expect(await file()).not.toBeNull(); // Its digest is the one that was stored.
    }
  });

  it("enet-street: has what onnxruntime makes of it now, which gives the same bytes", async () => {
    const [[name, network] = []] = storedNetworks(["enet-street"]);
    const stored = await storedOf(name!, network!);
    const anew = await withStored(network!, new Uint8Array(await graphsFile(network!, usual, startWasm())));
    expect(anew.stored!.graphs.map(({ sha256 }) => sha256)).toEqual(stored.graphs.map(({ sha256 }) => sha256));
  });
});
