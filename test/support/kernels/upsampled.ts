/** ONNX's Resize (linear, half_pixel), in float64: the logits [classes, rows, columns] at pixel (y, x) of [height, width]. */
export const upsampledAt = (
  logits: ArrayLike<number>,
  [classes, rows, columns]: readonly [number, number, number],
  [height, width]: readonly [number, number],
  [y, x]: readonly [number, number],
): number[] => {
  const place = (at: number, size: number, samples: number): readonly [number, number, number] => {
    const exact = Math.min(Math.max(((at + 0.5) * samples) / size - 0.5, 0), samples - 1);
    const before = Math.floor(exact);
    return [before, Math.min(before + 1, samples - 1), exact - before];
  };
  const [top, bottom, v] = place(y, height, rows);
  const [left, right, u] = place(x, width, columns);
  return Array.from({ length: classes }, (_, c) => {
    const at = (row: number, column: number): number => logits[(c * rows + row) * columns + column]!;
    return (
      (1 - v) * ((1 - u) * at(top, left) + u * at(top, right)) +
      v * ((1 - u) * at(bottom, left) + u * at(bottom, right))
    );
  });
};
