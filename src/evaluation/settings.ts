/** The networks of an evaluation with what stands around each: every variant that is scored, and the sources of transfer. */

import type { Crf } from "../segmenter/refinement.ts";
import type { Defence } from "../segmenter/defence.ts";
import type { Manifest } from "../segmenter/manifest.ts";
import type { Segmenter } from "../segmenter/segmenter.ts";
import type { CrfChoiceSpec, DefenceSpec, EvaluationSpec } from "./spec.ts";

/** A network, by its place in `networksOf`, as it is scored or attacked. Plain data. */
export interface Setting {
  readonly network: number;
  /** In place of the manifest's own. */
  readonly crf?: CrfChoiceSpec | undefined;
  readonly defence?: DefenceSpec | undefined;
}

/** The networks by their operands: those that are scored, then those that are only sources. */
export const networksOf = ({ networks, transferFrom }: EvaluationSpec): readonly string[] => [
  ...new Set([...networks, ...transferFrom]),
];

export interface Settings {
  readonly all: readonly Setting[];
  /** Places in `all`. */
  readonly targets: readonly number[];
  readonly sources: readonly number[];
}

/** Each network as it is, then with each transformation, then with each CRF; sources of transfer as they are. */
export const settingsOf = (spec: EvaluationSpec): Settings => {
  const names = networksOf(spec);
  const scored = [...new Set(spec.networks)].map((name) => names.indexOf(name));
  const targets: readonly Setting[] = scored.flatMap((network) => [
    { network },
    ...spec.transform.map((defence) => ({ network, defence })),
    ...spec.crf.map((crf) => ({ network, crf })),
  ]);
  const others = [...new Set(spec.transferFrom)].filter((name) => !spec.networks.includes(name));
  const all = [...targets, ...others.map((name) => ({ network: names.indexOf(name) }))];
  const isAsItIs = ({ crf, defence }: Setting): boolean => crf === undefined && defence === undefined;
  const sources = spec.transferFrom.map((name) =>
    all.findIndex((setting) => setting.network === names.indexOf(name) && isAsItIs(setting)),
  );
  return { all, targets: [...targets.keys()], sources: [...new Set(sources)] };
};

/** The CRF of a setting. */
export const crfOf = ({ crf }: Setting, manifest: Manifest): Crf | null => {
  if (crf === "none") return null;
  if (crf === undefined) return manifest.crf ? { parameters: manifest.crf, attacked: true } : null;
  const { attacked, ...parameters } = crf;
  return { parameters, attacked };
};

/** The transformations of a setting; what they draw follows from the evaluation's seed. */
export const defenceOf = ({ defence }: Setting, { transform }: Manifest, seed: number): Defence | null => {
  if (defence) return { ...defence, seed };
  return transform ? { transform, seed, through: "differentiable", draws: 1 } : null;
};

/** What a unit's identity takes of a setting, without the network's file. */
export const describe = (
  setting: Setting,
  manifest: Manifest,
  seed: number,
): Pick<Segmenter, "manifest" | "crf" | "defence"> => ({
  manifest,
  crf: crfOf(setting, manifest),
  defence: defenceOf(setting, manifest, seed),
});

/** The network as the setting has it. */
export const settle = (segmenter: Segmenter, setting: Setting, seed: number): Segmenter => {
  const { manifest } = segmenter;
  return segmenter.withCrf(crfOf(setting, manifest)).withTransform(defenceOf(setting, manifest, seed));
};
