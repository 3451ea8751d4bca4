/**
 * An optional folder of reference data: trained networks, images, gradients and curves to compare with. Tests that need it
 * are skipped where it is absent. It lies next to the checkout, or at FAULTLINE_REFERENCE.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = process.env["FAULTLINE_REFERENCE"] ?? fileURLToPath(new URL("../../../shared/reference", import.meta.url));

/** Whether the reference data is there. */
export const hasReference: boolean = existsSync(root);

/** Ends the title of a test that needs the reference data. */
export const referenceNote: string = hasReference ? "" : " (skipped: no reference data, see test/support/reference.ts)";

/** @example referencePath("models", "enet_camvid.onnx") */
export const referencePath = (...parts: readonly string[]): string => join(root, ...parts);
