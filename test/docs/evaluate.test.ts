/** The page on evaluations: its specification is valid, its schema is the one of the code, its table has every data set. */

import { expect, it } from "vitest";
import { parse } from "yaml";
import { datasetNames, evaluationSchema, parseSpec, specJsonSchema } from "../../src/evaluation/spec.ts";
import { blocksOf, read } from "./documents.ts";

const page = read("docs/evaluate.md");

it("shows a specification that is valid", () => {
  const block = blocksOf(page).find(({ language }) => language === "yaml");
  expect(parseSpec(parse(block!.code))).toMatchObject({ repeats: 3, data: { dataset: "cityscapes" } });
});

it("publishes the schema that the code derives", () => {
  const published: unknown = JSON.parse(read("docs/evaluate.schema.json"));
  expect(published, "stale: run npx tsx scripts/schema.ts").toEqual(JSON.parse(JSON.stringify(specJsonSchema())));
  const { properties } = published as { readonly properties: object };
  expect(Object.keys(properties)).toEqual(Object.keys(evaluationSchema.shape));
});

it("has a row for every data set", () => {
  const rows = new Set(Array.from(page.matchAll(/^\| `([a-z0-9-]+)` \|/gm), ([, name]) => name));
  expect(datasetNames.filter((name) => !rows.has(name))).toEqual([]);
});
