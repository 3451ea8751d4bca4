/** `faultline/service`: all that the HTTP API answers, without HTTP. */

export { FaultlineError, type Failure } from "../contract/failure.ts";
export type { Service } from "../contract/service.ts";
export { useCodecModules } from "../image/codecs.ts";
export type { ServiceOptions } from "./context.ts";
export { createService } from "./service.ts";
