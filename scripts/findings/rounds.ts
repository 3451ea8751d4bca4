/** Runs the parts, round after round, by the command line: what is known already is not computed again. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../src/cli/main.ts";
import { parts, type Part } from "./parts.ts";

export const rowsOf = (work: string, { name }: Part): string => join(work, `${name}.jsonl`);

const specOf = (work: string, { name }: Part): string => join(work, `${name}.spec.json`);

/** Pictures that the part had in the last round that was begun. */
const begun = (work: string, part: Part): number => {
  const file = specOf(work, part);
  if (!existsSync(file)) return 0;
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly data: { readonly images: number } }).data.images;
};

/** The end of the first round of a part, before which its rows say nothing. */
const doneFile = (work: string, { name }: Part): string => join(work, `${name}.done`);
export const hasRound = (work: string, part: Part): boolean => existsSync(doneFile(work, part));

const evaluate = async (part: Part, images: number, camvid: string, work: string, backend: string): Promise<void> => {
  const data = part.camvid
    ? { path: camvid, dataset: "folders", split: "test", images }
    : { dataset: "streets", images };
  writeFileSync(specOf(work, part), JSON.stringify({ ...part.spec, data }));
  const flags = ["--workers", "1", "--backend", backend, "-o", rowsOf(work, part)];
  const code = await run(["evaluate", specOf(work, part), ...flags], {
    stdout: () => {},
    stderr: (text) => void process.stderr.write(text),
  });
  if (code !== 0) throw new Error(`${part.name}: faultline evaluate ended with ${code}`);
  writeFileSync(doneFile(work, part), `${images}\n`);
};

/**
 * @param rounds how many in all, those included that ran before.
 * @param only names of parts; all if empty.
 * @param backend as in `faultline evaluate --backend`; one for all rounds of a folder.
 */
export const runRounds = async (
  camvid: string,
  work: string,
  rounds: number,
  only: readonly string[],
  backend: string,
): Promise<void> => {
  const chosen = parts.filter(({ name }) => only.length === 0 || only.includes(name));
  if (chosen.length < only.length)
    throw new RangeError(`--only: the parts are ${parts.map(({ name }) => name).join(", ")}`);
  mkdirSync(work, { recursive: true });
  for (let round = 1; round <= rounds; round++)
    for (const part of chosen) {
      const images = part.images * round;
      // A file of rows is never made smaller.
      if (images < begun(work, part)) continue;
      process.stderr.write(`round ${round}: ${part.name}, ${images} pictures\n`);
      await evaluate(part, images, camvid, work, backend);
    }
};
