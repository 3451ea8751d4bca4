/**
 * A report as sections of prose and tables, from which Markdown and HTML are written alike. A section for which there are no rows is left
 * out.
 */

import { pointsText } from "./compare.ts";
import { epsilonText, number, percent, percentWithin } from "./format.ts";
import type { Cell, ReportData } from "./report.ts";

export interface TableCell {
  readonly text: string;
  /** The most effective of a row, and what stands apart from the others. */
  readonly mark?: "bold" | "underlined" | undefined;
  /** From 0, little, to 1, much: shades the cell of a heat map. */
  readonly shade?: number | undefined;
}

export type Block =
  | { readonly kind: "text"; readonly text: string; readonly tone?: "good" | "bad" | "open" }
  | { readonly kind: "list"; readonly items: readonly string[] }
  | {
      readonly kind: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly TableCell[])[];
      readonly caption: string;
    }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "chart"; readonly chart: "curves" | "scatter" | "transfer" };

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

const plain = (texts: readonly string[]): TableCell[] => texts.map((text) => ({ text }));

const text = (words: string, tone?: "good" | "bad" | "open"): Block =>
  tone === undefined ? { kind: "text", text: words } : { kind: "text", text: words, tone };

const table = (caption: string, head: readonly string[], rows: readonly (readonly TableCell[])[]): Block => ({
  kind: "table",
  caption,
  head,
  rows,
});

const at = ({ attack, epsilon }: { readonly attack: string; readonly epsilon: number | null }): string =>
  epsilon === null ? attack : `${attack} at ε = ${epsilon}`;

/** Attacks that climb the network that is scored. */
export const whiteBox = (report: ReportData): readonly Cell[] =>
  report.cells.filter(({ attack, source }) => attack !== "clean" && source === null);

const plainNetwork = ({ around }: Cell): boolean => around === null;

