/** The CRF that a request asks for. */

import { crfFault } from "../crf/parameters.ts";
import { FaultlineError } from "../contract/failure.ts";
import type { OpenModel } from "./open.ts";
import type { CrfChoice } from "../contract/options.ts";

/**
 * The model with the CRF of the request, in place of its own; as it is where the request names none.
 *
 * @throws FaultlineError invalid-spec for parameters out of range.
 */
export const withCrf = (model: OpenModel, crf: CrfChoice | undefined): OpenModel => {
  if (crf === undefined) return model;
  if (crf === "none") return { ...model, segmenter: model.segmenter.withCrf(null) };
  const { attacked, ...parameters } = crf;
  const fault = crfFault(parameters);
  if (fault) {
    const pointer = `/spec/crf/${fault.field.replaceAll(".", "/")}`;
    throw new FaultlineError({ kind: "invalid-spec", errors: [{ pointer, detail: fault.message }] }, { cause: fault });
  }
  return { ...model, segmenter: model.segmenter.withCrf({ parameters, attacked }) };
};
