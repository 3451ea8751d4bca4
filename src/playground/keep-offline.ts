/** Keeps what the page has loaded, so that it works without the server. */

const workers = "serviceWorker" in navigator ? navigator.serviceWorker : null;

/** What is loaded again when a service worker takes over; null until it is known. */
let own: readonly string[] | null = null;
/** Whether one took over before that: it may have done so while the page started. */
let missed = false;

/** Through the service worker, from the browser's own cache. What cannot be kept now is kept when it is loaded the next time. */
const loadAgain = async (files: readonly string[]): Promise<void> => {
  for (const file of files) {
    const read = async () => (await fetch(file)).arrayBuffer();
    await read().catch(() => undefined);
  }
};

// From the page's start on: a newer one may take over before the page is ready.
workers?.addEventListener("controllerchange", () => {
  if (own) void loadAgain(own);
  else missed = true;
});

/**
 * Starts the service worker, once. What was loaded before it answered, or before a newer one did, is loaded again through it. Where the
 * browser has no service workers (an insecure address, a private window), the page works with the server alone.
 *
 * @param base the address of the page's files.
 * @param files addresses of what the page and its engine have loaded.
 */
export const keepOffline = async (base: string, files: readonly string[]): Promise<void> => {
  if (own || !workers) return;
  own = [...new Set(files.filter((file) => file.startsWith(base)))];
  if (missed) await loadAgain(own);
  const scope = new URL("../lab", base).href;
  await workers.register(new URL("offline.js", base), { scope }).catch(() => undefined);
};
