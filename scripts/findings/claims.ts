/** The claims of Arnab, Miksik and Torr, as far as there are rows that decide them. */

import type { Evidence } from "./evidence.ts";
import type { Claim } from "./claims/claim.ts";
import { onCrf, onHigh, onRandom } from "./claims/around.ts";
import { onNetworks, type FactsOf } from "./claims/networks.ts";
import { onScales } from "./claims/scales.ts";

/** The rows of one part, or of several together; null where one has none. */
export type Parts = (...names: readonly string[]) => Evidence | null;

/** The claims for which there are rows, in their order. */
export const claimsOf = (parts: Parts, factsOf: FactsOf): Claim[] => {
  const [all, scale, crf, high, random] = ["networks", "scales", "crf", "curves", "random"].map((name) => parts(name));
  const both = parts("networks", "crf");
  const claims = [
    ...(all ? onNetworks(all, factsOf) : []),
    ...(scale ? onScales(scale) : []),
    ...(crf && both ? onCrf(crf, both) : []),
    ...(high ? [onHigh(high)] : []),
    ...(random ? [onRandom(random)] : []),
  ];
  return claims.toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
};
