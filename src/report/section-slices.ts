/** Scores of classes, of small objects, and of what stands around networks. */

import { at, plain, strongest, table, text, whiteBox, type Section, type TableCell } from "./blocks.ts";
import { flagText, ratioText } from "./flag-text.ts";
import { percent } from "./format.ts";
import type { ReportData } from "./report.ts";
import { surrounded, surroundings, twoSigmaOf, type SurroundingsKind } from "./surroundings.ts";

/** The most damaging attack on each network, in each norm, by class. */
export const classes = (report: ReportData): Section | null => {
  const picked = strongest(report).map(({ cell }) => cell);
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
      .filter(({ c }) => typeof cell.classes[c]?.ratio === "number" && cell.classes[c].clean! >= 0.05)
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
        ["class", ...picked.map((cell) => `${cell.network}, ${at(cell)}${flagText(cell)}`)],
        rows,
      ),
    ],
  };
};

export const small = (report: ReportData): Section | null => {
  const cells = whiteBox(report).filter((cell) => cell.small !== null);
  if (cells.length === 0) return null;
  const rows = cells.map((cell) =>
    plain([
      cell.network,
      at(cell),
      percent(cell.small!.clean),
      percent(cell.small!.miou),
      percent(cell.small!.iouRatio),
      `${percent(cell.iouRatio.value)}${flagText(cell)}`,
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

export const transfer = (report: ReportData): Section | null => {
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
      const isBlack = (source: string): boolean => source !== network && ratioOf(source)?.sourceHasNetwork === false;
      const black = sources
        .filter(isBlack)
        .map((source) => ratioOf(source)?.iouRatio.value ?? Number.POSITIVE_INFINITY);
      const least = Math.min(...black);
      return [
        { text: network },
        ...sources.map((source): TableCell => {
          const found = ratioOf(source);
          const value = found?.iouRatio.value ?? null;
          if (value === null) return { text: percent(value) };
          if (!isBlack(source)) return { text: `${percent(value)}${flagText(found!)}`, mark: "underlined" };
          return { text: percent(value), mark: value === least ? "bold" : undefined };
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
        "Rows are scored, columns are where the images were made. The most effective black-box source is bold; the white-box attack is underlined, as is a source with the same network at other scales or among others.",
      ),
      ...blocks,
    ],
  };
};

/** What stands around a network, beside the network alone. */
export const around = (report: ReportData, kind: SurroundingsKind): Section | null => {
  const all = surrounded(report, kind);
  if (all.length === 0) return null;
  const rows = all.map(({ cell, alone }) => {
    const spread = twoSigmaOf(cell.iouRatio);
    return plain([
      cell.network,
      at(cell),
      `${percent(cell.iouRatio.value)}${flagText(cell)}`,
      spread === null ? "–" : `± ${percent(spread)}`,
      `${percent(alone?.iouRatio.value)}${alone ? flagText(alone) : ""}`,
      percent(cell.clean.miou),
      percent(alone?.clean.miou),
    ]);
  });
  const head = ["network", "attack", "IoU ratio", "±2σ", "of the network alone", "clean mIoU", "of the network alone"];
  const { title } = surroundings[kind];
  return { id: kind, title, blocks: [{ kind: "chart", chart: kind }, table(`${title}, in percent`, head, rows)] };
};

export const precisions = (report: ReportData): Section | null => {
  const pairs = report.networks.flatMap((float) => {
    if (float.precision === "int8" || !float.model.endsWith("-float")) return [];
    const int8 = report.networks.find(({ name }) => name === float.name.replace("-float", ""));
    return int8 ? [{ float: float.name, int8: int8.name }] : [];
  });
  const rows = pairs.flatMap((pair) =>
    whiteBox(report).flatMap((cell) => {
      if (cell.network !== pair.int8) return [];
      const other = whiteBox(report).find((one) => one.network === pair.float && at(one) === at(cell));
      return other ? [plain([cell.network, at(cell), ratioText(cell), ratioText(other)])] : [];
    }),
  );
  if (rows.length === 0) return null;
  return {
    id: "precision",
    title: "Int8 against float",
    blocks: [table("IoU ratio in percent", ["network", "attack", "int8", "float"], rows)],
  };
};
