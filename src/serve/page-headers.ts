/** Response headers of the page's files, by path; `*` matches the rest of it. */

/** Nothing comes from elsewhere, and nothing goes there: pictures stay with the visitor. WASM is compiled; no text is. */
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

/** Isolated pages alone may share memory among threads. */
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
  // Their names carry their digests.
  "/lab/assets/*": { "Cache-Control": "public, max-age=31536000, immutable" },
};

const matches = (pattern: string, path: string): boolean =>
  pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;

/** All that match; what has no digest in its name is asked for anew. */
export const headersFor = (path: string): Headers => {
  const matching = Object.entries(pageHeaders).filter(([pattern]) => matches(pattern, path));
  return Object.assign({ "Cache-Control": "no-cache" }, ...matching.map(([, headers]) => headers)) as Headers;
};
