/** Small files for the tests of decoding; test/fixtures/pictures/README.md says what they are. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const pictureFile = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../fixtures/pictures/${name}`, import.meta.url))));
