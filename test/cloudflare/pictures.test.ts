/** The pictures of a Worker's evaluation that are not recognised. */

import { expect, it } from "vitest";
import { picturesOf } from "../../src/cloudflare/pictures.ts";
import type { FaultlineError } from "../../src/contract/failure.ts";
import { parseSpec } from "../../src/evaluation/spec.ts";
import { tinyManifest } from "../support/networks/tiny.ts";

it("a data set of pictures alone is told the remedy first, in no more than a problem's detail has", async () => {
  const spec = parseSpec({ networks: ["a"], data: { path: "photographs" } });
  const open = () =>
    Promise.resolve({
      list: () => Promise.resolve(["a.png"]),
      read: () => Promise.reject(new Error("nothing is read")),
      digests: () => new Map<string, string>(),
    } as never);
  const { failure } = (await picturesOf(spec, tinyManifest({ classes: 4 }), open).catch(
    (cause: unknown) => cause,
  )) as FaultlineError;
  const reason = failure.kind === "evaluation-refused" ? failure.reason : "";
  expect(reason).toMatch(/the data set photographs: data\.dataset "pictures" takes pictures without label maps\. /);
  expect(reason).toMatch(/ It also takes voc, .*, list$/);
  expect(reason.length).toBeLessThanOrEqual(400);
});
