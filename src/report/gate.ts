/** Whether a report satisfies a policy. */

import { counted } from "../counted.ts";
import { againstThemselves } from "./blocks.ts";
import { pointsText } from "./compare.ts";
import { quotedOf } from "../evaluation/orders.ts";
import { groupedBy } from "../grouped.ts";
import { figureOf, flagText } from "./flag-text.ts";
import { epsilonText, percent } from "./format.ts";
import { type Norm } from "../attacks/norms.ts";
import { normMark } from "./norms.ts";
import type { Policy, PolicyRule } from "./policy.ts";
import type { Cell, ReportData } from "./report.ts";

export interface Finding {
  /** Which rule of the policy, from 0. */
  readonly rule: number;
  readonly ruleName: string;
  readonly passed: boolean;
  /** What was judged: network, attack and radius. */
  readonly subject: string;
  readonly message: string;
}

export interface Judgement {
  readonly policy: string;
  readonly passed: boolean;
  readonly findings: readonly Finding[];
}

type Bounds = Extract<PolicyRule, { metric: string }>;
type NotMoreFragile = Extract<PolicyRule, { notMoreFragileThan: string }>;
interface Judged {
  readonly passed: boolean;
  readonly subject: string;
  readonly message: string;
}

const MASKING = ["gradient-zero", "saturated"];

interface Where {
  readonly attack?: string | undefined;
  readonly epsilon?: number | undefined;
  readonly norm?: Norm | undefined;
  readonly network?: string | undefined;
}

/** Where rows were made, or a rule looks: the norm is named where it is L2. */
const atText = ({ attack, label, epsilon }: Pick<Cell, "attack" | "label" | "epsilon">): string =>
  [label, ...(attack === "clean" || epsilon === null ? [] : [`ε=${epsilonText(epsilon)}`])].join(" ");

/** A radius that is given alone is one in L∞. */
const normIn = ({ norm, epsilon }: Where): Norm | undefined => norm ?? (epsilon === undefined ? undefined : "linf");

const subjectOf = (cell: Cell): string =>
  `${cell.network}${cell.source === null ? "" : `, made on ${cell.source}`}, ${atText(cell)}`;

const matchesBall = (where: Where, one: Pick<Cell, "network" | "norm" | "epsilon">): boolean =>
  (where.epsilon === undefined || where.epsilon === one.epsilon) &&
  (normIn(where) ?? one.norm) === one.norm &&
  (where.network === undefined || where.network === one.network);

const matches = (where: Where, one: Pick<Cell, "network" | "attack" | "norm" | "epsilon">): boolean =>
  (where.attack === undefined || where.attack === one.attack) && matchesBall(where, one);

export const ruleName = (rule: PolicyRule): string => {
  if ("masking" in rule) return "masking: none";
  const at = [
    ...(rule.attack === undefined ? [] : [rule.attack]),
    ...normMark(rule.norm),
    ...(rule.epsilon === undefined ? [] : [`ε=${rule.epsilon}`]),
  ].join(" ");
  const place = `${at === "" ? "" : ` at ${at}`}${rule.network === undefined ? "" : ` for ${rule.network}`}`;
  if ("metric" in rule) {
    const name = rule.bound === "interval-low" ? `low end of ${rule.metric}` : rule.metric;
    return `${name} ≥ ${rule.min}${place}${rule.class === undefined ? "" : ` on class ${rule.class}`}`;
  }
  return `not more fragile than ${rule.notMoreFragileThan} by ${rule.points} points (95 %)${place}`;
};

interface Score {
  readonly value: number | null;
  readonly low: number | null;
}

const classScore = (cell: Cell, rule: Bounds, names: readonly string[]): Score | string => {
  const one = cell.classes[names.indexOf(rule.class!)];
  if (!one) return `there is no class ${rule.class}; there are ${names.join(", ")}`;
  const low = one.iou.interval?.low ?? null;
  if (rule.metric === "miou") return { value: one.iou.value, low };
  if (rule.metric === "iou-ratio")
    return { value: one.ratio, low: low === null || !one.clean ? null : low / one.clean };
  return `${rule.metric} is no score of a class; iou-ratio and miou are`;
};

