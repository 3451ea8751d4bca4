/** Fetches files that are served with the page. */

export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly what: string;
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.what = what;
  }
}

/** @param what a name of the file for the error message. @throws FetchError */
export const fetched = async (what: string, url: URL | string): Promise<Response> => {
  const response = await fetch(url).catch((cause: unknown) => {
    throw new FetchError(what, "the server cannot be reached", { cause });
  });
  if (!response.ok) throw new FetchError(what, `the server answered ${response.status}`);
  return response;
};
