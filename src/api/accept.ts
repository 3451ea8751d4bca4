/** Content negotiation (RFC 9110, 12.5.1), parameters included. */
import { RequestError } from "./request-error.ts";

interface MediaRange {
  readonly type: string;
  readonly parameters: readonly string[];
  readonly q: number;
}

/** Parameters that do not select a representation. */
const ignored = /^(charset|v)=/;

const parseRange = (text: string): MediaRange => {
  const [type = "", ...rest] = text.split(";").map((piece) => piece.trim().toLowerCase());
  const quality = rest.find((piece) => piece.startsWith("q="));
  const q = quality === undefined ? 1 : Number(quality.slice(2));
  return {
    type,
    parameters: rest.filter((piece) => piece && !piece.startsWith("q=") && !ignored.test(piece)),
    q: q >= 0 && q <= 1 ? q : 0,
  };
};

/** The specificity with which a media range matches an offer: 0 no match, 1 any type, 2 any subtype, 3 the type, 4 or more with parameters. */
const closeness = (range: MediaRange, offer: string): number => {
  const { type, parameters } = parseRange(offer);
  if (!range.parameters.every((parameter) => parameters.includes(parameter))) return 0;
  if (range.type === type) return 3 + range.parameters.length;
  if (range.type === "*/*" || range.type === "*") return 1;
  return range.type === `${type.split("/")[0]}/*` ? 2 : 0;
};

/**
 * The offer with the highest quality value. Ties are broken by the specificity of the range, then by its position in the header,
 * then by the order of the offers.
 *
 * @throws RequestError `not-acceptable` if every offer is excluded.
 * @example negotiate("image/png, application/json;q=0.5", ["application/json", "image/png"]) // "image/png"
 */
export const negotiate = <Offer extends string>(
  accept: string | undefined,
  offers: readonly [Offer, ...Offer[]],
): Offer => {
  const ranges = accept?.trim() ? accept.split(",", 100).map(parseRange) : [];
  if (ranges.length === 0) return offers[0];
  let best: { offer: Offer; rank: readonly number[] } | undefined;
  for (const offer of offers) {
    const match = ranges
      .map((range, index) => ({ q: range.q, close: closeness(range, offer), index }))
      .filter(({ close }) => close > 0)
      .toSorted((a, b) => b.close - a.close || a.index - b.index)[0];
    if (match === undefined || match.q === 0) continue;
    const rank = [match.q, match.close, -match.index];
    const difference = best === undefined ? 1 : (rank.map((r, i) => r - best!.rank[i]!).find((d) => d !== 0) ?? 0);
    if (difference > 0) best = { offer, rank };
  }
  if (best === undefined) throw new RequestError({ kind: "not-acceptable", accept: accept ?? "", offers });
  return best.offer;
};
