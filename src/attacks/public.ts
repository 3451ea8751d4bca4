/** `faultline/attacks`: attacks as data, and how they are followed on a function of an image. They know no network. */

export type { Attack, Evaluation, Image, Objective, Rule } from "./attack.ts";
export { attackNames, makeAttack, type AttackName } from "./catalogue.ts";
export { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
export { follow } from "./run.ts";
