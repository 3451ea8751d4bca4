/** Reports of rows. */

/** How a report is written. */
export type ReportForm = "json" | "markdown" | "html";

export interface ReportRequest {
  /** Rows of `faultline evaluate`, and certificates of `faultline certify` among them, as JSON Lines. */
  readonly rows: Uint8Array;
  readonly form: ReportForm;
  /** The heading. */
  readonly title?: string | undefined;
  /** Of the bootstrap. */
  readonly seed: number;
}
