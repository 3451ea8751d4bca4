/**
 * What the HTTP API asks of the evaluation: images and label maps as encoded bytes in, numbers and encoded images out.
 * Only types, in `service/` by resource; what can go wrong is in `failure.ts`.
 */

import type { AttackRequest, AttackResult, AttackRun } from "./attack.ts";
import type { Abandon, ModelInfo, Uploads } from "./models.ts";
import type { RobustnessRequest, RobustnessResult, RobustnessRun } from "./robustness.ts";
import type { ScoreRequest, ScoreResult } from "./score.ts";
import type { SegmentRequest, SegmentResult } from "./segment.ts";

/** Everything the API can be asked. Each method rejects with a `FaultlineError` for what the caller can mend. */
export interface Service {
  /** The model of a request that names none. */
  readonly defaultModel: string;
  /** Those that can be opened. */
  models(run?: Abandon): Promise<readonly ModelInfo[]>;
  model(name: string, run?: Abandon): Promise<ModelInfo>;
  /** Resolves when requests can be served; rejects with `model-unavailable` until then. */
  ready(): Promise<void>;
  segment(request: SegmentRequest, run?: Abandon): Promise<SegmentResult>;
  /** All that can be refused is refused before the first `onStep`. */
  attack(request: AttackRequest, run: AttackRun): Promise<AttackResult>;
  score(request: ScoreRequest, run?: Abandon): Promise<ScoreResult>;
  robustness(request: RobustnessRequest, run: RobustnessRun): Promise<RobustnessResult>;
  /** Absent where the service has no store for them. */
  readonly uploads?: Uploads | undefined;
}
