/**
 * ONNX's own backend node tests (onnx.backend.test): every model is read, written, run, and gives what ONNX expects, or is refused by
 * name; and its gradient meets difference quotients of the runtime. The files are made by Python's onnx where it is installed
 * (FAULTLINE_ONNX_PYTHON names the interpreter), else the tests are skipped. FAULTLINE_ALL_ONNX=1 runs all of them, not every fourth.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { forwardOutcome, gradientOutcome, nodeTests, type NodeTest } from "./onnx-node.ts";

const script = fileURLToPath(new URL("onnx-node-tests.py", import.meta.url));
const interpreters = [process.env["FAULTLINE_ONNX_PYTHON"], "python3", "/usr/bin/python3"].filter(Boolean) as string[];

const made = (): { readonly tests: readonly NodeTest[]; readonly note: string } => {
  const folder = mkdtempSync(join(tmpdir(), "onnx-node-"));
  for (const python of interpreters) {
    try {
      const version = execFileSync(python, [script, folder], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      return { tests: nodeTests(folder), note: ` of ONNX ${version.trim()}` };
    } catch {
      // The next interpreter may have it.
    }
  }
  return { tests: [], note: " (skipped: no Python with onnx, see FAULTLINE_ONNX_PYTHON)" };
};

const { tests, note } = made();
const step = process.env["FAULTLINE_ALL_ONNX"] ? 1 : 4;
const chosen = tests.filter((_, i) => i % step === 0).map((t) => [t.name, t] as const);

/** Where another value is right: by a part of the name. */
const otherValues: readonly (readonly [RegExp, string])[] = [
  [/^test_resize_downsample_scales_(linear|cubic)_align_corners$/, "onnxruntime rounds the output's length first"],
  [/^test_maxunpool_export_with_output_shape$/, "onnxruntime takes the indices for those of the output"],
  [
    /^test_(pow_types_float32_uint|top_k_uint64|reduce_max_empty_set_bool)/,
    "onnxruntime-web has no kernel of the type",
  ],
  [
    /^test_bitshift_(left|right)_int(8|32)_negative_shift$/,
    "onnxruntime takes a negative shift modulo the number of bits",
  ],
  [/qk_matmul_bias_[34]d_mask_causal$/, "the scores of masked keys are −10³⁰, not −∞"],
];

/** Where there is no derivative to meet, or float32 has no digits left for a quotient. */
const otherGradients: readonly (readonly [RegExp, string])[] = [
  ...otherValues,
  [
    /^test_(floor_example|round|sign|hardmax|thresholdedrelu_example|gridsample_(volumetric_)?nearest)/,
    "the input lies on a jump",
  ],
  [/^test_reduce_log_sum_empty_set/, "the input has no elements"],
  [/^test_l2normalization_axis_0$/, "a norm of zero"],
  [
    /^test_(softmax_large_number|attention_4d_scaled|attention_local_window_ext_cache_float16_mask)/,
    "scores too large for float32",
  ],
];

let supported = 0;

const excused = (list: typeof otherValues, name: string): boolean => list.some(([pattern]) => pattern.test(name));

describe.skipIf(chosen.length === 0)(`ONNX's node tests${note}`, () => {
  it.each(chosen)("%s", async (name, test) => {
    const forward = await forwardOutcome(test);
    if (forward.kind === "right") supported++;
    const isSkipped = forward.kind === "refused" || excused(otherGradients, name);
    const backward = isSkipped ? forward : await gradientOutcome(test);
    const faults = [...(excused(otherValues, name) ? [] : [forward]), ...(isSkipped ? [] : [backward])];
    expect(faults.filter(({ kind }) => kind === "wrong")).toEqual([]);
  });

  it("most are supported", () => {
    expect(supported).toBeGreaterThan(0.6 * chosen.length);
  });
});
