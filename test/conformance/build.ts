/** Vitest's global set-up: the Worker is built once for all files. */
import { buildWorker } from "../../scripts/workerd.ts";

export const setup = (): void => buildWorker();
