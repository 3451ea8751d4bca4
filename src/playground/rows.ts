/** The rows of what was run on the picture on show, as `faultline evaluate` writes them: what a report is made from. */

import type { Row } from "../evaluation/row.ts";
import type { RunFacts } from "../report/run-facts.ts";
import type { NetworkEntry, Opened } from "./messages.ts";

const rows = new Map<string, Row>();
const networks = new Map<string, RunFacts["networks"][number]>();

/** Keeps a row; a later one of the same unit takes its place. */
export const keepRow = (row: Row, { name, architecture, dataset }: NetworkEntry, classes: Opened["classes"]): void => {
  const { networkSha256: sha256 } = row.unit;
  rows.set(row.id, row);
  networks.set(sha256, { name, sha256, architecture, dataset, classes: classes.map((each) => each.name) });
};

export const forgetRows = (): void => {
  rows.clear();
  networks.clear();
};

export const rowsNow = (): readonly Row[] => [...rows.values()];

/** What a report says of the networks of the rows. */
export const factsNow = (): RunFacts => ({ networks: [...networks.values()] });

/** As JSON Lines. */
export const rowsText = (): string =>
  rowsNow()
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");
