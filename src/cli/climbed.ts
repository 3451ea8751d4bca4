/** What an attack climbs on a command line: the network that is scored, or others in its place; at its own scales, or at those given. */

import { UsageError } from "../node/failure.ts";
import type { Options } from "../node/options.ts";
import { atScales, difference, ensembleOf } from "../segmenter/ensemble.ts";
import { ManifestError, SCALES, scalesSchema, type Manifest } from "../segmenter/manifest.ts";
import type { Network } from "../segmenter/network.ts";
import { openOperand } from "./open-network.ts";

export const climbedFlags = {
  source: {
    type: "string",
    value: "NET",
    multiple: true,
    help: "attack this network, and score NET on the pictures; several are one of mean logits",
  },
  scales: { type: "string", value: "S,…", help: "attack it as it sees pictures at these scales: 0.5,0.75,1" },
  fusion: { type: "string", value: "WHICH", help: "of the logits of several --scales: max, the default, or mean" },
} as const satisfies Options;

interface ClimbedFlags {
  readonly source?: readonly string[] | undefined;
  readonly scales?: string | undefined;
  readonly fusion?: string | undefined;
}

const scalesFrom = (text: string): readonly number[] => {
  const scales = text.split(",").map(Number);
  if (scalesSchema.safeParse(scales).success) return scales;
  throw new UsageError(
    `--scales must be up to ${SCALES.most} numbers from ${SCALES.least} to ${SCALES.largest} with commas between, not "${text}"`,
  );
};

const fusionFrom = (text: string | undefined, scales: string | undefined): Manifest["fusion"] => {
  if (text === undefined) return undefined;
  if (scales === undefined) throw new UsageError("--fusion goes with --scales");
  if (text === "max" || text === "mean") return text;
  throw new UsageError(`--fusion must be max or mean, not "${text}"`);
};

/** @throws UsageError for flags that are wrong in themselves: called before a network is opened. */
export const checkClimbed = ({ scales, fusion }: ClimbedFlags): void => {
  if (scales !== undefined) scalesFrom(scales);
  fusionFrom(fusion, scales);
};

const inFlag = <T>(flag: string, make: () => T): T => {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof ManifestError)) throw cause;
    throw new UsageError(`${flag} ${cause.detail}`, { cause });
  }
};

/** The network whose objective is climbed; `network` itself where no flag says otherwise. @throws UsageError, Refusal */
export const climbedFrom = async (flags: ClimbedFlags, network: Network): Promise<Network> => {
  const { source: [first, ...others] = [], scales } = flags;
  let climbed = network;
  if (first !== undefined) {
    const sources: [Network, ...Network[]] = [await openOperand(first)];
    for (const operand of others) sources.push(await openOperand(operand));
    climbed = inFlag("--source", () => ensembleOf(sources));
    const fault = difference(network.manifest, climbed.manifest);
    if (fault !== null) throw new UsageError(`--source ${climbed.manifest.name}: ${fault}`);
  }
  if (scales === undefined) return climbed;
  return inFlag("--scales", () => atScales(climbed, scalesFrom(scales), fusionFrom(flags.fusion, scales)));
};
