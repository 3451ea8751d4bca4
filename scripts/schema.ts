/** Writes the JSON Schemas of specification files and of policies among the documents: `npx tsx scripts/schema.ts`. */

import { writeFileSync } from "node:fs";
import { specJsonSchema } from "../src/evaluation/spec.ts";
import { policyJsonSchema } from "../src/report/policy.ts";

writeFileSync("docs/evaluate.schema.json", `${JSON.stringify(specJsonSchema(), null, 2)}\n`);
writeFileSync("docs/policy.schema.json", `${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
