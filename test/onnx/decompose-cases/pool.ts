/** Pooling on integers. */

import { activation, microsoft, image, narrow, type DecomposeCase } from "./case.ts";

const window = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };

export const pools: readonly DecomposeCase[] = [
  ...[0, 1].map((include) =>
    microsoft({
      operator: "QLinearAveragePool",
      name: `padded, count_include_pad ${include}`,
      inputs: [...image, ...narrow.parameters],
      attributes: { ...window, count_include_pad: include },
      y: narrow.y,
      real: (op, x) => op.AveragePool(x, { ...window, count_include_pad: include }),
    }),
  ),
  microsoft({
    operator: "QLinearAveragePool",
    name: "channels last",
    inputs: [...activation([1, 5, 6, 2], 0.02, 100), ...narrow.parameters],
    attributes: { ...window, channels_last: 1 },
    y: narrow.y,
    real: (op, x) => {
      const y = op.AveragePool(op.Transpose(x, { perm: [0, 3, 1, 2] }), window);
      return op.Transpose(y, { perm: [0, 2, 3, 1] });
    },
  }),
  microsoft({
    operator: "QLinearGlobalAveragePool",
    name: "channels second",
    inputs: [...image, ...narrow.parameters],
    attributes: { channels_last: 0 },
    y: narrow.y,
    real: (op, x) => op.ReduceMean(x, op.ints([2, 3])),
  }),
  microsoft({
    operator: "QLinearGlobalAveragePool",
    name: "channels last",
    inputs: [...activation([1, 5, 6, 2], 0.02, 100), ...narrow.parameters],
    attributes: { channels_last: 1 },
    y: narrow.y,
    real: (op, x) => op.ReduceMean(x, op.ints([1, 2])),
  }),
];
