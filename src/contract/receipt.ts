/** What several answers tell of what ran. */

/** Milliseconds by stage; `total` is always there. */
export type Timings = Readonly<Record<string, number>> & { readonly total: number };

/** Of the float image, and of the same image rounded to 8 bits. */
export interface FloatAndUint8<T> {
  readonly float: T;
  readonly uint8: T;
}

/** What the scores compare with: the ground truth if given, else the clean prediction (whose mIoU is then 1). */
export type Reference = "prediction" | "ground-truth";

/** What ran: enough to run it again. */
export interface Receipt<Spec> {
  readonly model: string;
  readonly modelSha256: string;
  readonly spec: Spec;
  readonly seed: number;
  readonly versions: { readonly faultline: string; readonly onnxruntime: string };
  readonly backend: "webgpu" | "wasm";
  /** Why that backend: a clause. */
  readonly backendWhy: string;
}
