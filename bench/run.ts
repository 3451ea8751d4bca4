/** `npm run bench -- NAME [arguments]`. */

import { curves } from "./curves.ts";

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = { curves };

const [name = "", ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench) await bench(args);
else console.log(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