const verdict = (report: ReportData): Section => {
  const decided = report.differences.filter(({ verdict: found }) => found !== "undecided");
  const pairs = [...new Set(decided.map(({ network, baseline }) => JSON.stringify([network, baseline])))];
  const sentences = pairs.map((pair) => {
    const own = decided.filter(({ network, baseline }) => JSON.stringify([network, baseline]) === pair);
    const [largest] = own.toSorted((a, b) => Math.abs(b.points) - Math.abs(a.points));
    const of = report.differences.filter(
      ({ network, baseline }) => JSON.stringify([network, baseline]) === pair,
    ).length;
    const agreeing = own.filter(({ verdict: found }) => found === largest!.verdict).length;
    const against = own.length === agreeing ? "" : `, and the opposite under ${own.length - agreeing}`;
    return `${largest!.network} is ${largest!.verdict} than ${largest!.baseline} under ${agreeing} of ${of} attacks${against}: most under ${at(largest!)}, by ${pointsText(largest!)} of IoU ratio (${largest!.images} images; ${largest!.reason}).`;
  });
  const names = [...new Set(whiteBox(report).map(({ network }) => network))];
  const least = names.flatMap((name) => {
    const own = whiteBox(report).filter((cell) => cell.network === name && cell.iouRatio.value !== null);
    const [worst] = own.toSorted((a, b) => a.iouRatio.value! - b.iouRatio.value!);
    return worst
      ? [
          `${name} keeps ${percentWithin(worst.iouRatio)} % of its clean mIoU of ${percent(worst.clean.miou)} % under ${at(worst)}, the strongest of ${own.length} attacks measured (${worst.images} images).`,
        ]
      : [];
  });
  const open = report.differences.length - decided.length;
  return {
    id: "verdict",
    title: "Verdict",
    blocks: [
      ...(least.length > 0 ? [{ kind: "list" as const, items: least }] : [text("There are no attacks in these rows.")]),
      ...(sentences.length > 0 ? [{ kind: "list" as const, items: sentences.slice(0, 12) }] : []),
      ...(sentences.length > 12
        ? [text(`${sentences.length - 12} more pairs of networks are in the table of differences.`)]
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

const curves = (report: ReportData): Section | null => {
  const cells = whiteBox(report).filter(({ epsilon }) => epsilon !== null);
  if (cells.length === 0) return null;
  const rows = cells.map((cell) => [
    ...plain([
      cell.network,
      cell.attack,
      epsilonText(cell.epsilon),
      String(cell.images),
      percentWithin(cell.iouRatio),
      percent(cell.iouRatioUint8),
      percentWithin(cell.miou),
      percentWithin(cell.pixelAccuracy),
      percent(cell.apsr),
      cell.chaos ? `${percent(cell.chaos.low)} to ${percent(cell.chaos.high)}` : "–",
    ]),
  ]);
  const head = [
    "network",
    "attack",
    "ε",
    "images",
    "IoU ratio",
    "rounded to 8 bits",
    "mIoU",
    "pixel accuracy",
    "APSR",
    "over repeats",
  ];
  return {
    id: "curves",
    title: "IoU ratio against ε",
    blocks: [
      { kind: "chart", chart: "curves" },
      table("Scores in percent, with 95 % intervals over images", head, rows),
    ],
  };
};

const scatter = (report: ReportData): Section | null => {
  const names = new Set(whiteBox(report).map(({ network }) => network));
  if (names.size < 2) return null;
  return {
    id: "scatter",
    title: "Clean and robust mIoU",
    blocks: [
      text("Each point is a network under its strongest attack at one radius. Points further up are more robust."),
      { kind: "chart", chart: "scatter" },
    ],
  };
};

const cleanSection = (report: ReportData): Section | null => {
  const seen = new Set<string>();
  const cells = report.cells.filter(({ network }) => !seen.has(network) && seen.add(network));
  if (cells.length === 0) return null;
  const rows = cells.map(({ network, clean, images }) =>
    plain([
      network,
      String(images),
      percent(clean.miou),
      percent(clean.miouUnion),
      percent(clean.nmiou),
      percent(clean.pixelAccuracy),
      percent(clean.pixelAccuracyWithoutFirst),
    ]),
  );
  const head = ["network", "images", "mIoU (CmIoU)", "over the union", "NmIoU", "pixel accuracy", "without class 0"];
  return { id: "clean", title: "Clean images", blocks: [table("Scores in percent", head, rows)] };
};

const differences = (report: ReportData): Section | null => {
  if (report.differences.length === 0) return null;
  const rows = report.differences.map((one) =>
    plain([
      one.network,
      one.baseline,
      at(one),
      String(one.images),
      pointsText(one).replace(" points", ""),
      one.chaos === null ? "–" : number(one.chaos, 1),
      one.verdict,
      one.reason,
    ]),
  );
  const head = ["network", "against", "attack", "images", "points", "by repeats", "verdict", "because"];
  return {
    id: "differences",
    title: "Differences between networks",
    blocks: [
      text(
        "IoU ratio of the first minus that of the second in points, over the images that both have, with paired 95 % intervals. They are not corrected for the number of comparisons.",
      ),
      table("Paired differences", head, rows),
    ],
  };
};

const worst = (report: ReportData): Section | null => {
  if (report.worst.length === 0) return null;
  const rows = report.worst.map((one) =>
    plain([
      one.network,
      String(one.epsilon),
      one.norm,
      String(one.attacks),
      String(one.images),
      percent(one.accuracy),
      percent(one.miou),
      percent(one.iouRatio),
    ]),
  );
  const head = ["network", "ε", "norm", "attacks", "images", "accuracy", "mIoU", "IoU ratio"];
  return {
    id: "worst",
    title: "Worst case over attacks",
    blocks: [
      text(
        "For each image the attack that hurts most: the mean of the smallest pixel accuracies, and the mIoU of a greedy choice (Croce, Singh, Hein 2024).",
      ),
      table("Worst case of each image, in percent", head, rows),
    ],
  };
};

/** The most damaging attack on each network, by class. */
const classes = (report: ReportData): Section | null => {
  const names = [...new Set(whiteBox(report).map(({ network }) => network))];
  const picked = names.flatMap((name) => {
    const own = whiteBox(report).filter((cell) => cell.network === name && cell.iouRatio.value !== null);
    return own.toSorted((a, b) => a.iouRatio.value! - b.iouRatio.value!).slice(0, 1);
  });
  if (picked.length === 0) return null;
  const shown = report.classes
    .map((name, c) => ({ name, c }))
    .filter(({ c }) => picked.some((cell) => typeof cell.classes[c]?.clean === "number"));
  const rows = shown.map(({ name, c }) => [
    { text: name },
    ...picked.map((cell): TableCell => {
      const one = cell.classes[c];
      if (!one || one.clean === null) return { text: "–" };
      const kept = one.ratio === null ? "–" : percent(one.ratio, 0);
      return {
        text: `${percent(one.clean)} → ${percent(one.iou.value)} (${kept})`,
        shade: one.ratio === null ? undefined : Math.min(1, Math.max(0, 1 - one.ratio)),
      };
    }),
  ]);
  const hit = picked.map((cell) => {
    const ordered = shown
      .filter(({ c }) => typeof cell.classes[c]?.ratio === "number" && cell.classes[c]!.clean! >= 0.05)
      .toSorted((a, b) => cell.classes[a.c]!.ratio! - cell.classes[b.c]!.ratio!)
      .slice(0, 3)
      .map(({ name }) => name);
    return ordered.length === 0 ? "" : `Hit worst in ${cell.network} under ${at(cell)}: ${ordered.join(", ")}.`;
  });
  return {
    id: "classes",
    title: "Classes",
    blocks: [
      { kind: "list", items: hit.filter(Boolean) },
      table(
        "IoU before → after the strongest attack, in percent, and in brackets how much is kept",
        ["class", ...picked.map((cell) => `${cell.network}, ${at(cell)}`)],
        rows,
      ),
    ],
  };
};

const small = (report: ReportData): Section | null => {
  const cells = whiteBox(report).filter((cell) => cell.small !== null);
  if (cells.length === 0) return null;
  const rows = cells.map((cell) =>
    plain([
      cell.network,
      at(cell),
      percent(cell.small!.clean),
      percent(cell.small!.miou),
      percent(cell.small!.iouRatio),
      percent(cell.iouRatio.value),
    ]),
  );
  return {
    id: "small",
    title: "Small objects",
    blocks: [
      text(
        "mIoU over all pixels is dominated by large objects. These are the scores over the pixels of small ones alone.",
      ),
      table(
        "mIoU of small objects in percent",
        ["network", "attack", "clean", "attacked", "IoU ratio", "IoU ratio of all pixels"],
        rows,
      ),
    ],
  };
};

const transfer = (report: ReportData): Section | null => {
  if (!report.cells.some(({ source }) => source !== null)) return null;
  const attacked = report.cells.filter(({ attack }) => attack !== "clean");
  const keys = [...new Set(report.cells.filter(({ source }) => source !== null).map((cell) => at(cell)))];
  const blocks = keys.map((key) => {
    const own = attacked.filter((cell) => at(cell) === key);
    const sources = [...new Set(own.flatMap(({ source }) => (source === null ? [] : [source])))];
    const networks = [...new Set(own.map(({ network }) => network))];
    const rows = networks.map((network) => {
      const ratioOf = (source: string) =>
        own.find(
          (cell) => cell.network === network && (source === network ? cell.source === null : cell.source === source),
        );
      const black = sources
        .filter((source) => source !== network)
        .map((source) => ratioOf(source)?.iouRatio.value ?? Number.POSITIVE_INFINITY);
      const least = Math.min(...black);
      return [
        { text: network },
        ...sources.map((source): TableCell => {
          const found = ratioOf(source);
          const value = found?.iouRatio.value ?? null;
          if (source === network) return { text: percent(value), mark: value === null ? undefined : "underlined" };
          return { text: percent(value), mark: value !== null && value === least ? "bold" : undefined };
        }),
      ];
    });
    return table(
      `IoU ratio in percent under ${key}`,
      ["scored on", ...sources.map((source) => `made on ${source}`)],
      rows,
    );
  });
  return {
    id: "transfer",
    title: "Transfer",
    blocks: [
      text(
        "Rows are scored, columns are where the images were made. The most effective black-box source is bold, the white-box attack underlined.",
      ),
      ...blocks,
    ],
  };
};

/** What stands around a network, beside the network alone. */
const around = (report: ReportData, id: string, title: string, has: (cell: Cell) => boolean): Section | null => {
  const cells = whiteBox(report).filter((cell) => !plainNetwork(cell) && has(cell));
  if (cells.length === 0) return null;
  const rows = cells.map((cell) => {
    const alone = whiteBox(report).find(
      (one) =>
        plainNetwork(one) && one.model === cell.model && one.attack === cell.attack && one.epsilon === cell.epsilon,
    );
    const { interval } = cell.iouRatio;
    // Half the 95 % interval is 1.96 standard errors; ±2σ as in the paper's figures.
    const sigma = interval === null ? null : (interval.high - interval.low) / 3.92;
    return plain([
      cell.network,
      at(cell),
      percent(cell.iouRatio.value),
      sigma === null ? "–" : `± ${percent(2 * sigma)}`,
      percent(alone?.iouRatio.value),
      percent(cell.clean.miou),
      percent(alone?.clean.miou),
    ]);
  });
  const head = ["network", "attack", "IoU ratio", "±2σ", "of the network alone", "clean mIoU", "of the network alone"];
  return { id, title, blocks: [table(`${title}, in percent`, head, rows)] };
};

const fieldOf = ({ around: value }: Cell, name: string): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  (value as Readonly<Record<string, unknown>>)[name] !== undefined;

const precisions = (report: ReportData): Section | null => {
  const pairs = report.networks.flatMap((float) => {
    if (float.precision === "int8" || !float.model.endsWith("-float")) return [];
    const int8 = report.networks.find(({ name }) => name === float.name.replace("-float", ""));
    return int8 ? [{ float: float.name, int8: int8.name }] : [];
  });
  const rows = pairs.flatMap((pair) =>
    whiteBox(report).flatMap((cell) => {
      if (cell.network !== pair.int8) return [];
      const other = whiteBox(report).find((one) => one.network === pair.float && at(one) === at(cell));
      return other
        ? [plain([cell.network, at(cell), percentWithin(cell.iouRatio), percentWithin(other.iouRatio)])]
        : [];
    }),
  );
  if (rows.length === 0) return null;
  return {
    id: "precision",
    title: "Int8 against float",
    blocks: [table("IoU ratio in percent", ["network", "attack", "int8", "float"], rows)],
  };
};

const norms = (report: ReportData): Section | null => {
  const cells = whiteBox(report).filter((cell) => cell.distances !== null);
  if (cells.length === 0) return null;
  const rows = cells.map((cell) => {
    const { norm, successes, images, quantiles: q, medianInterval: m } = cell.distances!;
    const bound = (value: number | null): string => (value === null ? "∞" : value.toFixed(2));
    return plain([
      cell.network,
      cell.attack,
      norm === "l2" ? "L2" : "L∞",
      `${successes} of ${images}`,
      `${bound(q.median)}${m ? ` [${bound(m.low)}, ${bound(m.high)}]` : ""}`,
      bound(q.q05),
      bound(q.q25),
      bound(q.q75),
      bound(q.q95),
    ]);
  });
  return {
    id: "distances",
    title: "Smallest perturbations",
    blocks: [
      table(
        "Distances in grey levels; an attack that failed counts as infinite",
        ["network", "attack", "norm", "successes", "median", "5 %", "25 %", "75 %", "95 %"],
        rows,
      ),
    ],
  };
};

const honesty = (report: ReportData): Section => {
  const cells = report.cells.filter(({ signs }) => Object.keys(signs).length > 0);
  const items = cells.map(
    (cell) =>
      `${cell.network} under ${at(cell)}${cell.source === null ? "" : `, made on ${cell.source}`}: ${Object.entries(
        cell.signs,
      )
        .map(([kind, images]) => `${kind} on ${images} of ${cell.images} images`)
        .join(", ")}.`,
  );
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
      ...(report.networks.some(({ reference }) => reference === "prediction")
        ? [
            text(
              "Some rows compare with the network's own clean prediction instead of a ground truth: their clean mIoU is 1 by definition.",
            ),
          ]
        : []),
    ],
  };
};

const provenance = (report: ReportData): Section => {
  const rows = report.networks.map(({ name, sha256, precision, architecture }) =>
    plain([name, sha256, precision ?? "–", architecture ?? "–"]),
  );
  return {
    id: "provenance",
    title: "What ran",
    blocks: [
      text(
        `${report.rows} rows of ${report.images} images${report.repeatedRows > 0 ? `, without ${report.repeatedRows} that came twice` : ""}. Intervals are 95 % percentile intervals of ${report.bootstrap.replicates} bootstrap draws of images, from seed ${report.bootstrap.seed}.`,
      ),
      table("Networks", ["network", "SHA-256 of its file", "precision", "architecture"], rows),
      ...(report.receipts.length > 0 ? [{ kind: "list" as const, items: report.receipts }] : []),
      ...report.runs.flatMap(({ data, spec, command, versions }): Block[] => [
        ...(data
          ? [
              text(
                `Data: ${data.name} (${data.kind}), ${data.items} pictures${data.digest === undefined ? "" : `, digest ${data.digest}`}.`,
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

/** The sections of a report, the verdict first. */
export const sectionsOf = (report: ReportData): readonly Section[] =>
  [
    verdict(report),
    curves(report),
    scatter(report),
    differences(report),
    worst(report),
    norms(report),
    classes(report),
    small(report),
    transfer(report),
    around(report, "transformations", "Transformations", (cell) => fieldOf(cell, "transform")),
    around(report, "crf", "CRF", (cell) => fieldOf(cell, "crf")),
    around(report, "variants", "Scales and other variants", (cell) => fieldOf(cell, "variant")),
    precisions(report),
    cleanSection(report),
    honesty(report),
    provenance(report),
  ].filter((section) => section !== null);
