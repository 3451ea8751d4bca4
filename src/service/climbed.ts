/** What an attack climbs: the model that is scored, or other networks in its place; at its own scales, or at those of the request. */

import type { AttackSpec, UniversalSpec } from "../contract/attack.ts";
import { invalidSpec } from "../contract/failure.ts";
import type { PlacedModel } from "../networks/placement.ts";
import { difference } from "../segmenter/ensemble.ts";
import { ManifestError } from "../segmenter/manifest.ts";
import { membersOf } from "../segmenter/network.ts";
import type { Context } from "./context.ts";

/** @throws FaultlineError invalid-spec where the networks have not the model's classes and pictures, or cannot run at the scales. */
export const openClimbed = async (
  context: Context,
  { sources, scales, fusion, backend, seed }: AttackSpec | UniversalSpec,
  model: PlacedModel,
): Promise<PlacedModel> => {
  const source = sources ? await context.openSources(sources, { backend, seed }) : model;
  const fault = difference(model.network.manifest, source.network.manifest);
  if (fault !== null)
    throw invalidSpec({
      pointer: "/spec/sources",
      detail: `must take the pictures and have the classes of the model; ${fault}`,
    });
  if (!scales) return source;
  try {
    return { ...source, segmenter: source.segmenter.withScales(scales, fusion) };
  } catch (cause) {
    if (!(cause instanceof ManifestError)) throw cause;
    throw invalidSpec(
      { pointer: `/spec/${cause.field === "fusion" ? "fusion" : "scales"}`, detail: cause.detail },
      cause,
    );
  }
};

/** What the networks of a source are. */
export const sourcesOf = ({ network }: PlacedModel) =>
  membersOf(network).map(({ manifest: { name, sha256 } }) => ({ model: name, modelSha256: sha256 }));
