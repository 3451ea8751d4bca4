/** Fetches files that are served with the page. */

export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly what: string;
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.what = what;
  }
}

/** Addresses of files that this thread has loaded. */
export const loadedFiles = (): readonly string[] => performance.getEntriesByType("resource").map(({ name }) => name);

/** Called while a file arrives. @param total null where it is not known. */
export type OnBytes = (bytes: number, total: number | null) => void;

/** Milliseconds between two calls of an `OnBytes`. */
const INTERVAL_MS = 80;

/** Reads a response's body to its end and counts. */
const count = async ({ body, headers }: Response, onBytes: OnBytes, known: number | null): Promise<void> => {
  // The length that a compressed answer states is not that of its contents.
  const stated = headers.has("Content-Encoding") ? null : headers.get("Content-Length");
  const total = known ?? (stated === null ? null : Number(stated));
  const reader = body?.getReader();
  let [bytes, last] = [0, 0];
  onBytes(0, total);
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    bytes += part.value.length;
    const now = performance.now();
    if (now - last < INTERVAL_MS && bytes !== total) continue;
    last = now;
    onBytes(bytes, total);
  }
};

/**
 * The counting reads a copy, because a response that was made anew would lose the browser's cache of compiled WASM.
 *
 * @param what a name of the file for the error message.
 * @param size the file's, where it is known.
 * @throws FetchError
 */
export const fetched = async (
  what: string,
  url: URL | string,
  onBytes?: OnBytes,
  size: number | null = null,
): Promise<Response> => {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new FetchError(what, "the server cannot be reached", { cause });
  });
  if (!response.ok) throw new FetchError(what, `the server answered ${response.status}`);
  // Where the transfer breaks, whoever reads the response itself says so.
  if (onBytes) count(response.clone(), onBytes, size).catch(() => undefined);
  return response;
};
