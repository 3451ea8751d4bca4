/** Whether gradient attacks on a network are to be believed, by one image. */

import type { Audit, AuditSettings } from "../evaluation/audit.ts";
import type { Size } from "../tensor.ts";
import type { Backend } from "./options.ts";
import type { Receipt, Reference, Timings } from "./receipt.ts";
import type { Label255, Warning } from "./warnings.ts";

export interface AuditSpec extends AuditSettings {
  readonly model: string;
  readonly backend?: Backend | undefined;
  readonly label255?: Label255 | undefined;
}

export interface AuditRequest {
  readonly spec: AuditSpec;
  readonly image: Uint8Array;
  readonly labels?: Uint8Array | undefined;
}

export interface AuditResult extends Size, Omit<Audit, "quotients"> {
  readonly reference: Reference;
  readonly warnings: readonly Warning[];
  /** Slope of the loss along the gradient's sign by difference quotients ÷ that of the gradient; null for a zero gradient. */
  readonly quotients: readonly (number | null)[];
  readonly timings: Timings;
  readonly receipt: Receipt<AuditSpec>;
}
