/** Keeps what the page has loaded, so that it works without the server. */

/** Addresses of files that this thread has loaded. */
export const loadedFiles = (): readonly string[] => performance.getEntriesByType("resource").map(({ name }) => name);

let begun = false;

/**
 * Starts the service worker, once. What was loaded before it answered, or before a newer one did, is loaded again through it, from the
 * browser's own cache. Where the browser has no service workers (an insecure address, a private window), the page works with the server
 * alone.
 *
 * @param base the address of the page's files.
 * @param files addresses of what the page and its engine have loaded.
 */
export const keepOffline = async (base: string, files: readonly string[]): Promise<void> => {
  if (begun || !("serviceWorker" in navigator)) return;
  begun = true;
  const own = new Set(files.filter((file) => file.startsWith(base)));
  const loadAgain = async (): Promise<void> => {
    for (const file of own) await (await fetch(file)).arrayBuffer();
  };
  // What cannot be kept now is kept when it is loaded the next time.
  navigator.serviceWorker.addEventListener("controllerchange", () => void loadAgain().catch(() => undefined));
  const scope = new URL("../lab", base).href;
  await navigator.serviceWorker.register(new URL("offline.js", base), { scope }).catch(() => undefined);
};
