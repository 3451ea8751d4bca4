/** The file in which `faultline certify` keeps its counts: a line of JSON, and the counts of the certificate that is being made. */

import type { SmoothingState } from "../certify/smoothing.ts";
import { Refusal } from "../node/failure.ts";
import { checkWritable, readBytes, statOf, writeFiles } from "../node/files.ts";
import { tensor } from "../tensor.ts";
import type { CertifiedPicture } from "./certify-report.ts";

type Certified = CertifiedPicture["certified"];

/** Which certificate: of which picture, at which σ. The digest is that of the picture and its reference. */
export interface Place {
  readonly picture: number;
  readonly smoothing: number;
  readonly digest: string;
}

interface Header {
  readonly kind: "certify-state";
  readonly schema: 1;
  /** Digest of all that the counts depend on, beside the pictures. */
  readonly run: string;
  /** By the number of the picture. */
  readonly done: Readonly<Record<string, { readonly digest: string; readonly certified: Certified }>>;
  readonly begun: (Place & { readonly stage: SmoothingState["stage"]; readonly drawn: number }) | null;
}

export interface StateFile {
  readonly path: string | undefined;
  /** The certificates of a picture. @throws Refusal where the picture or its reference has changed. */
  readonly finished: (picture: number, digest: string) => Certified;
  /** The counts to go on from, of an image [P,H,W]. @throws Refusal where they are not of this image. */
  readonly begun: (place: Place, shape: readonly number[], classes: number) => SmoothingState | undefined;
  readonly keep: (place: Place, state: SmoothingState) => Promise<void>;
  readonly finish: (place: Place, certified: Certified) => Promise<void>;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

const countsOf = (state: SmoothingState): Uint8Array =>
  state.stage === "selection" ? bytesOf(state.votes) : Buffer.concat([bytesOf(state.hits), state.top.data]);

/** In the byte order of the machine. */
const stateFrom = (
  { stage, drawn }: NonNullable<Header["begun"]>,
  bytes: Uint8Array,
  [, height, width]: readonly number[],
  classes: number,
): SmoothingState | null => {
  const pixels = height! * width!;
  if (bytes.length !== (stage === "selection" ? 2 * classes : 5) * pixels) return null;
  const { buffer } = Uint8Array.from(bytes);
  if (stage === "selection") return { stage, drawn, votes: new Uint16Array(buffer) };
  const top = tensor("uint8", [height!, width!], new Uint8Array(buffer, 4 * pixels));
  return { stage, drawn, top, hits: new Uint32Array(buffer, 0, pixels) };
};

const NEWLINE = 0x0a;

const read = async (path: string): Promise<readonly [Header, Uint8Array]> => {
  const bytes = await readBytes(path);
  const end = bytes.indexOf(NEWLINE);
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)))) as Header;
    if (header.kind === "certify-state" && header.schema === 1) return [header, bytes.subarray(end + 1)];
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new Refusal(`--state ${path}: is no state of faultline certify; name a new file`);
};

/**
 * Opens a state, or begins one. Without a path nothing is kept.
 *
 * @param run digest of all that the counts depend on, beside the pictures.
 * @throws Refusal where the file is no state, or that of another run.
 */
export const openState = async (path: string | undefined, run: string): Promise<StateFile> => {
  let header: Header = { kind: "certify-state", schema: 1, run, done: {}, begun: null };
  let counts = new Uint8Array(0);
  if (path !== undefined && (await statOf(path))) {
    const [found, rest] = await read(path);
    if (found.run !== run)
      throw new Refusal(
        `--state ${path}: is of a run with another network, backend, pictures or options; give those, or name a new file`,
      );
    [header, counts] = [found, Uint8Array.from(rest)];
  }
  const write = async (next: Header, bytes: Uint8Array): Promise<void> => {
    [header, counts] = [next, Uint8Array.from(bytes)];
    if (path === undefined) return;
    await writeFiles([[path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes])]]);
  };
  const changed = (picture: number): Refusal =>
    new Refusal(`--state ${path}: picture ${picture + 1} or its labels have changed since; name a new file`);
  return {
    path,
    finished: (picture, digest) => {
      const known = header.done[picture];
      if (known && known.digest !== digest) throw changed(picture);
      return known?.certified ?? [];
    },
    begun: (place, shape, classes) => {
      const { begun } = header;
      if (!begun || begun.picture !== place.picture || begun.smoothing !== place.smoothing) return undefined;
      const state = begun.digest === place.digest ? stateFrom(begun, counts, shape, classes) : null;
      if (!state) throw changed(place.picture);
      return state;
    },
    keep: async (place, state) => {
      if (path === undefined) return;
      await write({ ...header, begun: { ...place, stage: state.stage, drawn: state.drawn } }, countsOf(state));
    },
    finish: (place, certified) => {
      const done = { ...header.done, [place.picture]: { digest: place.digest, certified } };
      return write({ ...header, done, begun: null }, new Uint8Array(0));
    },
  };
};

/** Checks the path before any work is done. @throws Refusal */
export const checkState = async (path: string | undefined, inputs: readonly string[]): Promise<void> => {
  if (path !== undefined) await checkWritable(path, inputs);
};
