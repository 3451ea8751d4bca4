/** A bundle has one copy of each part of Vega, and draws with it what the installed packages draw. */

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { oneCopy } from "../../scripts/browser/one-copy.ts";
import { svgOf } from "../../src/node/charts.ts";
import { chartsOf } from "../../src/report/charts.ts";
import { reportOf } from "../report/reports.ts";
import { study } from "../support/rows.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What is drawn of the data. Legends differ by a pixel or two, as the newer version takes lines of text for higher. */
const marksOf = (svg: string): readonly string[] => svg.match(/<g class="mark-\w+ role-mark.*?<\/g>/g) ?? [];

it("of each part of Vega there is one copy, and charts have the same marks as by all copies", async () => {
  const folder = mkdtempSync(join(root, "node_modules/.one-copy-"));
  try {
    const outfile = join(folder, "charts.mjs");
    const entryPoints = [join(root, "src/node/charts.ts")];
    const { metafile } = await build({ entryPoints, outfile, bundle: true, format: "esm", platform: "node", external: ["canvas"], plugins: [oneCopy], metafile: true, logLevel: "error" }); // prettier-ignore
    const folders = new Set(
      Object.keys(metafile.inputs).flatMap((input) => /.*node_modules\/vega[a-z-]*(?=\/)/.exec(input)?.[0] ?? []),
    );
    const names = [...folders].map((path) => path.slice(path.lastIndexOf("/") + 1));
    expect(names).toEqual(expect.arrayContaining(["vega-scenegraph", "vega-time", "vega-expression"]));
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());

    const bundled = (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as { svgOf: typeof svgOf };
    const charts = chartsOf(reportOf(study({ images: 12, epsilons: [1, 2] })));
    expect(charts.length).toBeGreaterThan(2);
    for (const { spec } of charts) {
      const drawn = marksOf(await svgOf(spec));
      expect(drawn.length).toBeGreaterThan(0);
      expect(marksOf(await bundled.svgOf(spec))).toEqual(drawn);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
