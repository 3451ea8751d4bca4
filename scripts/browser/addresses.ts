/** Files that a bundle refers to by URL. */

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { OnLoadResult, Plugin } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Compressed files by path; compressing onnxruntime takes seconds. */
const gzipped = (file: string): Buffer => {
  const kept = join(root, "node_modules/.cache/gzip", `${relative(root, file)}.gz`);
  if (existsSync(kept) && statSync(kept).mtimeMs > statSync(file).mtimeMs) return readFileSync(kept);
  const bytes = gzipSync(readFileSync(file));
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, bytes);
  return bytes;
};

const extensions = { url: "", gzip: ".gz", bytes: "" } as const;
type Form = keyof typeof extensions;

const contents: { readonly [F in Form]: (file: string) => OnLoadResult } = {
  url: (file) => ({ contents: readFileSync(file), loader: "file" }),
  gzip: (file) => ({ contents: gzipped(file), loader: "file" }),
  bytes: (file) => ({ contents: `export default ${statSync(file).size};`, loader: "js" }),
};

/**
 * `import url from "file?url"` copies the file next to the bundle, under a name with its digest, and gives its relative URL. `?gzip`
 * does the same with the compressed file, for files that are too large for a static asset; `?bytes` gives the file's size.
 */
export const addresses: Plugin = {
  name: "addresses",
  setup: (bundle) => {
    for (const form of Object.keys(extensions) as Form[]) {
      bundle.onResolve({ filter: new RegExp(`[?]${form}$`) }, async ({ path, resolveDir }) => {
        const file = path.slice(0, path.lastIndexOf("?"));
        const { path: found, errors } = await bundle.resolve(file, { kind: "import-statement", resolveDir });
        return { path: `${found}${extensions[form]}`, errors, namespace: form };
      });
      bundle.onLoad({ filter: /./, namespace: form }, ({ path }) => {
        const file = path.slice(0, path.length - extensions[form].length);
        return contents[form](file);
      });
    }
  },
};
