/** `faultline/evaluation`: one image attacked and scored. */

export { attackImage, type AttackPlan, type AttackedImage } from "./measure.ts";
export { attackScores, type AttackScores } from "./scores.ts";
