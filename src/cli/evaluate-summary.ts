/** What the rows of an evaluation say in a table: pooled over the pictures, for each network and attack. */

import { iouRatio, scoresOf } from "../metrics/counts.ts";
import { pooledRegions, regionShares, type RegionCounts } from "../evaluation/region-goal.ts";
import { canonicalJson, type Json, type Row, type RowCounts } from "../evaluation/row.ts";
import { pooledCounts } from "../evaluation/pool.ts";
import { attackName, crfName, fieldOf } from "../report/names.ts";
import { scoreText, table } from "./text.ts";

interface Pooled {
  readonly network: string;
  readonly source: string;
  readonly attack: string;
  readonly epsilon: string;
  readonly counts: RowCounts;
  /** Of attacks on a region. */
  readonly region: RegionCounts | undefined;
  readonly images: number;
}

/** Of an attack on a region: how many pictures have the region, of how many. */
interface Found {
  readonly network: string;
  readonly attack: string;
  have: number;
  of: number;
}

/** A line for each attack on a region that some picture has not; radii of one attack share theirs. */
const missingLines = (all: readonly Found[]): readonly string[] => {
  const several = new Set(all.map(({ network }) => network)).size > 1;
  const lines = all
    .filter(({ have, of }) => have < of)
    .map(({ network, attack, have, of }) => {
      const counted = `${have} of ${of} ${of === 1 ? "picture has" : "pictures have"} the region`;
      return `${several ? `${network}, ` : ""}${attack}: ${counted}${have === 0 ? "; none was attacked" : ""}`;
    });
  return [...new Set(lines)];
};

const shown = (value: Json | undefined): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "–";

/** The network with what stands around it, in a few words. */
const nameOf = (model: string, around: Row["unit"]["around"]): string => {
  const { transform, through, draws, crf } = around ?? {};
  const parts = [
    ...(transform ? [transform.map((one) => shown(fieldOf(one, "name"))).join("+") || "no transformation"] : []),
    ...(through === undefined ? [] : [through]),
    ...(draws === undefined ? [] : [`${draws} draws`]),
    ...(crf === undefined ? [] : [crfName(crf)]),
  ];
  return parts.length === 0 ? model : `${model} (${parts.join(", ")})`;
};

/** Gathers rows one after another; repeats and further seeds are left out, as their spread is another question. */
export const createSummary = (seed: number) => {
  const groups = new Map<string, Pooled>();
  const found = new Map<string, Found>();
  return {
    add: ({ unit, receipt, counts, region }: Row): void => {
      const { networkSha256, around, source: sourceSha256 = null, sourceAround, attack } = unit;
      if (unit.repeat !== undefined || (attack !== null && unit.seed !== seed)) return;
      const key = canonicalJson([networkSha256, { ...around }, sourceSha256, { ...sourceAround }, attack]);
      const named = {
        network: nameOf(receipt.model, around),
        attack: attackName({ attack: attack as Parameters<typeof attackName>[0]["attack"] }),
      };
      if (region) {
        const share = found.get(key) ?? { ...named, have: 0, of: 0 };
        found.set(key, share);
        share.of += 1;
        if (region.float.pixels === 0) return; // The picture has not the region, and was not attacked.
        share.have += 1;
      }
      const known = groups.get(key);
      const fresh: Pooled = {
        ...named,
        source: receipt.source === undefined ? "" : nameOf(receipt.source, sourceAround),
        epsilon: shown(fieldOf(attack, "epsilon")),
        counts,
        region: region?.float,
        images: 1,
      };
      groups.set(
        key,
        known
          ? {
              ...known,
              counts: pooledCounts([known, { counts }]),
              region: pooledRegions([known.region, region?.float]),
              images: known.images + 1,
            }
          : fresh,
      );
    },
    /** A row for each network and attack, in the order in which they came, and what is said of regions that pictures have not. */
    text: (): string => {
      const all = [...groups.values()];
      const regions = all.some(({ region }) => region);
      const transfer = all.some(({ source }) => source !== "");
      const rows = all.map(({ network, source, attack, epsilon, counts, region, images }) => {
        const [clean, float, uint8] = [counts.clean, counts.float, counts.uint8].map((one) => scoresOf(one)) as [
          ReturnType<typeof scoresOf>,
          ReturnType<typeof scoresOf>,
          ReturnType<typeof scoresOf>,
        ];
        const scores = [float.miou, iouRatio(float, clean), iouRatio(uint8, clean)].map(scoreText);
        const { reached, kept } = region ? regionShares(region) : { reached: null, kept: null };
        const named = [network, ...(transfer ? [source] : []), attack, epsilon, String(images)];
        return [...named, ...scores, ...(regions ? [scoreText(reached), scoreText(kept)] : [])];
      });
      const head = ["network", ...(transfer ? ["made on"] : []), "attack", "ε", "pictures"];
      const columns = [...head, "mIoU", "IoU ratio", "of 8 bits", ...(regions ? ["reached", "kept"] : [])];
      const numeric = columns.map((_, i) => i).slice(head.length - 2);
      return [table([columns, ...rows], numeric), ...missingLines([...found.values()])].join("\n");
    },
  };
};
