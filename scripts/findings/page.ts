/** `docs/findings.md`, from the rows that are kept. */

import { claimsOf, type Parts } from "./claims.ts";
import { decided, MIN_DECISIVE, type Claim } from "./claims/claim.ts";
import type { FactsOf } from "./claims/networks.ts";
import type { PartFacts } from "./compact.ts";
import { REPLICATES } from "./evidence.ts";
import { parts } from "./parts.ts";
import { seaSection } from "./sea-section.ts";
import { curvesSection, networksSection, scalesSection, streetsSection, transformsSection } from "./tables.ts";
import { shown, table, testText } from "./words.ts";

export interface Sources {
  readonly of: Parts;
  readonly facts: Readonly<Record<string, PartFacts>>;
  readonly factsOf: FactsOf;
}

const claimRow = (claim: Claim): string[] => [
  claim.id,
  claim.claim,
  `**${decided(claim)}**`,
  claim.tests.map((test) => shown(test.figure)).join("; "),
  String(Math.min(...claim.tests.map(({ figure }) => figure.images))),
];

const claimsSection = (claims: readonly Claim[]): string =>
  [
    "## The claims",
    table(["", "claim", "holds here", "what decides it [95 %]", "images"], claims.map(claimRow)),
    ...claims.map(
      (claim) =>
        `**${claim.id}. ${claim.claim}: ${decided(claim)}.**\n\n${claim.tests.map((test) => `* ${testText(test)}.`).join("\n")}\n\n${claim.caveat}`,
    ),
  ].join("\n\n");

const provenance = (facts: Sources["facts"]): string => {
  const rows = parts.flatMap(({ name, about }) => {
    const own = facts[name];
    return own ? [[`[${name}](findings/${name}.jsonl)`, about, String(own.images), String(own.rows)]] : [];
  });
  const [first] = Object.values(facts);
  const { faultline, onnxruntime, node } = first!.versions;
  return `## What was run\n\nThe networks are those that ship, in int8, attacked with the straight-through gradient, at 480×360, with the paper's α and numbers of steps. faultline ${faultline}, ${onnxruntime}, Node ${node},
one thread. Each part's pictures are the first of one random order of the test set, so that more rounds add to them. A row holds the counts of one image ([evaluate.md](evaluate.md#the-rows)).\n\n${table(
    ["part", "what", "images", "rows"],
    rows,
  )}\n\n\`\`\`sh\nnpm run findings -- --camvid DIR --rounds 20\nnpm run findings\n\`\`\`\n\nThe first command goes on where it was stopped and adds pictures to every part, round after round; DIR holds the folder \`test\` with \`images\` and \`labels\` in it. The second writes this page from the
rows in \`docs/findings\`.`;
};

/** @throws Error where there are no rows at all. */
export const findingsPage = ({ of, facts, factsOf }: Sources): string => {
  const claims = claimsOf(of, factsOf);
  const [all, curves, scale, sea, streets, transforms] = [
    "networks",
    "curves",
    "scales",
    "sea",
    "streets",
    "transforms",
  ].map((name) => of(name));
  const verdicts = claims.map(decided);
  const count = (verdict: string): number => verdicts.filter((own) => own === verdict).length;
  const fewest = Math.min(...Object.values(facts).map(({ images }) => images));
  const most = Math.max(...Object.values(facts).map(({ images }) => images));
  return `${[
    "<!-- Written by `npm run findings` from the rows in docs/findings. -->\n\n# Findings",
    `The claims of Arnab, Miksik and Torr (CVPR 2018), put to the slim networks that ship with Faultline, on CamVid test and on synthetic streets. Of ${claims.length} claims ${count("yes")} hold here, ${count("no")} ${count("no") === 1 ? "does" : "do"} not, and ${count("undecided")} are undecided. **This is a small run, ${fewest === most ? most : `${fewest} to ${most}`} images a part:** the networks are slim, and the intervals are wide. The networks and the data are not the paper's, and its
protocol alone is the same; its own figures stand in one table, in parentheses.`,
    `A claim holds where the whole 95 % interval of its figure lies on its side of the bound, fails where the whole interval lies on the other side, and is undecided else, and
with fewer than ${MIN_DECISIVE} images, on which even a coin may agree with itself. Intervals come from a
bootstrap over images (${REPLICATES} draws), expanded for their small number (Hesterberg 2015); they say nothing of other networks. They are not corrected for the number of claims.
Scores are of images as computed, not rounded to 8 bits. Counts are pooled over the images before IoU ratios are taken.`,
    claimsSection(claims),
    ...(all ? [networksSection(all, factsOf)] : []),
    ...(curves ? [curvesSection(curves)] : []),
    ...(scale ? [scalesSection(scale)] : []),
    ...(transforms ? [transformsSection(transforms)] : []),
    ...(sea ? [seaSection(sea, of, factsOf)] : []),
    ...(streets && all ? [streetsSection(streets, all)] : []),
    provenance(facts),
  ].join("\n\n")}\n`;
};
