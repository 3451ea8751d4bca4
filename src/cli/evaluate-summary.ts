/** What the rows of an evaluation say in a table: pooled over the pictures, for each network and attack. */

import { iouRatio, scoresOf } from "../metrics/counts.ts";
import { pooledRegions, regionShares, type RegionCounts } from "../evaluation/region-goal.ts";
import { canonicalJson, type Json, type Row, type RowCounts } from "../evaluation/row.ts";
import { bestOf, flagsIn, type Better, type Figure } from "../evaluation/orders.ts";
import { groupedBy } from "../grouped.ts";
import { pooledCounts } from "../evaluation/pool.ts";
import { attackInNorm, crfName, distanceOf, fieldOf, isAimed } from "../report/names.ts";
import { scoreText, table } from "./text.ts";

interface Pooled {
  readonly network: string;
  readonly source: string;
  readonly attack: string;
  readonly epsilon: string;
  /** Empty for the clean pictures. */
  readonly seed: string;
  readonly counts: RowCounts;
  /** Of attacks on a region. */
  readonly region: RegionCounts | undefined;
  readonly images: number;
  /** What is not compared: other networks, surroundings, norms. */
  readonly among: string;
  /** Null for the clean pictures, and for attacks that do not try to do the worst. */
  readonly figure: Omit<Figure, "iouRatio"> | null;
  /** The same for the same pictures, in whatever order they came. */
  readonly pictures: number;
  /** Kinds of signs, with the number of pictures that show them. */
  readonly signs: ReadonlyMap<string, number>;
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

/** FNV-1a over UTF-16 units, 32 bits. */
const hashOf = (text: string): number => {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193) >>> 0;
  return hash;
};

/** What an attack is compared by; `iouRatio` follows from the counts. */
const figureIn = ({ unit, receipt, evaluations, region }: Row): Pooled["figure"] => {
  const [name, epsilon] = [fieldOf(unit.attack, "attack"), fieldOf(unit.attack, "epsilon")];
  if (typeof name !== "string" || typeof epsilon !== "number" || region || isAimed(unit.attack)) return null;
  const source = unit.source === undefined ? null : nameOf(receipt.source ?? "another network", unit.sourceAround);
  const options = unit.attack as Figure["options"];
  return { attack: name, epsilon, source, gradients: evaluations.backward, options };
};

const together = (known: Pooled, { counts, region, figure, pictures, signs }: Pooled): Pooled => ({
  ...known,
  counts: pooledCounts([known, { counts }]),
  region: pooledRegions([known.region, region]),
  images: known.images + 1,
  figure: known.figure && figure && { ...known.figure, gradients: known.figure.gradients + figure.gradients },
  pictures: (known.pictures + pictures) % 2 ** 32,
  signs: [...signs].reduce((all, [kind]) => all.set(kind, (all.get(kind) ?? 0) + 1), new Map(known.signs)),
});

/** Of each line, what ought to do less on the same pictures and does more. */
const betterOf = (all: readonly Pooled[]): readonly (Better | null)[] => {
  const compared = all.map(({ figure, counts, images, among, pictures }) => {
    const ratio = iouRatio(scoresOf(counts.float), scoresOf(counts.clean));
    const own = figure && { ...figure, gradients: figure.gradients / images, iouRatio: ratio };
    return { own, key: `${pictures} ${among}` };
  });
  const sets = [...groupedBy(compared, ({ key }) => key)];
  const flags = new Map(sets.map(([key, set]) => [key, flagsIn(set.flatMap(({ own }) => own ?? []))]));
  return compared.map(({ own, key }) => own && bestOf(flags.get(key)!(own)));
};

const betterText = ({ attack, epsilon, source, iouRatio: ratio }: Better): string =>
  `${attack} ε=${epsilon}${source === null ? "" : ` made on ${source}`} leaves ${scoreText(ratio)}`;

const UNLABELLED = "the scores compare with each network's own clean prediction, whose mIoU is 1 by definition";

/** Gathers rows one after another; repeats are left out, as their spread is another question. */
export const createSummary = () => {
  const groups = new Map<string, Pooled>();
  const found = new Map<string, Found>();
  let isUnlabelled = false;
  return {
    add: (row: Row): void => {
      isUnlabelled ||= row.reference === "prediction";
      const { unit, receipt, counts, region } = row;
      const { networkSha256, around, source: sourceSha256 = null, sourceAround, attack } = unit;
      if (unit.repeat !== undefined) return;
      const seed = attack === null ? "" : String(unit.seed);
      const key = canonicalJson([networkSha256, { ...around }, sourceSha256, { ...sourceAround }, attack, seed]);
      const attacked = { attack: attack as Parameters<typeof attackInNorm>[0]["attack"] };
      const named = { network: nameOf(receipt.model, around), attack: attackInNorm(attacked), seed };
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
        among: canonicalJson([networkSha256, { ...around }, row.reference, distanceOf(attacked)]),
        figure: figureIn(row),
        pictures: hashOf(unit.item),
        signs: new Map((row.signs ?? []).map((kind) => [kind, 1])),
      };
      groups.set(key, known ? together(known, fresh) : fresh);
    },
    /** A row for each network, attack and seed, in the order in which they came, and what is said of regions that pictures have not. */
    text: (): string => {
      const all = [...groups.values()];
      const regions = all.some(({ region }) => region);
      const transfer = all.some(({ source }) => source !== "");
      const seeds = new Set(all.map(({ seed }) => seed).filter((seed) => seed !== "")).size > 1;
      const better = betterOf(all);
      const isFlagged = better.some((one) => one !== null);
      const isSigned = all.some(({ signs }) => signs.size > 0);
      const rows = all.map(({ network, source, attack, epsilon, seed, counts, region, images, signs }, i) => {
        const [clean, float, uint8] = [counts.clean, counts.float, counts.uint8].map((one) => scoresOf(one)) as [
          ReturnType<typeof scoresOf>,
          ReturnType<typeof scoresOf>,
          ReturnType<typeof scoresOf>,
        ];
        const scores = [float.miou, iouRatio(float, clean), iouRatio(uint8, clean)].map(scoreText);
        const { reached, kept } = region ? regionShares(region) : { reached: null, kept: null };
        const named = [
          network,
          ...(transfer ? [source] : []),
          attack,
          epsilon,
          ...(seeds ? [seed] : []),
          String(images),
        ];
        const shownSigns = [...signs].map(([kind, of]) => `${kind} on ${of}`).join(", ");
        return [
          ...named,
          ...scores,
          ...(regions ? [scoreText(reached), scoreText(kept)] : []),
          ...(isFlagged ? [better[i] ? betterText(better[i]) : ""] : []),
          ...(isSigned ? [shownSigns] : []),
        ];
      });
      const head = ["network", ...(transfer ? ["made on"] : []), "attack", "ε", ...(seeds ? ["seed"] : []), "pictures"];
      const scores = ["mIoU", "IoU ratio", "of 8 bits", ...(regions ? ["reached", "kept"] : [])];
      const words = [...(isFlagged ? ["no bound, as"] : []), ...(isSigned ? ["signs"] : [])];
      const columns = [...head, ...scores, ...words];
      const numeric = columns.map((_, i) => i).slice(head.length - (seeds ? 3 : 2), head.length + scores.length);
      const reference = isUnlabelled ? [UNLABELLED] : [];
      return [table([columns, ...rows], numeric), ...reference, ...missingLines([...found.values()])].join("\n");
    },
  };
};
