/**
 * The service behind the HTTP API: encoded images and label maps in, numbers and encoded images out. Types only, one file per
 * resource; the failures are in `failure.ts`.
 */

import type { AttackRequest, AttackResult, AttackRun } from "./attack.ts";
import type { AuditRequest, AuditResult } from "./audit.ts";
import type { CertifyRequest, CertifyResult } from "./certify.ts";
import type { DataSets } from "./data.ts";
import type { Evaluations } from "./evaluations.ts";
import type { Abandon, ModelInfo, Uploads } from "./models.ts";
import type { ReportRequest } from "./report.ts";
import type {
  ConcludeRequest,
  PreparedRobustness,
  RobustnessAnswer,
  RobustnessRequest,
  RobustnessResult,
  RobustnessRun,
  RobustnessSetAnswer,
  RobustnessSetRequest,
  RobustnessSetResult,
} from "./robustness.ts";
import type { ScoreRequest, ScoreResult } from "./score.ts";
import type { TransferRequest, TransferResult } from "./transfer.ts";
import type { SegmentRequest, SegmentResult } from "./segment.ts";

/** The operations of the API. Each method rejects with a `FaultlineError` for failures that the caller can correct. */
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
  /** `onPoint` gets the points of all images, one image after another. */
  robustnessOfSet(request: RobustnessSetRequest, run: RobustnessRun): Promise<RobustnessSetResult>;
  /** What a request of one image or several is before its attacks, which then run elsewhere; whatever is wrong with it is refused. */
  prepareRobustness(request: RobustnessSetRequest, run?: Abandon): Promise<PreparedRobustness>;
  /** The answer that the request would have had. */
  concludeRobustness(request: ConcludeRequest, run?: Abandon): Promise<RobustnessAnswer | RobustnessSetAnswer>;
  transfer(request: TransferRequest, run?: Abandon): Promise<TransferResult>;
  audit(request: AuditRequest, run?: Abandon): Promise<AuditResult>;
  certify(request: CertifyRequest, run?: Abandon): Promise<CertifyResult>;
  /** The report as text. */
  report(request: ReportRequest, run?: Abandon): Promise<string>;
  /** Absent where the service has no store for uploads. */
  readonly uploads?: Uploads | undefined;
  /** Absent where the service has no folder for evaluations. */
  readonly evaluations?: Evaluations | undefined;
  /** Absent where the service takes no data sets. */
  readonly data?: DataSets | undefined;
}
