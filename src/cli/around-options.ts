/** What stands around a network on a command line: transformations before it, how attacks take them, and a CRF behind it. */

import { crfRnn } from "../crf/parameters.ts";
import { crfOf, defenceOf, type Setting } from "../evaluation/settings.ts";
import { parseCrfChoice, parseDefence, SpecError } from "../evaluation/spec.ts";
import { UsageError } from "../node/failure.ts";
import type { Options, Values } from "../node/options.ts";
import { gpuFaults } from "../segmenter/compile.ts";
import type { Defence } from "../segmenter/defence.ts";
import { createFronts } from "../segmenter/front.ts";
import { requireConsistent } from "../segmenter/consistent.ts";
import { ManifestError, type Manifest } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import type { Crf } from "../segmenter/refinement.ts";
import { defined, ifGiven, number, numbers, withOptions } from "./notation.ts";

export const throughFlags = {
  through: { type: "string", value: "HOW", help: "how attacks take them: differentiable (the default), bpda or naive" },
  draws: { type: "string", value: "N", help: "draws of random transformations for each gradient (1)" },
} as const satisfies Options;

/** For one network; `evaluate` takes several transformations and CRFs, each a variant. */
export const aroundFlags = {
  transform: { type: "string", value: "T", help: "transformations before NET: jpeg:quality=50..90+blur, or none" },
  ...throughFlags,
  crf: {
    type: "string",
    value: "C",
    help: "CRF behind NET: none, crf-rnn, crf-rnn:unary, or JSON; NET's own if absent",
  },
} as const satisfies Options;

/** "name:option=value+name" as a list. @throws UsageError */
export const transformsFrom = (text: string): readonly unknown[] =>
  text.split("+").map((one) => withOptions("transform", one, "name"));

/** @throws UsageError for what is no name and no JSON. */
export const crfFrom = (text: string): unknown => {
  if (text === "none") return text;
  if (text === "crf-rnn" || text === "crf-rnn:unary") return { ...crfRnn, attacked: text === "crf-rnn" };
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new UsageError(`--crf must be none, crf-rnn, crf-rnn:unary or JSON, not "${text}"`, { cause });
  }
};

/** "0.5,1:mean:around" as a choice of scales. @throws UsageError */
export const scalesFrom = (text: string): Record<string, unknown> => {
  const [scales = "", ...how] = text.split(":");
  const other = how.find((word) => word !== "max" && word !== "mean" && word !== "around");
  if (other !== undefined) throw new UsageError(`--scales: after the scales come max, mean or around, not "${other}"`);
  return defined({
    scales: numbers("scales", scales),
    fusion: how.find((word) => word !== "around"),
    attacked: how.includes("around") ? false : undefined,
  });
};

/** "a+b@0.5,1:mean" as a source of transfer; a name alone is that network. @throws UsageError */
export const sourceFrom = (text: string): unknown => {
  const [, names = text, scales] = /^(.*?)@([^/@]+)$/.exec(text) ?? [];
  const networks = names.split("+");
  if (scales === undefined && networks.length === 1) return text;
  const { attacked, ...scaled } = scales === undefined ? {} : scalesFrom(scales);
  if (attacked !== undefined) throw new UsageError("--transfer-from: around goes with --scales");
  return { networks, ...scaled };
};

export interface Around {
  readonly defence: Defence | null;
  readonly crf: Crf | null;
}

/** As the flags have it, and as the manifest has it where they say nothing. */
const resolved = (values: Partial<Values<typeof aroundFlags>>, manifest: Manifest, seed: number): Around => {
  const given = defined({ through: values.through, draws: ifGiven(values.draws, (text) => number("draws", text)) });
  const crf = ifGiven(values.crf, (text) => parseCrfChoice(crfFrom(text)));
  const setting: Setting = { network: 0, crf };
  const transform = values.transform === undefined ? manifest.transform : values.transform;
  if (transform === undefined || transform === "none") {
    if (Object.keys(given).length === 0) return { defence: null, crf: crfOf(setting, manifest) };
    throw new UsageError(
      "--through and --draws go with transformations, of which there are none: --transform names some",
    );
  }
  const defence = parseDefence({
    transform: typeof transform === "string" ? transformsFrom(transform) : transform,
    ...given,
  });
  return { defence: defenceOf({ ...setting, defence }, manifest, seed), crf: crfOf(setting, manifest) };
};

/**
 * What a command line puts around a network, in place of what its manifest does.
 *
 * @param seed of the draws of random transformations.
 * @throws UsageError for what does not exist, is out of range, or does not go with the network's pictures.
 */
export const aroundFrom = (values: Partial<Values<typeof aroundFlags>>, manifest: Manifest, seed: number): Around => {
  try {
    const around = resolved(values, manifest, seed);
    requireConsistent({ ...manifest, transform: around.defence?.transform.slice(), crf: around.crf?.parameters });
    return around;
  } catch (cause) {
    if (cause instanceof SpecError || cause instanceof ManifestError)
      throw new UsageError(`--${cause.message}`, { cause });
    throw cause;
  }
};

/** What of the network, with what stands around it, does not run on a GPU. */
export const gpuFaultsOf = (network: Network, { crf, defence }: Around): readonly string[] =>
  gpuFaults(network, crf, defence ? createFronts(defence).scored : undefined);
