/** Reads NumPy's .npy files (format 1 and 2): little-endian numbers in C order. */

const readers: Readonly<Record<string, new (buffer: ArrayBuffer) => ArrayLike<number>>> = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|u1": Uint8Array,
  "<i4": Int32Array,
};

export interface Npy {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** @throws RangeError for another format, type or order. */
export const readNpy = (bytes: Uint8Array): Npy => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[6] === 1 ? 10 : 12;
  const end = start + (bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, end));
  const [, type] = /'descr': '([^']+)'/.exec(header) ?? [];
  const [, dimensions] = /'shape': \(([^)]*)\)/.exec(header) ?? [];
  const Data = readers[type ?? ""];
  if (!Data || dimensions === undefined || !header.includes("'fortran_order': False")) {
    throw new RangeError(`not a .npy file that is read here: ${header.trim()}`);
  }
  const shape = dimensions.split(",").flatMap((d) => (d.trim() === "" ? [] : [Number(d)]));
  return { shape, data: new Data(new Uint8Array(bytes.subarray(end)).buffer) };
};
