/**
 * The kernels' sources in a bundle for browsers, as text: esbuild with `loader: { ".wgsl": "text" }`. In Node they are read from
 * the folder (`node.ts`); the Worker has neither, for want of WebGPU.
 */

import argmaxLabels from "../../../kernels/argmax_labels.wgsl";
import classIou from "../../../kernels/class_iou.wgsl";
import confusion from "../../../kernels/confusion.wgsl";
import l1Sums from "../../../kernels/l1_sums.wgsl";
import l2Step from "../../../kernels/l2_step.wgsl";
import l2Sums from "../../../kernels/l2_sums.wgsl";
import perturbationStats from "../../../kernels/perturbation_stats.wgsl";
import signStep from "../../../kernels/sign_step.wgsl";
import softmaxCeGrad from "../../../kernels/softmax_ce_grad.wgsl";
import type { KernelSources } from "./gpu.ts";

/** The sources of all kernels. */
export const kernelSources: KernelSources = {
  argmax_labels: argmaxLabels,
  class_iou: classIou,
  confusion: confusion,
  l1_sums: l1Sums,
  l2_step: l2Step,
  l2_sums: l2Sums,
  perturbation_stats: perturbationStats,
  sign_step: signStep,
  softmax_ce_grad: softmaxCeGrad,
};
