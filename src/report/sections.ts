/**
 * A report as sections of prose and tables, from which Markdown and HTML are written alike. A section for which there are no rows is left
 * out.
 */

import type { Section } from "./blocks.ts";
import type { ReportData } from "./report.ts";
import { certified } from "./section-certified.ts";
import { cleanSection, curves, differences, norms, regions, scatter, worst } from "./section-scores.ts";
import { around, classes, precisions, small, transfer } from "./section-slices.ts";
import { surroundingsKinds } from "./surroundings.ts";
import { honesty, provenance, verdict } from "./section-verdict.ts";

/** The sections of a report, the verdict first. */
export const sectionsOf = (report: ReportData): readonly Section[] =>
  [
    verdict(report),
    curves(report),
    scatter(report),
    differences(report),
    worst(report),
    norms(report),
    regions(report),
    certified(report),
    classes(report),
    small(report),
    transfer(report),
    ...surroundingsKinds.map((kind) => around(report, kind)),
    precisions(report),
    cleanSection(report),
    honesty(report),
    provenance(report),
  ].filter((section) => section !== null);
