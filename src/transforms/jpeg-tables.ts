/** The quantisation tables of JPEG at a quality (ITU-T T.81, annex K, scaled as by the Independent JPEG Group's library). */

/** Table K.1, row by row: u is the horizontal frequency. */
const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];

/** Table K.2; the rest of it is 99. */
const chrominanceCorner = [
  [17, 18, 24, 47],
  [18, 21, 26, 66],
  [24, 26, 56, 99],
  [47, 66, 99, 99],
];
const chrominance = Array.from({ length: 64 }, (_, i) => chrominanceCorner[i >> 3]?.[i & 7] ?? 99);

/** In percent: 5000/Q below 50, 200 − 2Q above. */
const scaleOf = (quality: number): number => (quality < 50 ? 5000 / quality : 200 - 2 * quality);

const scaled = (table: readonly number[], quality: number): number[] =>
  table.map((t) => Math.min(Math.max(Math.floor((t * scaleOf(quality) + 50) / 100), 1), 255));

/** 64 steps, row by row, at a quality from 1 to 100. */
export const luminanceTable = (quality: number): number[] => scaled(luminance, quality);
export const chrominanceTable = (quality: number): number[] => scaled(chrominance, quality);