const scoreOf = (cell: Cell, rule: Bounds, names: readonly string[]): Score | string => {
  if (rule.class !== undefined) return classScore(cell, rule, names);
  const within = ({ value, interval }: Cell["miou"]): Score => ({ value, low: interval?.low ?? null });
  switch (rule.metric) {
    case "iou-ratio":
      return within(cell.iouRatio);
    case "miou":
      return within(cell.miou);
    case "pixel-accuracy":
      return within(cell.pixelAccuracy);
    case "iou-ratio-uint8":
      return { value: cell.iouRatioUint8, low: null };
    case "region-resisted": {
      const reached = cell.region?.reached;
      return typeof reached === "number" ? { value: 1 - reached, low: null } : "no attack on a region";
    }
    case "clean-miou":
      return { value: cell.clean.miou, low: null };
    default:
      return "no score of an attack";
  }
};

const reach = (subject: string, rule: Bounds, score: Score | string): Judged => {
  if (typeof score === "string") return { passed: false, subject, message: score };
  const value = rule.bound === "interval-low" ? score.low : score.value;
  if (value === null) {
    const missing = rule.bound === "interval-low" ? "has no interval here" : "is undefined here";
    return { passed: false, subject, message: `${rule.metric} ${missing}` };
  }
  return {
    passed: value >= rule.min,
    subject,
    message: `${percent(value, 2)} %, ${value >= rule.min ? "at least" : "less than"} ${percent(rule.min, 2)} %`,
  };
};

const WITHOUT_LABELS = "is not known without label maps: the rows compare with the network's own clean prediction";

const judgeBounds = (rule: Bounds, report: ReportData): Judged[] => {
  if (rule.metric === "worst-case-iou-ratio")
    return report.worst
      .filter((one) => matchesBall(rule, one))
      .map((one) => {
        const subject = [`${one.network}, worst case`, ...normMark(one.norm), `ε=${one.epsilon}`].join(" ");
        return reach(subject, rule, { value: one.iouRatio, low: null });
      });
  const isClean = rule.metric === "clean-miou";
  const isOfRegions = rule.metric === "region-resisted";
  const cells = report.cells.filter(
    (cell) => matches(rule, cell) && (isClean || cell.attack !== "clean") && (!isOfRegions || cell.region),
  );
  // Whatever the attack: it is one fault of all rows of such a network.
  const unknown = isClean ? againstThemselves(report) : new Set<string>();
  const unlabelled = new Set(cells.map(({ network }) => network).filter((network) => unknown.has(network)));
  return [
    ...[...unlabelled].map((network) => ({ passed: false, subject: network, message: WITHOUT_LABELS })),
    ...cells
      .filter(({ network }) => !unlabelled.has(network))
      .map((cell) => {
        const judged = reach(subjectOf(cell), rule, scoreOf(cell, rule, report.classes));
        return { ...judged, message: judged.message + (isClean ? "" : flagText(cell)) };
      }),
  ];
};

/** Differences are of the second network of a pair from the first: turned round where the baseline is the second. */
const judgeFragility = (rule: NotMoreFragile, report: ReportData, baseline: string): Judged[] =>
  report.differences.flatMap((one) => {
    const turned = one.network === baseline;
    if (!turned && one.baseline !== baseline) return [];
    const network = turned ? one.baseline : one.network;
    if (!matches(rule, { ...one, network })) return [];
    const { low, high } = one.interval ?? { low: Number.NaN, high: Number.NaN };
    const points = turned ? -one.points : one.points;
    const interval = one.interval && (turned ? { low: -high, high: -low } : { low, high });
    const subject = `${network}, ${atText(one)}`;
    if (!interval) return [{ passed: false, subject, message: "there are too few common images for an interval" }];
    // A difference that repeats alone make is no verdict.
    const excess = -rule.points - points;
    const byChaos = one.chaos !== null && excess <= one.chaos;
    const fragile = interval.high < -rule.points;
    const shown = `${pointsText({ points, interval })} of IoU ratio over ${counted(one.images, "image")}`;
    const message = fragile && byChaos ? `${shown}, which repeats alone may make` : shown;
    return [{ passed: !fragile || byChaos, subject, message }];
  });

