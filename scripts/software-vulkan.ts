/** A software Vulkan for Dawn, so that WebGPU runs where there is no GPU: SwiftShader and a Vulkan loader, as Chromium ships them. */

import { join } from "node:path";
import { reasonOf } from "../src/reason.ts";
import { unpacked } from "./packed-chromium.ts";

/** Variables of the environment with which a process must be *started*: the dynamic linker reads them then. */
export type VulkanEnvironment = Readonly<Record<string, string>>;

/** Why there is no software Vulkan; the tests print it where they are skipped. */
export const NO_VULKAN = "FAULTLINE_NO_VULKAN";

const icd = "vk_swiftshader_icd.json";
const wanted: ReadonlySet<string> = new Set(["libvk_swiftshader.so", "libvulkan.so.1", icd]);

/**
 * Variables of the environment with which Dawn finds SwiftShader. Empty where the environment chooses a driver itself (VK_DRIVER_FILES or VK_ICD_FILENAMES), or where there is no such build (macOS and Windows have adapters of their own).
 */
export const softwareVulkan = (): VulkanEnvironment => {
  if (process.env["VK_DRIVER_FILES"] || process.env["VK_ICD_FILENAMES"]) return {};
  if (process.platform !== "linux" || process.arch !== "x64") return {};
  try {
    const folder = unpacked("swiftshader", ["swiftshader.tar.br"], (file) => wanted.has(file));
    const libraries = [folder, process.env["LD_LIBRARY_PATH"]].filter(Boolean).join(":");
    return { LD_LIBRARY_PATH: libraries, VK_DRIVER_FILES: join(folder, icd), VK_ICD_FILENAMES: join(folder, icd) };
  } catch (error) {
    return { [NO_VULKAN]: `no software Vulkan: ${reasonOf(error)}` };
  }
};
