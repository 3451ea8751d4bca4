/** `faultline/objectives`: what an attack climbs, at the logits, as fragments of a graph with their cotangents. */

export { objectiveNamed, objectiveNames } from "./catalogue.ts";
export { weightedSum, type Part } from "./combine.ts";
export type { Objective } from "./objective.ts";
