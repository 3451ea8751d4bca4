/** Response headers of the files of /lab by path; `*` matches the rest of a path. */

/** Content security policy: no requests to other origins, so that images stay in the browser; WASM may be compiled, `eval` is forbidden. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Cross-origin isolation, without which threads cannot share memory. */
const common = {
  "Content-Security-Policy": policy,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
};

type Headers = Readonly<Record<string, string>>;

export const pageHeaders: Readonly<Record<string, Headers>> = {
  "/lab": common,
  "/lab/*": common,
  // The service worker answers for the page too, which lies above it.
  "/lab/offline.js": { "Service-Worker-Allowed": "../lab" },
  // The names of assets contain their digests.
  "/lab/assets/*": { "Cache-Control": "public, max-age=31536000, immutable" },
};

const matches = (pattern: string, path: string): boolean =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

/** The headers of all matching patterns; files without a digest in their names are revalidated. */
export const headersFor = (path: string): Headers => {
  const matching = Object.entries(pageHeaders).filter(([pattern]) => matches(pattern, path));
  return Object.assign({ "Cache-Control": "no-cache" }, ...matching.map(([, headers]) => headers)) as Headers;
};
