/** mmsegmentation: networks that relate pixels to objects and to each other: HRNet with OCR, DANet. */

import type { Exporter, Name } from "./exporter.ts";
import { add, concat, conv, convRelu, dimension, mul, relu, reshape, resizeAs, transpose } from "./layers.ts";
import { CLASSES, miniature, type Miniature } from "./miniature.ts";

const matmul = (e: Exporter, a: Name, b: Name): Name => e.node("MatMul", [a, b]);
const softmax = (e: Exporter, x: Name, axis = -1): Name => e.node("Softmax", [x], { axis });

/** [B,C,H,W] to [B,C,H·W] */
const flat = (e: Exporter, x: Name): Name => reshape(e, x, dimension(e, x, 0), dimension(e, x, 1), -1);
const turned = (e: Exporter, x: Name): Name => transpose(e, x, 0, 2, 1);
/** [B,C,H·W] to the size of `like`. */
const planes = (e: Exporter, x: Name, like: Name): Name =>
  reshape(e, x, dimension(e, like, 0), -1, dimension(e, like, 2), dimension(e, like, 3));

/** Sun et al. (2019): two resolutions that are exchanged and, in the end, joined. */
const hrNet = (e: Exporter, x: Name): Name => {
  const high = convRelu(e, x, [3, 4, 3], { stride: 2 });
  const low = convRelu(e, high, [4, 5, 3], { stride: 2 });
  const up = conv(e, low, [5, 4, 1]);
  const down = conv(e, high, [4, 5, 3], { stride: 2 });
  const exchanged = relu(e, add(e, high, resizeAs(e, up, high)));
  return concat(e, [exchanged, resizeAs(e, relu(e, add(e, down, low)), high)]);
};

/** Yuan et al. (2020): pixels are summed up into objects by a first guess, and each pixel reads from the objects. */
const ocr = (e: Exporter, x: Name): Readonly<Record<string, Name>> => {
  const features = hrNet(e, x);
  const guess = conv(e, convRelu(e, features, [9, 4, 1]), [4, CLASSES, 1]);
  const pixels = convRelu(e, features, [9, 4, 3]);
  const objects = matmul(e, softmax(e, flat(e, guess)), turned(e, flat(e, pixels)));
  const query = turned(e, flat(e, convRelu(e, pixels, [4, 4, 1])));
  const key = e.node("MatMul", [objects, e.weight([4, 4], 0.5)]);
  const relation = softmax(e, mul(e, matmul(e, query, turned(e, key)), e.float(0.5)));
  const context = planes(e, turned(e, matmul(e, relation, objects)), pixels);
  const logits = conv(e, convRelu(e, concat(e, [context, pixels]), [8, 4, 1]), [4, CLASSES, 1]);
  return { output: resizeAs(e, logits, x), guess: resizeAs(e, guess, x) };
};

/** Fu et al. (2019): attention over positions, and over channels by how far each is from the most alike. */
const daNet = (e: Exporter, x: Name): Name => {
  const features = convRelu(e, convRelu(e, x, [3, 4, 3], { stride: 2 }), [4, 4, 3], { stride: 2 });
  const [query, key] = [0, 1].map(() => flat(e, conv(e, features, [4, 2, 1]))) as [Name, Name];
  const positions = softmax(e, matmul(e, turned(e, query), key));
  const attended = matmul(e, flat(e, conv(e, features, [4, 4, 1])), turned(e, positions));
  const byPosition = add(e, mul(e, planes(e, attended, features), e.weight([1], 0.1, 0.7)), features);
  const rows = flat(e, features);
  const energy = matmul(e, rows, turned(e, rows));
  const greatest = e.node("ReduceMax", [energy], { axes: [-1], keepdims: 1 });
  const distances = e.node("Sub", [e.node("Expand", [greatest, e.node("Shape", [energy])]), energy]);
  const scaled = mul(e, distances, e.float(0.05));
  const byChannel = add(e, planes(e, matmul(e, softmax(e, scaled), rows), features), features);
  return resizeAs(e, conv(e, convRelu(e, add(e, byPosition, byChannel), [4, 4, 3]), [4, CLASSES, 1]), x);
};

export const mmsegRelations: readonly Miniature[] = [
  miniature("mmsegmentation OCRNet", ocr),
  miniature("mmsegmentation DANet", daNet, { opset: 13 }),
];
