/**
 * Networks that an attack climbs in place of the one that is scored: several as one, or one at other scales. Each is a network like
 * any other, so that every objective, transformation and backend takes it.
 */

import { requireConsistent } from "./consistent.ts";
import { channelCount, ManifestError, takesScales, type Manifest } from "./manifest.ts";
import type { Network } from "./network.ts";

/** What two networks must have in common to take the same pictures and mean the same by their classes. */
type Compared = Pick<Manifest, "name" | "classes" | "input">;

/** How the second differs from the first in its pictures or its classes, in words; null where an image of one is an image of the other. */
export const difference = (a: Compared, b: Compared): string | null => {
  const [channels, others] = [a, b].map(({ input }) => channelCount(input.channels));
  if (channels !== others) return `${b.name} takes pictures of ${others} channels, and ${a.name} of ${channels}`;
  if (a.classes.length !== b.classes.length)
    return `${b.name} has ${b.classes.length} classes, and ${a.name} ${a.classes.length}`;
  const at = a.classes.findIndex(({ name }, k) => name !== b.classes[k]!.name);
  return at === -1
    ? null
    : `class ${at} is "${b.classes[at]!.name}" for ${b.name}, and "${a.classes[at]!.name}" for ${a.name}`;
};

/** @throws ManifestError where one network is named twice, or two differ in pictures or classes. */
const requireAlike = (manifests: readonly Manifest[]): void => {
  for (const [k, manifest] of manifests.entries()) {
    if (manifests.findIndex(({ name }) => name === manifest.name) < k)
      throw new ManifestError(`${manifest.name} is in the ensemble twice`);
    const fault = difference(manifests[0]!, manifest);
    if (fault !== null) throw new ManifestError(fault);
  }
};

/**
 * What is said of an ensemble: its name and digest are those of its networks, joined by "+". Of one network it is that one's.
 *
 * @throws ManifestError where the networks do not go together.
 */
export const ensembleManifest = (manifests: readonly [Manifest, ...Manifest[]]): Manifest => {
  const [first] = manifests;
  if (manifests.length === 1) return first;
  requireAlike(manifests);
  const { crf: _, transform: __, scales: ___, fusion: ____, ...shared } = first;
  return {
    ...shared,
    name: manifests.map(({ name }) => name).join("+"),
    sha256: manifests.map(({ sha256 }) => sha256).join("+"),
    assumed: [...new Set(manifests.flatMap(({ assumed = [] }) => assumed))],
  };
};

/**
 * The network whose logits are the mean of those of several, which are taken without the CRFs and the transformations of their
 * manifests: "ensemble in logits", the strongest of the three fusions that Dong et al. 2018 (Boosting Adversarial Attacks with
 * Momentum, section 3.4) compare. Of one network it is that one.
 *
 * @throws ManifestError where the networks do not go together.
 */
export const ensembleOf = (networks: readonly [Network, ...Network[]]): Network => {
  const [first, ...others] = networks;
  if (others.length === 0) return first;
  const manifest = ensembleManifest([first.manifest, ...others.map((network) => network.manifest)]);
  // What has no gradient in one network has none in the ensemble.
  const { model, source } = networks.find((network) => network.source.end !== undefined) ?? first;
  return { manifest, model, source, members: networks };
};

/** The name of a network as it sees an image at these scales. */
export const scaledName = (name: string, scales: readonly number[], fusion: Manifest["fusion"]): string =>
  `${name}@${scales.join(",")}${fusion === "mean" ? " mean" : ""}`;

const nameAtScales = (
  { name, network = name, ...own }: Manifest,
  scales: readonly number[],
  fusion: Manifest["fusion"],
): Manifest => {
  const { fusion: _, ...rest } = own;
  return { ...rest, name: scaledName(name, scales, fusion), network };
};

/**
 * What is said of a network at these scales: a variant of it, with a name of its own.
 *
 * @throws ManifestError where the network has one size alone, or a scale is there twice.
 */
export const manifestAtScales = (own: Manifest, scales: readonly number[], fusion?: Manifest["fusion"]): Manifest => {
  const { width, height } = own.input;
  if (!takesScales(own.input))
    throw new ManifestError(
      `are ${scales.join(", ")}, and ${own.name} has one size alone, ${width}×${height} (width×height); scales go with a "dynamic" size or "fit": "tile"`,
      "scales",
    );
  const manifest: Manifest = { ...nameAtScales(own, scales, fusion), scales: [...scales], ...(fusion && { fusion }) };
  requireConsistent(manifest);
  return manifest;
};

/** What is said of an ensemble, or of one network, at these scales or at its own. @throws ManifestError as the others do. */
export const climbedManifest = (
  manifests: readonly [Manifest, ...Manifest[]],
  scales?: readonly number[],
  fusion?: Manifest["fusion"],
): Manifest => {
  const whole = ensembleManifest(manifests);
  if (!scales) return whole;
  const [first, ...others] = manifests.map((own) => manifestAtScales(own, scales, fusion));
  return others.length === 0 ? first! : nameAtScales(whole, scales, fusion);
};

/**
 * The network as it sees an image at these scales, in place of its manifest's; of an ensemble, each network.
 *
 * @throws ManifestError where the network has one size alone, or a scale is there twice.
 */
export const atScales = (network: Network, scales: readonly number[], fusion?: Manifest["fusion"]): Network => {
  const { manifest, members } = network;
  if (!members) return { ...network, manifest: manifestAtScales(manifest, scales, fusion) };
  const scaled = members.map((member) => atScales(member, scales, fusion));
  return { ...network, manifest: nameAtScales(manifest, scales, fusion), members: scaled };
};
