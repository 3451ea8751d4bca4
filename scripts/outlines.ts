/** Writes models/outlines.json, which tells services what they need not find out: `npm run outlines`. */

import { writeFileSync } from "node:fs";
import { folderModels } from "../src/node/folder-models.ts";
import { tableOf } from "./outlines/find.ts";

writeFileSync("models/outlines.json", `${JSON.stringify(await tableOf(await folderModels("models")), null, 2)}\n`);
