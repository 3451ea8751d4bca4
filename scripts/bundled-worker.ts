/** A Worker from its TypeScript, as one module. */

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const bundledWorker = async (entry: URL): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    format: "esm",
    target: "es2022",
    external: ["cloudflare:*"],
    tsconfigRaw: {},
    write: false,
  });
  return outputFiles[0]!.text;
};
