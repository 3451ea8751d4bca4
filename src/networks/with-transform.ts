/** The transformations that a request asks for. */

import { invalidSpec } from "../contract/failure.ts";
import type { TransformChoice } from "../contract/options.ts";
import { channelCount } from "../segmenter/manifest.ts";
import { completed, TransformError, type TransformSpec } from "../transforms/pipeline.ts";
import type { OpenModel } from "./open.ts";

/** The transformations as an attack on the model takes them, with nothing left open; nothing where there are none. */
export const transformsThatRan = ({
  segmenter: { defence },
}: Pick<OpenModel, "segmenter">): TransformChoice & { readonly transform?: readonly TransformSpec[] | undefined } =>
  defence ? { transform: completed(defence.transform), through: defence.through, draws: defence.draws } : {};

/**
 * The model with the transformations of the request, in place of its own; with its own, drawn from the request's seed, where the
 * request names none.
 *
 * @throws FaultlineError invalid-spec for a transformation out of range, and for options of an attack on none.
 */
export const withTransform = (
  model: OpenModel,
  { transform, seed = 0, ...attacked }: TransformChoice & { readonly seed?: number | undefined },
): OpenModel => {
  const { segmenter } = model;
  const chosen = transform === "none" ? undefined : (transform ?? segmenter.defence?.transform);
  if (!chosen) {
    const given = (["through", "draws"] as const).find((name) => attacked[name] !== undefined);
    if (given)
      throw invalidSpec({
        pointer: `/spec/${given}`,
        detail: "must be absent, as there is no transformation: name some in `transform`",
      });
    return segmenter.defence ? { ...model, segmenter: segmenter.withTransform(null) } : model;
  }
  const planes = channelCount(segmenter.manifest.input.channels);
  if (planes !== 1 && planes !== 3)
    throw invalidSpec({
      pointer: "/spec/transform",
      detail: `is for pictures of 1 or 3 channels; the model's have ${planes}`,
    });
  const { through = "differentiable", draws = 1 } = attacked;
  try {
    return { ...model, segmenter: segmenter.withTransform({ transform: chosen, seed, through, draws }) };
  } catch (cause) {
    if (!(cause instanceof TransformError)) throw cause;
    const place = ["", ...cause.field.split(".").filter(Boolean)].join("/");
    throw invalidSpec({ pointer: `/spec/transform${place}`, detail: cause.message }, cause);
  }
};
