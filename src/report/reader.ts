/** Rows from the bytes of a JSON Lines file, as these come. */

import type { Row } from "../evaluation/row.ts";
import { checkCertificate, isCertificate, type CertificateRow } from "./certificate-row.ts";
import { checkRow, readLine, RowError } from "./read-row.ts";
import { createStore, type Store } from "./store.ts";

export interface Reader {
  /** @throws RowError that names the line. */
  readonly push: (bytes: Uint8Array) => void;
  /** The end of a file: a last line without its end is read. */
  readonly end: () => Store;
}

const NEWLINE = 0x0a;
/** A row of 255 classes with small objects takes about 40 KB. */
const MAX_LINE = 1 << 20;

/**
 * @param store what the rows are added to, where several files are read.
 * @param certificates what certificates among the rows are added to; without it they are refused.
 * @param onRow is called with each row that was added and the number of its line.
 */
export const createReader = (
  store: Store = createStore(),
  certificates?: CertificateRow[],
  onRow: (row: Row, line: number) => void = () => undefined,
): Reader => {
  const decoder = new TextDecoder();
  let rest = new Uint8Array(0);
  let line = 0;
  const take = (bytes: Uint8Array): void => {
    line += 1;
    const text = decoder.decode(bytes).trim();
    if (text === "") return;
    try {
      const value = readLine(text);
      if (isCertificate(value)) {
        if (!certificates) throw new RowError("is a certificate, and no row; its file is given with --certificates");
        certificates.push(checkCertificate(value));
        return;
      }
      const row = checkRow(value);
      store.add(row);
      onRow(row, line);
    } catch (cause) {
      if (!(cause instanceof RowError)) throw cause;
      throw new RowError(`line ${line}: ${cause.message}`, { cause });
    }
  };
  const joined = (bytes: Uint8Array): Uint8Array => {
    if (rest.length === 0) return bytes;
    const both = new Uint8Array(rest.length + bytes.length);
    both.set(rest);
    both.set(bytes, rest.length);
    return both;
  };
  return {
    push: (bytes) => {
      const all = joined(bytes);
      let begin = 0;
      for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, begin)) {
        take(all.subarray(begin, end));
        begin = end + 1;
      }
      rest = all.slice(begin);
      if (rest.length > MAX_LINE)
        throw new RowError(`line ${line + 1}: is longer than ${MAX_LINE} bytes, which no row is`);
    },
    end: () => {
      if (rest.length > 0) take(rest);
      rest = new Uint8Array(0);
      return store;
    },
  };
};
