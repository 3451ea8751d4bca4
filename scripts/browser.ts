/**
 * Bundles the page /lab and its engine into dist/browser, with the shipped networks: `npx tsx scripts/browser.ts`.
 * Wrangler runs it before it bundles the Worker (wrangler.toml, [build]).
 */

import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildResult, type Metafile } from "esbuild";
import type { NetworkEntry } from "../src/playground/messages.ts";
import { pageHeaders } from "../src/serve/page-headers.ts";
import { ownerOf } from "../src/segmenter/manifest.ts";
import { GRAPHS_FILE } from "../src/segmenter/stored-graphs.ts";
import { addresses } from "./browser/addresses.ts";
import { oneCopy } from "./browser/one-copy.ts";
import { writeOfflineWorker } from "./browser/offline.ts";
import { shippedManifests } from "./shipped/list.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
export const browserFolder = join(root, "dist/browser");

const source = (file: string): string => join(root, "src/playground", file);

/** What loads by itself when the page is opened. */
const entryPoints = ["page.ts", "engine.ts", "lab.css"].map(source);

/** Cloudflare's limit on a static asset. */
const MAX_BYTES = 25 * 2 ** 20;

/** @param write whether files are written; otherwise the result only lists them. */
export const bundle = (folder: string, write = true): Promise<BuildResult & { readonly metafile: Metafile }> =>
  build({
    entryPoints: [...entryPoints, source("try-it.ts")],
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    sourcemap: "linked",
    splitting: true,
    chunkNames: "assets/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    // onnxruntime's own script stays a separate file, which its threads load.
    conditions: ["onnxruntime-web-use-extern-wasm"],
    plugins: [addresses, oneCopy],
    logLevel: "warning",
    tsconfigRaw: {},
    metafile: true,
    write,
  });

/** Copies a network's file and manifest to where the page finds them, and its stored graphs to where the Worker does; null where the file is too large for a static asset. */
const network = (folder: string, entry: NetworkEntry, file: string): NetworkEntry | null => {
  const { name } = entry;
  if (entry.bytes > MAX_BYTES) return null;
  const manifest = join(folder, entry.manifest);
  mkdirSync(dirname(manifest), { recursive: true });
  copyFileSync(join(root, "models", name, "manifest.json"), manifest);
  mkdirSync(dirname(join(folder, entry.file)), { recursive: true });
  copyFileSync(file, join(folder, entry.file));
  const graphs = join(root, "models", name, GRAPHS_FILE);
  if (existsSync(graphs)) copyFileSync(graphs, join(folder, "models", name, GRAPHS_FILE));
  return entry;
};

/** The catalogue of networks. Variants share a file. */
const networks = (folder: string): void => {
  const manifests = shippedManifests();
  const entries = manifests.flatMap((manifest) => {
    const { name, architecture, dataset, file } = manifest;
    const owner = ownerOf(manifest, manifests).name;
    const path = join(root, "models", owner, file);
    const entry = {
      name,
      architecture: architecture ?? name,
      dataset: dataset ?? "unnamed data set",
      bytes: statSync(path).size,
      manifest: `models/${name}/manifest.json`,
      file: `models/${owner}/${file}`,
    };
    return network(folder, entry, path) ?? [];
  });
  writeFileSync(join(folder, "networks.json"), JSON.stringify(entries));
};

/** Headers in the format of Cloudflare's static assets. */
const headersFile = (): string =>
  Object.entries(pageHeaders)
    .map(([path, headers]) =>
      [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)].join("\n"),
    )
    .join("\n\n");

/** Replaces the last build once the new one is complete. */
export const buildBrowser = async (): Promise<void> => {
  const fresh = `${browserFolder}-${process.pid}`;
  const folder = join(fresh, "lab");
  mkdirSync(folder, { recursive: true });
  try {
    const { metafile } = await bundle(folder);
    networks(folder);
    copyFileSync(source("lab.html"), join(fresh, "lab.html"));
    copyFileSync(source("icon.svg"), join(folder, "icon.svg"));
    await writeOfflineWorker(source("offline.ts"), folder, { metafile, entryPoints });
    writeFileSync(join(fresh, "_headers"), `${headersFile()}\n`);
    mkdirSync(browserFolder, { recursive: true });
    // The folder itself is kept, because a server may have it open.
    for (const entry of readdirSync(browserFolder)) rmSync(join(browserFolder, entry), { recursive: true });
    for (const entry of readdirSync(fresh)) renameSync(join(fresh, entry), join(browserFolder, entry));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildBrowser();
