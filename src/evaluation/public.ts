/** `faultline/evaluation`: one image attacked and scored, as a row that is kept. */

export { measure, type Measured, type Subject } from "./measure.ts";
export type { AttackPlan } from "./plan.ts";
export { unitId, type Around, type Row, type Unit } from "./row.ts";
export { attackScores } from "./scores.ts";
