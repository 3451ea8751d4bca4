/**
 * Resolves after pending events were handled. A run in WebAssembly blocks its thread, so that without this between two steps no
 * abort would arrive, no closed connection would be noticed, and no queued data would be sent.
 */
export const yieldToEvents = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
