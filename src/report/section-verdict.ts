/** The verdict of a report, and what may be wrong with it. */

import {
  againstThemselves,
  at,
  plain,
  strongest,
  table,
  text,
  whiteBox,
  withoutLabels,
  type Block,
  type Section,
} from "./blocks.ts";
import { counted } from "../counted.ts";
import { pointsText } from "./compare.ts";
import { flagText } from "./flag-text.ts";
import { percent, percentWithin } from "./format.ts";
import type { Cell, ReportData } from "./report.ts";

export const verdict = (report: ReportData): Section => {
  const decided = report.differences.filter(({ verdict: found }) => found !== "undecided");
  const pairs = [...new Set(decided.map(({ network, baseline }) => JSON.stringify([network, baseline])))];
  const sentences = pairs.map((pair) => {
    const own = decided.filter(({ network, baseline }) => JSON.stringify([network, baseline]) === pair);
    const [largest] = own.toSorted((a, b) => Math.abs(b.points) - Math.abs(a.points));
    const all = report.differences.filter(({ network, baseline }) => JSON.stringify([network, baseline]) === pair);
    const agreeing = own.filter(({ verdict: found }) => found === largest!.verdict).length;
    const runs = new Set(all.map(({ seed }) => seed)).size > 1 ? "runs of attacks, over all seeds" : "attacks";
    const against = own.length === agreeing ? "" : `, and the opposite under ${own.length - agreeing}`;
    return `${largest!.network} is ${largest!.verdict} than ${largest!.baseline} under ${agreeing} of ${all.length} ${runs}${against}: most under ${at(largest!)}, by ${pointsText(largest!)} of IoU ratio (${counted(largest!.images, "image")}; ${largest!.reason}).`;
  });
  const unlabelled = againstThemselves(report);
  const ofClean = ({ network, clean }: Cell): string =>
    unlabelled.has(network) ? "of its mIoU" : `of its clean mIoU of ${percent(clean.miou)} %`;
  const least = strongest(report).map(
    ({ cell, attacks, inNorm }) =>
      `${cell.network} keeps ${percentWithin(cell.iouRatio)} %${flagText(cell)} ${ofClean(cell)} under ${at(cell)}, ${attacks === 1 ? "the only attack" : `the strongest of ${attacks} attacks`} measured${inNorm} (${counted(cell.images, "image")}).`,
  );
  const open = report.differences.length - decided.length;
  return {
    id: "verdict",
    title: "Verdict",
    blocks: [
      ...(least.length > 0 ? [{ kind: "list" as const, items: least }] : [text("There are no attacks in these rows.")]),
      ...withoutLabels(report),
      ...(sentences.length > 0 ? [{ kind: "list" as const, items: sentences.slice(0, 12) }] : []),
      ...(sentences.length > 12
        ? [text(`${sentences.length - 12} more pairs of networks are in the table of differences.`)]
        : []),
      ...(sentences.length > 0
        ? [
            text(
              "An IoU ratio compares a network with its own clean mIoU: a network that is right less often may keep a larger share. The absolute scores are below.",
            ),
          ]
        : []),
      ...(open > 0
        ? [
            text(
              `${open} of ${report.differences.length} differences between networks are undecided: the interval holds 0, or repeats of the same attack differ as much.`,
              "open",
            ),
          ]
        : []),
    ],
  };
};

export const honesty = (report: ReportData): Section => {
  const cells = report.cells.filter(({ signs }) => Object.keys(signs).length > 0);
  const flagged = report.cells.flatMap((cell) =>
    cell.flags.map(({ kind, detail }) => `${cell.network}: ${kind}. ${detail}`),
  );
  const shown = cells.map(
    (cell) =>
      `${cell.network} under ${at(cell)}${cell.source === null ? "" : `, made on ${cell.source}`}: ${Object.entries(
        cell.signs,
      )
        .map(([kind, images]) => `${kind} on ${images} of ${counted(cell.images, "image")}`)
        .join(", ")}.`,
  );
  const items = [...flagged, ...shown];
  const chaotic = whiteBox(report).filter(({ chaos }) => chaos !== null);
  return {
    id: "honesty",
    title: "What may be wrong with these numbers",
    blocks: [
      items.length > 0
        ? { kind: "list", items }
        : text(
            "No attack showed a sign of a masked gradient. The absence of signs proves nothing: robustness is bounded from above by the attacks that were made.",
          ),
      text(
        chaotic.length > 0
          ? `Attacks of many steps are chaotic: over repeats from starts that differ by 0.001 grey levels the IoU ratio moved by up to ${percent(Math.max(...chaotic.map(({ chaos }) => chaos!.high - chaos!.low)))} points. Differences within that spread are called undecided.`
          : "No attack was repeated (`--repeats`), so that the spread of chaotic attacks over starts is unknown; the intervals are over images alone.",
      ),
    ],
  };
};

export const provenance = (report: ReportData): Section => {
  const rows = report.networks.map(({ name, sha256, precision, architecture }) =>
    plain([name, sha256, precision ?? "–", architecture ?? "–"]),
  );
  return {
    id: "provenance",
    title: "What ran",
    blocks: [
      text(
        `${counted(report.rows, "row")} of ${counted(report.images, "image")}${report.repeatedRows > 0 ? `, without ${report.repeatedRows} that came twice` : ""}. Intervals are 95 % percentile intervals of ${report.bootstrap.replicates} bootstrap draws of images, from seed ${report.bootstrap.seed}.`,
      ),
      table("Networks", ["network", "SHA-256 of its file", "precision", "architecture"], rows),
      ...(report.receipts.length > 0 ? [{ kind: "list" as const, items: report.receipts }] : []),
      ...report.runs.flatMap(({ data, spec, command, versions }): Block[] => [
        ...(data
          ? [
              text(
                `Data: ${data.name} (${data.kind}), ${counted(data.items, "picture")}${data.digest === undefined ? "" : `, digest ${data.digest}`}.`,
              ),
            ]
          : []),
        ...(versions && Object.keys(versions).length > 0
          ? [
              text(
                `Versions: ${Object.entries(versions)
                  .map(([name, value]) => `${name} ${value}`)
                  .join(", ")}.`,
              ),
            ]
          : []),
        ...(command === undefined ? [] : [text("To run it again:"), { kind: "code" as const, text: command }]),
        ...(spec === undefined
          ? []
          : [text("The specification:"), { kind: "code" as const, text: JSON.stringify(spec, null, 2) }]),
      ]),
    ],
  };
};
