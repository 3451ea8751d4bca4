/** Label maps, class indices with 255 for void, as PNG files. */
import { tensor, type Tensor } from "../tensor.ts";
import type { DecodeOptions, Rgb } from "./decode.ts";
import { ImageError } from "./error.ts";
import { colourTypes } from "./png-chunks.ts";
import { decodePng, type DecodedPng } from "./png-decode.ts";
import { writePng } from "./png-encode.ts";
import { probeWithin } from "./probe.ts";

/** The index that is ignored everywhere. */
const voidLabel = 255;

export interface DecodeLabelsOptions extends DecodeOptions {
  /** The colour of each class, for label maps stored as RGB images; black is void if no class has it. */
  readonly palette?: readonly Rgb[];
}

const notLabels = (message: string): ImageError => new ImageError("not-labels", message);

const keyOf = (r: number, g: number, b: number): number => (r << 16) | (g << 8) | b;

const byColour = ({ header, samples }: DecodedPng, palette: readonly Rgb[]): Uint8Array<ArrayBuffer> => {
  const { width, height, colour } = header;
  const step = colour === colourTypes.rgbAlpha ? 4 : 3;
  const classes = new Map([[0, voidLabel], ...palette.map(([r, g, b], i): [number, number] => [keyOf(r, g, b), i])]);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [r, g, b] = [samples[i * step]!, samples[i * step + 1]!, samples[i * step + 2]!];
    const label = classes.get(keyOf(r, g, b));
    if (label !== undefined) return label;
    throw notLabels(
      `the label map's colour (${r}, ${g}, ${b}) at x ${i % width}, y ${Math.floor(i / width)} is no class's; use their colours, or an 8-bit greyscale or palette PNG whose values are class indices, 255 for void`,
    );
  });
};

/**
 * A palette PNG can be read by its indices or by its colours. The two contradict each other if every used colour is that of a class
 * (or black for void) and at least one is that of another class than its index. A palette of other colours is ignored.
 */
const requireOneReading = ({ header, samples, palette: colours }: DecodedPng, palette: readonly Rgb[]): void => {
  if (header.colour !== colourTypes.palette || !colours) return;
  const classes = new Map(palette.map(([r, g, b], i): [number, number] => [keyOf(r, g, b), i]));
  const used = new Set(samples);
  used.delete(voidLabel);
  let conflict: string | undefined;
  for (const index of used) {
    const [r, g, b] = [colours[3 * index], colours[3 * index + 1], colours[3 * index + 2]];
    if (r === undefined || g === undefined || b === undefined) return;
    const named = classes.get(keyOf(r, g, b));
    if (named === undefined && keyOf(r, g, b) !== 0) return;
    if (named !== undefined && named !== index)
      conflict ??= `index ${index} has the colour (${r}, ${g}, ${b}), which is class ${named}'s`;
  }
  if (conflict !== undefined)
    throw notLabels(
      `the palette has the classes' own colours in another order, so that the indices say one thing and the colours another: ${conflict}. Save it as greyscale if the indices are right, as RGB if the colours are`,
    );
};

const indicesOf = (png: DecodedPng, palette: readonly Rgb[] | undefined): Uint8Array<ArrayBuffer> => {
  const { depth, colour } = png.header;
  if (palette) requireOneReading(png, palette);
  if (depth === 16) throw notLabels("the label map has 16 bits per sample; use 8, with 255 for void");
  if (colour === colourTypes.palette || colour === colourTypes.grey) return Uint8Array.from(png.samples);
  if (colour === colourTypes.greyAlpha) {
    throw notLabels("the label map has an alpha channel; save it as greyscale without alpha or with a palette");
  }
  if (palette) return byColour(png, palette);
  throw notLabels(
    "the label map is an RGB picture; save it as an 8-bit greyscale or palette PNG whose values are class indices, 255 for void",
  );
};

/**
 * Decodes a label map to [H,W]: the indices of a palette PNG, the raw values of a greyscale PNG (1 to 8 bits), or, given a
 * `palette`, the classes of an RGB image's colours (alpha is ignored). A palette PNG whose colours contradict its indices is refused.
 *
 * @throws ImageError `not-labels` for images that are not label maps (JPEG, WebP, 16 bits, unknown colours), and the other kinds
 */
export const decodeLabels = (bytes: Uint8Array, { palette, ...limits }: DecodeLabelsOptions): Tensor<"uint8"> => {
  const { format, width, height } = probeWithin(bytes, limits);
  if (format !== "png") throw notLabels(`a label map must be a PNG; ${format.toUpperCase()} would blur class indices`);
  return tensor("uint8", [height, width], indicesOf(decodePng(bytes), palette));
};

/**
 * Encodes a label map [H,W] as a palette PNG with 8-bit indices and 256 entries. Indices beyond the palette are kept and have the
 * colour of void (255), which is `voidColour` or black.
 */
export const encodeLabels = (
  labels: Tensor<"uint8">,
  palette: readonly Rgb[],
  { voidColour = [0, 0, 0] }: { readonly voidColour?: Rgb } = {},
): Uint8Array => {
  const [height, width] = labels.shape;
  if (labels.shape.length !== 2 || !height || !width) {
    throw new RangeError(`encodeLabels: labels must be [H, W], not [${labels.shape.join(", ")}]`);
  }
  if (palette.length > voidLabel)
    throw new RangeError(`encodeLabels: ${palette.length} colours leave no index for void`);
  const colours = new Uint8Array(256 * 3);
  palette.forEach((rgb, i) => colours.set(rgb, 3 * i));
  colours.set(voidColour, 3 * voidLabel);
  return writePng({ width, height, depth: 8, colour: colourTypes.palette, bytes: labels.data, palette: colours });
};
