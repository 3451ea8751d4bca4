/**
 * zlib streams (RFC 1950) with Huffman coding only, without deflate's search for repetitions (RFC 1951, block type 2). The filtered
 * rows of photographs, and even more of noise, hardly contain repetitions: this takes a quarter of the time, and the result is not
 * larger.
 */

/** Bytes per block. Each block has its own code, because the statistics vary over an image. */
const blockBytes = 1 << 15;
const endOfBlock = 256;
/** The order of the code-length codes in a block's header (RFC 1951, section 3.2.7). */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The depth of each symbol in the Huffman tree of `counts`; 0 if it does not occur. Two queues hold the leaves and the inner nodes. */
const treeDepths = (counts: Uint32Array): Uint8Array => {
  const leaves = [...counts.keys()].filter((s) => counts[s]! > 0).toSorted((a, b) => counts[a]! - counts[b]!);
  const nodes = 2 * leaves.length - 1;
  const weights = Float64Array.from({ length: nodes }, (_, i) => (i < leaves.length ? counts[leaves[i]!]! : Infinity));
  const parents = new Uint16Array(nodes);
  let [leaf, made] = [0, leaves.length];
  for (let node = leaves.length; node < nodes; node++) {
    const lightest = (): number =>
      leaf < leaves.length && (made >= node || weights[leaf]! <= weights[made]!) ? leaf++ : made++;
    const [a, b] = [lightest(), lightest()];
    weights[node] = weights[a]! + weights[b]!;
    parents[a] = node;
    parents[b] = node;
  }
  const depths = new Uint8Array(nodes);
  for (let i = nodes - 2; i >= 0; i--) depths[i] = depths[parents[i]!]! + 1;
  const out = new Uint8Array(counts.length);
  leaves.forEach((symbol, i) => (out[symbol] = Math.max(depths[i]!, 1)));
  return out;
};

/**
 * Code lengths of at most `limit` bits: while the tree is deeper, the counts are halved. Halving may make counts equal; the lengths
 * are therefore assigned again, the shortest to the most frequent symbols.
 */
export const codeLengths = (counts: Uint32Array, limit: number): Uint8Array => {
  let halved = counts;
  let lengths = treeDepths(halved);
  while (lengths.some((n) => n > limit)) {
    halved = halved.map((n) => (n + 1) >> 1);
    lengths = treeDepths(halved);
  }
  if (halved === counts) return lengths;
  const symbols = [...counts.keys()].filter((s) => counts[s]! > 0).toSorted((a, b) => counts[b]! - counts[a]!);
  const ascending = symbols.map((s) => lengths[s]!).toSorted((a, b) => a - b);
  const out = new Uint8Array(counts.length);
  symbols.forEach((symbol, i) => (out[symbol] = ascending[i]!));
  return out;
};

/** The canonical codes of the given lengths, with the first bit lowest (section 3.2.2). */
const canonicalCodes = (lengths: Uint8Array): Uint16Array => {
  const next = new Uint16Array(17);
  for (const n of lengths) if (n > 0) next[n + 1]! += 1;
  for (let n = 1, code = 0; n < next.length; n++) next[n] = code = (code + next[n]!) << 1;
  return Uint16Array.from(lengths, (n) => {
    if (n === 0) return 0;
    let [code, reversed] = [next[n]!++, 0];
    for (let i = 0; i < n; i++, code >>= 1) reversed = (reversed << 1) | (code & 1);
    return reversed;
  });
};

/** A bit writer, lowest bit first. */
interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  held: number;
  count: number;
}

/** Writes the code of each symbol, of at most 15 bits. */
const putSymbols = (bits: Bits, symbols: ArrayLike<number>, codes: Uint16Array, lengths: Uint8Array): void => {
  const { bytes } = bits;
  let { at, held, count } = bits;
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i]!;
    held |= codes[symbol]! << count;
    count += lengths[symbol]!;
    if (count < 16) continue;
    bytes[at++] = held;
    bytes[at++] = held >> 8;
    held >>>= 16;
    count -= 16;
  }
  Object.assign(bits, { at, held, count });
};

const putNumber = (bits: Bits, value: number, length: number): void =>
  putSymbols(bits, [0], Uint16Array.of(value), Uint8Array.of(length));

const putBlock = (bits: Bits, block: Uint8Array, last: boolean): void => {
  const counts = new Uint32Array(257);
  for (let i = 0; i < block.length; i++) counts[block[i]!]! += 1;
  counts[endOfBlock] = 1;
  const lengths = codeLengths(counts, 15);
  const codes = canonicalCodes(lengths);
  // The lengths of 257 symbols and of one unused distance code are themselves Huffman-coded, in at most 7 bits.
  const listed = Uint8Array.of(...lengths, 0);
  const occurring = new Uint32Array(19);
  for (const n of listed) occurring[n]! += 1;
  const lengthLengths = codeLengths(occurring, 7);
  const lengthCodes = canonicalCodes(lengthLengths);
  putNumber(bits, last ? 5 : 4, 3);
  putNumber(bits, 0, 5);
  putNumber(bits, 0, 5);
  putNumber(bits, lengthOrder.length - 4, 4);
  for (const n of lengthOrder) putNumber(bits, lengthLengths[n]!, 3);
  putSymbols(bits, listed, lengthCodes, lengthLengths);
  putSymbols(bits, block, codes, lengths);
  putSymbols(bits, [endOfBlock], codes, lengths);
};

/** Adler-32 (RFC 1950, section 8). Sums of 3,800 bytes stay below 2³¹. */
const adler32 = (bytes: Uint8Array): number => {
  let [a, b] = [1, 0];
  for (let from = 0; from < bytes.length; from += 3800) {
    const to = Math.min(from + 3800, bytes.length);
    for (let i = from; i < to; i++) b += a += bytes[i]!;
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
};

/** A zlib stream of `bytes`. */
export const huffmanZlib = (bytes: Uint8Array): Uint8Array => {
  const blocks = Math.max(Math.ceil(bytes.length / blockBytes), 1);
  const out = new Uint8Array(2 * bytes.length + 256 * blocks + 6); // a code has at most 15 bits
  out.set([0x78, 0x01]);
  const bits: Bits = { bytes: out, at: 2, held: 0, count: 0 };
  for (let i = 0; i < blocks; i++) {
    putBlock(bits, bytes.subarray(i * blockBytes, (i + 1) * blockBytes), i === blocks - 1);
  }
  out.set([bits.held, bits.held >> 8], bits.at);
  const end = bits.at + Math.ceil(bits.count / 8);
  new DataView(out.buffer).setUint32(end, adler32(bytes));
  return out.slice(0, end + 4);
};