/** Of each network, norm and radius the cell that a bound is quoted of. */
const quotedCells = (cells: readonly Cell[]): ReadonlySet<Cell> => {
  const figures = cells.flatMap((cell) =>
    cell.epsilon === null ? [] : [{ ...figureOf({ ...cell, epsilon: cell.epsilon }), cell }],
  );
  const balls = groupedBy(figures, ({ cell: { network, norm, epsilon } }) => JSON.stringify([network, norm, epsilon]));
  return new Set([...balls.values()].flatMap((ball) => quotedOf(ball)?.cell ?? []));
};

/** Where an attack without gradients does more than the best of those with them: the sentence of its flag. */
const queriesAbove = ({ flags }: Cell): readonly string[] =>
  flags.flatMap(({ kind, detail }) => (kind === "gradient-free-stronger" ? [detail] : []));

const judgeMasking = (network: string | undefined, report: ReportData): Judged[] => {
  const cells = report.cells.filter((cell) => cell.attack !== "clean" && (network ?? cell.network) === cell.network);
  const quoted = quotedCells(cells);
  const masked = cells.flatMap((cell) => {
    const kinds = MASKING.filter((kind) => (cell.signs[kind] ?? 0) > 0);
    const signs = kinds.map((kind) => `${kind} on ${cell.signs[kind]} of ${counted(cell.images, "image")}`);
    const message = [...signs, ...(quoted.has(cell) ? queriesAbove(cell) : [])].join(", ");
    return message === "" ? [] : [{ passed: false, subject: subjectOf(cell), message }];
  });
  if (masked.length > 0 || cells.length === 0) return masked;
  return [{ passed: true, subject: network ?? "all networks", message: "no sign of a masked gradient" }];
};

/**
 * Judges every rule on all that it applies to.
 *
 * @param baselines names in the report of the networks that files of rows hold, by the rule's text.
 */
export const judge = (
  policy: Policy,
  whole: ReportData,
  baselines: ReadonlyMap<string, string> = new Map(),
): Judgement => {
  // Rows that came with a baseline are compared with, and not judged.
  const named = new Set(baselines.values());
  const isJudged = ({ network }: { readonly network: string }): boolean => !named.has(network);
  const report = { ...whole, cells: whole.cells.filter(isJudged), worst: whole.worst.filter(isJudged) };
  const judgeRule = (rule: PolicyRule): Judged[] =>
    "metric" in rule
      ? judgeBounds(rule, report)
      : "masking" in rule
        ? judgeMasking(rule.network, report)
        : judgeFragility(rule, report, baselines.get(rule.notMoreFragileThan) ?? rule.notMoreFragileThan);
  /** Whether a rule of a radius alone, which is one in L∞, would have rows in L2. */
  const hasRowsInL2 = (rule: PolicyRule): boolean =>
    !("masking" in rule) && rule.norm === undefined && judgeRule({ ...rule, norm: "l2" }).length > 0;
  const findings = policy.rules.flatMap((rule, index) => {
    const judged = judgeRule(rule);
    const none = () => ({
      passed: false,
      subject: "nothing",
      message: `no row answers this rule: a rule that is not measured fails${hasRowsInL2(rule) ? "; rows in L2 do with norm: l2" : ""}`,
    });
    return (judged.length > 0 ? judged : [none()]).map((one) => ({ rule: index, ruleName: ruleName(rule), ...one }));
  });
  return { policy: policy.name ?? "policy", passed: findings.every(({ passed }) => passed), findings };
};
