/**
 * The service worker of the lab: once loaded, the page works without the server. It answers for the page and for what lies below it,
 * never for the API.
 *
 * The server is always asked first, so that a page that is online is of one version (the browser's own cache answers for files whose
 * names have their digests). Where the server cannot be reached, the cache answers. A version has a cache of its own, named after the
 * digest of all its files; caches of other versions are removed.
 */

/** Set by the build: the digest of its files, and the files without which the page does not start, relative to this script. */
declare const VERSION: string;
declare const SHELL: readonly string[];

/** What is used of a service worker's global scope, which the types of pages do not have. */
interface Scope {
  readonly location: Location;
  readonly skipWaiting: () => Promise<void>;
  readonly clients: { readonly claim: () => Promise<void> };
  readonly addEventListener: <K extends keyof Events>(kind: K, listener: (event: Events[K]) => void) => void;
}
interface Lasting {
  readonly waitUntil: (work: Promise<unknown>) => void;
}
interface Events {
  readonly install: Lasting;
  readonly activate: Lasting;
  readonly fetch: Lasting & { readonly request: Request; readonly respondWith: (answer: Promise<Response>) => void };
}
const scope = globalThis as unknown as Scope;

const PREFIX = "faultline-lab-";
const NAME = PREFIX + VERSION;
const base = new URL("./", scope.location.href);
const page = new URL("../lab", base);

const isPage = (url: URL): boolean => url.origin === page.origin && url.pathname === page.pathname;
const isFile = (url: URL): boolean => url.origin === base.origin && url.pathname.startsWith(base.pathname);
const isOfShell = (url: URL): boolean => SHELL.some((file) => new URL(file, base).pathname === url.pathname);

/** Settings in the address are for the page's script alone. */
const keyOf = (url: URL): string => url.origin + url.pathname;

/** Keeps a copy of an answer, unless there is one. The shell is of one version: it is kept as a whole, when this worker is installed. */
const keep = async (url: URL, response: Response): Promise<void> => {
  if (response.status !== 200 || isOfShell(url)) return;
  const cache = await caches.open(NAME);
  const known = await cache.match(keyOf(url));
  const isSame = known?.headers.get("ETag") === response.headers.get("ETag");
  if (!known || !isSame) await cache.put(keyOf(url), response);
};

const answer = async (event: Events["fetch"], url: URL): Promise<Response> => {
  try {
    const response = await fetch(event.request);
    event.waitUntil(keep(url, response.clone()));
    return response;
  } catch (cause) {
    const kept = await (await caches.open(NAME)).match(keyOf(url));
    if (kept) return kept;
    throw cause;
  }
};

scope.addEventListener("install", (event) => {
  const prepare = async (): Promise<void> => {
    const cache = await caches.open(NAME);
    await cache.addAll(SHELL.map((file) => new Request(new URL(file, base), { cache: "no-cache" })));
    await scope.skipWaiting();
  };
  event.waitUntil(prepare());
});

scope.addEventListener("activate", (event) => {
  const tidy = async (): Promise<void> => {
    const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
    await Promise.all(others.map((name) => caches.delete(name)));
    await scope.clients.claim();
  };
  event.waitUntil(tidy());
});

scope.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && (isPage(url) || isFile(url))) event.respondWith(answer(event, url));
});
