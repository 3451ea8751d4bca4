/** What the npm package @sparticuz/chromium contains, compressed: Chromium without a window, SwiftShader, a Vulkan loader. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";

/** The regular files of a tar (POSIX ustar: headers and contents in blocks of 512 bytes). */
function* filesOf(tar: Buffer): Generator<readonly [name: string, content: Buffer]> {
  const text = (from: number, to: number): string => tar.toString("latin1", from, to).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, at + 136), 8);
    const kind = text(at + 156, at + 157);
    if (kind === "0" || kind === "") yield [basename(text(at, at + 100)), tar.subarray(at + 512, at + 512 + size)];
    at += 512 + 512 * Math.ceil(size / 512);
  }
}

/** The package's folder and its version. @throws where it is not installed. */
const packageRoot = (): { readonly root: string; readonly version: string } => {
  const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const root = join(dirname(main), "../..");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
  return { root, version };
};

/** The files of an archive of the package: those of a tar by their names, another one under its own. */
const contentsOf = (root: string, archive: string): Iterable<readonly [string, Buffer]> => {
  const bytes = brotliDecompressSync(readFileSync(join(root, "bin", archive)));
  return archive.endsWith(".tar.br") ? filesOf(bytes) : [[archive.replace(/\.br$/, ""), bytes]];
};

/**
 * The folder in node_modules/.cache with the files of the archives, unpacked there once: to a temporary folder that is then renamed, so
 * that processes that start at the same time never see an incomplete one.
 *
 * @param isWanted which files are unpacked.
 * @throws where the package is not installed, or the disk is full.
 */
export const unpacked = (
  name: string,
  archives: readonly string[],
  isWanted: (file: string) => boolean = () => true,
): string => {
  const { root, version } = packageRoot();
  const target = fileURLToPath(new URL(`../node_modules/.cache/${name}-${version}`, import.meta.url));
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const fresh = mkdtempSync(`${target}-`);
  try {
    for (const archive of archives)
      for (const [file, content] of contentsOf(root, archive))
        if (isWanted(file)) writeFileSync(join(fresh, file), content, { mode: 0o755 });
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // Otherwise another process was first.
  }
  return target;
};
