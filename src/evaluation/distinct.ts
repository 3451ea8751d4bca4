/** Whether the networks of an evaluation can be told apart, and take the same pictures. */

import { channelCount, type Manifest } from "../segmenter/manifest.ts";
import { canonicalJson } from "./row.ts";
import { describe, networksOf, type Settings } from "./settings.ts";
import { NetworksError, SpecError, type EvaluationSpec } from "./spec.ts";
import { aroundOf } from "./unit.ts";

/** @throws SpecError for networks that could not be told apart, or whose classes are not as many. */
export const requireDistinct = (
  { all }: Pick<Settings, "all">,
  manifests: readonly Manifest[],
  spec: EvaluationSpec,
): void => {
  const names = networksOf(spec);
  const seen = new Map<string, number>();
  for (const [place, setting] of all.entries()) {
    const described = describe(setting, manifests, spec.seed);
    const around = aroundOf(described, spec.seed);
    const key = `${described.manifest.sha256} ${canonicalJson(around ? { ...around } : null)}`;
    const other = all[seen.get(key) ?? place]!;
    if (other !== setting)
      throw other.network === setting.network
        ? new SpecError(`${names[setting.network]}: two of its variants are the same`)
        : new NetworksError(
            `networks: ${names[other.network]} and ${names[setting.network]} are one file; a manifest of another preprocessing names the first as its "network"`,
          );
    seen.set(key, place);
  }
  const [first] = manifests;
  const channels = manifests.map(({ input }) => channelCount(input.channels));
  const other = channels.findIndex((count) => count !== channels[0]);
  if (other !== -1)
    throw new NetworksError(
      `networks: ${names[0]} takes pictures of ${channels[0]} channels and ${names[other]} of ${channels[other]}; one evaluation takes networks of the same channels`,
    );
  const different = manifests.findIndex(({ classes }) => classes.length !== first?.classes.length);
  if (different !== -1)
    throw new NetworksError(
      `networks: ${names[0]} has ${first?.classes.length} classes and ${names[different]} ${manifests[different]?.classes.length}; one evaluation takes networks of the same classes`,
    );
};
