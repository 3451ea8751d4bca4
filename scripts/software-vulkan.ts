/**
 * A software Vulkan for Dawn, so that WebGPU runs where there is no GPU: SwiftShader and a Vulkan loader, as Chromium
 * ships them in the npm package @sparticuz/chromium. They are unpacked once, into node_modules/.cache.
 */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { reasonOf } from "../src/reason.ts";

/** Variables of the environment with which a process must be *started*: the dynamic linker reads them then. */
export type VulkanEnvironment = Readonly<Record<string, string>>;

/** Why there is no software Vulkan; the tests print it where they are skipped. */
export const NO_VULKAN = "FAULTLINE_NO_VULKAN";

const icd = "vk_swiftshader_icd.json";
const wanted: ReadonlySet<string> = new Set(["libvk_swiftshader.so", "libvulkan.so.1", icd]);

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

/** Unpacks to a temporary folder and renames it, so that processes that start at the same time never see an incomplete one. */
const unpack = (archive: string, target: string): void => {
  const fresh = mkdtempSync(`${target}-`);
  for (const [name, content] of filesOf(brotliDecompressSync(readFileSync(archive)))) {
    if (wanted.has(name)) writeFileSync(join(fresh, name), content, { mode: 0o755 });
  }
  try {
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(target, icd))) throw error; // Otherwise another process was first.
  }
};

/**
 * Variables of the environment with which Dawn finds SwiftShader. Empty where the environment chooses a driver itself (VK_DRIVER_FILES or VK_ICD_FILENAMES), or where there is no such build (macOS and Windows have adapters of their own).
 */
export const softwareVulkan = (): VulkanEnvironment => {
  if (process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"]) return {};
  if (process.platform !== "linux" || process.arch !== "x64") return {};
  try {
    const main = createRequire(import.meta.url).resolve("@sparticuz/chromium");
    const root = join(dirname(main), "../..");
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
    const folder = fileURLToPath(new URL(`../node_modules/.cache/swiftshader-${version}`, import.meta.url));
    if (!existsSync(join(folder, icd))) {
      mkdirSync(dirname(folder), { recursive: true });
      unpack(join(root, "bin/swiftshader.tar.br"), folder);
    }
    const libraries = [folder, process.env["LD_LIBRARY_PATH"]].filter(Boolean).join(":");
    return { LD_LIBRARY_PATH: libraries, VK_DRIVER_FILES: join(folder, icd), VK_ICD_FILENAMES: join(folder, icd) };
  } catch (error) {
    return { [NO_VULKAN]: `no software Vulkan: ${reasonOf(error)}` };
  }
};
