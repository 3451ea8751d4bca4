/** A count with its noun. */

import { expect, it } from "vitest";
import { counted } from "../src/counted.ts";

it.each([
  [counted(0, "file"), "0 files"],
  [counted(1, "file"), "1 file"],
  [counted(2, "class"), "2 classes"],
  [counted(1, "class"), "1 class"],
  [counted(1234, "row", "1 234"), "1 234 rows"],
])("%s", (said, expected) => {
  expect(said).toBe(expected);
});
