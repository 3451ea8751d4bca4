/** `faultline/attacks`: attacks on a function of an image. They know no network. */

export type { Attack, Evaluation, Image, Objective } from "./attack.ts";
export { fgsm } from "./fgsm.ts";
export { ifgsm, paperSteps } from "./ifgsm.ts";
export { pgd } from "./pgd.ts";
