/**
 * Graphs of a network that are stored beside its file: compiled, and as onnxruntime's own optimisations leave them, so that neither is done
 * again when a service starts. They are written by `npx tsx scripts/graphs.ts`.
 *
 * The file: the length of the head in 4 bytes, the head in JSON, and a zlib stream for each graph. A stream holds the length of its holes in 4
 * bytes, the holes in JSON, and the bytes of the ONNX file. Weights of the network are not stored again: where they belong there are holes.
 */

import { sha256Of } from "../digest.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Footprint } from "../runtime/memory/memory.ts";
import type { Size } from "../tensor.ts";
import { filled, type Hole } from "./holes.ts";

/** Its name, beside the network's file. */
export const GRAPHS_FILE = "graphs.bin";

/** One graph. */
export interface StoredGraph {
  /** "forward", or the key of an objective for its gradient. */
  readonly kind: string;
  /** Of the image. */
  readonly size: Size;
  /** Of its session. */
  readonly footprint: Footprint;
  /** Digest of the ONNX file as it was compiled, which `test/stored-graphs.test.ts` compares with what is compiled now. */
  readonly compiledSha256: string;
  /** Digest of the ONNX file with its weights. */
  readonly sha256: string;
  /** Of its stream. */
  readonly bytes: number;
}

export interface Head {
  /** Of the manifest as JSON, which holds the digest of the network's file. */
  readonly manifestSha256: string;
  /** Name and version of the onnxruntime that the graphs are for. */
  readonly runtime: string;
  readonly graphs: readonly StoredGraph[];
}

/** A graph that can be had. */
export interface ReadyGraph extends StoredGraph {
  /** The ONNX file with its weights; null where its digest is another. */
  readonly file: () => Promise<Uint8Array<ArrayBuffer> | null>;
}

/** The stored graphs of one network. */
export interface ReadyGraphs extends Omit<Head, "graphs"> {
  /** The network that they are of, as `identityOf` names it. */
  readonly of: string;
  readonly graphs: readonly ReadyGraph[];
}

const withLength = (bytes: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] => {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return [length, bytes];
};

/** What `withLength` has put before the rest. */
const parted = (bytes: Uint8Array<ArrayBuffer>) => {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return { first: bytes.subarray(4, 4 + length), rest: bytes.subarray(4 + length) };
};

const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
const bytesOf = (value: unknown): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));

/** The content of a graph's stream. */
export const streamOf = (holes: readonly Hole[], file: Uint8Array<ArrayBuffer>): Blob =>
  new Blob([...withLength(bytesOf(holes)), file]);

/** The file of a network's graphs. */
export const storedFile = (head: Head, streams: readonly Uint8Array<ArrayBuffer>[]): Promise<ArrayBuffer> =>
  new Blob([...withLength(bytesOf(head)), ...streams]).arrayBuffer();

const inflated = async (zlib: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> => {
  const stream = new Blob([zlib]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

/**
 * Reads a file of graphs.
 *
 * @param of what `identityOf` gives of the network.
 * @param network its graph, which has the weights.
 * @throws Error for a file that is none.
 */
export const readStored = (bytes: Uint8Array<ArrayBuffer>, of: string, network: Graph): ReadyGraphs => {
  const { first, rest } = parted(bytes);
  const { graphs, ...head } = jsonOf(first) as Head;
  let at = 0;
  return {
    ...head,
    of,
    graphs: graphs.map((graph) => {
      const stream = rest.subarray(at, (at += graph.bytes));
      const file = async () => {
        const { first: holes, rest: skeleton } = parted(await inflated(stream));
        const whole = filled(skeleton, jsonOf(holes) as readonly Hole[], network);
        return whole && (await sha256Of(whole)) === graph.sha256 ? whole : null;
      };
      return { ...graph, file };
    }),
  };
};
