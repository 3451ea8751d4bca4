/** The CRF that a request asks for. */

import { crfFault } from "../crf/parameters.ts";
import { channelCount } from "../segmenter/manifest.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { OpenModel } from "./open.ts";
import type { CrfChoice } from "../contract/options.ts";

/**
 * The model with the CRF of the request, in place of its own; as it is where the request names none.
 *
 * @throws FaultlineError invalid-spec for parameters out of range, and for a model of other pictures than grey or coloured ones.
 */
export const withCrf = (model: OpenModel, crf: CrfChoice | undefined): OpenModel => {
  if (crf === undefined) return model;
  if (crf === "none") return { ...model, segmenter: model.segmenter.withCrf(null) };
  const planes = channelCount(model.segmenter.manifest.input.channels);
  if (planes !== 1 && planes !== 3)
    throw invalidSpec({
      pointer: "/spec/crf",
      detail: `takes pictures of 1 or 3 channels; the model's have ${planes}`,
    });
  const { attacked, ...parameters } = crf;
  const fault = crfFault(parameters);
  if (fault) {
    throw invalidSpec({ pointer: `/spec/crf/${fault.field.replaceAll(".", "/")}`, detail: fault.message }, fault);
  }
  return { ...model, segmenter: model.segmenter.withCrf({ parameters, attacked }) };
};
