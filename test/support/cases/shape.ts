/** Operators that move elements: padding, slicing, joining, reshaping, gathering, scattering. */

import type { PlainAttributes } from "../../../src/onnx/graph.ts";
import { about, fixed, floats, integers, node, weights, x, type Case } from "./case.ts";

/** A node whose further inputs are constant integers (null: absent). */
const withInts = (
  operator: string,
  name: string,
  shape: readonly number[],
  ints: readonly (readonly number[] | null)[],
  attributes: PlainAttributes = {},
): Case =>
  about(
    operator,
    name,
    [x(shape)],
    (op, v) => op.append(operator, [v, ...ints.map((list) => list && op.ints(list))], attributes)[0]!,
  );

const pad = (
  name: string,
  shape: readonly number[],
  pads: readonly number[],
  mode: string,
  axes?: readonly number[],
): Case => withInts("Pad", `${mode}, ${name}`, shape, axes ? [pads, null, axes] : [pads], { mode });

const padded: readonly Case[] = [
  ...["constant", "reflect", "edge", "wrap"].flatMap((mode) => [
    pad("two axes", [1, 2, 4, 5], [0, 0, 1, 2, 0, 0, 3, 1], mode),
    pad("the first axis", [4, 3], [2, 0, 1, 0], mode),
    pad("axes subset", [1, 4, 5], [1, 2], mode, [-1]),
  ]),
  pad("negative pads crop", [2, 5, 6], [0, -1, -2, 0, -1, 0], "constant"),
  pad("one side cropped, the other grown", [5, 6], [-1, 2, 2, -3], "constant"),
  pad("edge, cropped and grown", [5, 6], [-1, 2, 0, -1], "edge"),
  ...["reflect", "edge"].map((mode) => pad("one side cropped, the other grown", [5, 6], [-1, 2, 2, -2], mode)),
  ...["reflect", "edge", "wrap"].map((mode) => pad("every axis of a volume", [2, 3, 2], [1, 0, 1, 0, 2, 1], mode)),
  pad("nothing", [2, 3], [0, 0, 0, 0], "constant"),
  about("Pad", "reflect, in double precision", [x([3, 4])], (op, v) =>
    op.cast(op.Pad(op.cast(v, "float64"), op.ints([1, 0, 0, 2]), { mode: "reflect" }), "float32"),
  ),
  about("Pad", "constant value", [x([2, 3])], (op, v) => op.Pad(v, op.ints([1, 0, 0, 2]), op.constant(2.5))),
];

const sliced: readonly Case[] = [
  withInts(
    "Slice",
    "all axes",
    [4, 5],
    [
      [1, 0],
      [3, 4],
    ],
  ),
  withInts("Slice", "axes subset, from the back", [2, 4, 5], [[-3], [-1], [-1]]),
  withInts("Slice", "to the end", [6], [[2], [Number.MAX_SAFE_INTEGER]]),
  withInts(
    "Slice",
    "steps",
    [7, 8],
    [
      [1, 0],
      [7, 8],
      [0, 1],
      [2, 3],
    ],
  ),
  withInts("Slice", "a step that leaves the end", [8], [[1], [7], [0], [4]]),
  withInts("Slice", "reversed", [2, 5], [[-1], [-100], [1], [-1]]),
  withInts("Slice", "negative step of 2 with a start inside", [3, 8], [[6], [0], [1], [-2]]),
  withInts(
    "Slice",
    "both axes backwards",
    [5, 6],
    [
      [4, 4],
      [0, -100],
      [0, 1],
      [-3, -2],
    ],
  ),
];

const joined: readonly Case[] = [
  node("Concat", "three along channels", [x([2, 1, 3]), x([2, 2, 3]), x([2, 3, 3])], { axis: 1 }),
  node("Concat", "the last axis", [x([2, 3]), x([2, 1])], { axis: -1 }),
  about("Concat", "one input twice", [x([2, 2]), x([1, 2])], (op, a, b) => op.Concat(a, b, a, { axis: 0 })),
  about("Concat", "a constant between", [x([2, 2])], (op, v) => op.Concat(v, weights(op, [2, 3]), v, { axis: 1 })),
];

const split = (name: string, sizes: readonly number[] | null, parts: number, attributes: PlainAttributes): Case =>
  about("Split", name, [x([2, 7])], (op, v) => {
    const pieces = op.append("Split", [v, ...(sizes ? [op.ints(sizes)] : [])], attributes, parts);
    const [first, second] = [pieces[0]!, pieces[1]!];
    return { first, second, last: pieces.at(-1)!, joined: op.Concat(second, op.Mul(first, first), { axis: 1 }) };
  });

const parts: readonly Case[] = [
  split("uneven sizes", [1, 4, 2], 3, { axis: 1 }),
  split("equal but the last", null, 3, { axis: 1, num_outputs: 3 }),
  split("from the back", [3, 4], 2, { axis: -1 }),
];

const reshaped: readonly Case[] = [
  withInts("Reshape", "to three axes", [2, 6], [[2, 3, 2]]),
  withInts("Reshape", "inferred and kept sizes", [2, 3, 4], [[0, -1]]),
  withInts("Reshape", "to a vector", [2, 3], [[-1]]),
  node("Flatten", "default axis", [x([2, 3, 4])]),
  node("Flatten", "axis 0", [x([2, 3])], { axis: 0 }),
  node("Flatten", "from the back", [x([2, 3, 4])], { axis: -1 }),
  withInts("Squeeze", "given axes", [1, 3, 1], [[-1]]),
  node("Squeeze", "all axes of size 1", [x([1, 3, 1, 2])]),
  withInts("Unsqueeze", "two axes", [2, 3], [[0, -1]]),
  node("Transpose", "default", [x([2, 3, 4])]),
  node("Transpose", "a cycle", [x([2, 3, 4, 2])], { perm: [0, 2, 3, 1] }),
  withInts("Expand", "a new axis and a grown one", [3, 1], [[2, 3, 4]]),
  withInts("Expand", "to a smaller shape", [2, 3], [[1, 1]]),
  withInts("Expand", "a scalar", [], [[2, 2]]),
  withInts("Tile", "two axes", [2, 3], [[2, 3]]),
  withInts("Tile", "no axis more than once", [2, 3], [[1, 1]]),
  withInts("Tile", "one axis", [1, 2, 3], [[1, 1, 2]]),
  ...["DCR", "CRD"].map((mode) => node("DepthToSpace", mode, [x([1, 8, 2, 3])], { blocksize: 2, mode })),
  node("SpaceToDepth", "blocks of 2", [x([1, 2, 4, 6])], { blocksize: 2 }),
  node("SpaceToDepth", "blocks of 3", [x([1, 1, 3, 6])], { blocksize: 3 }),
];

const gathered: readonly Case[] = [
  node("Gather", "rows, one repeated, one from the back", [x([4, 3]), integers([3], [0, -1, 0])]),
  node("Gather", "a scalar index", [x([2, 4, 3]), integers([], [2])], { axis: 1 }),
  node("Gather", "a matrix of indices, last axis", [x([2, 4]), integers([2, 2], [3, 0, 1, 3])], { axis: -1 }),
  node("GatherElements", "columns", [x([2, 4]), integers([2, 3], [0, 3, 0, -1, 2, 2])], { axis: 1 }),
  node("GatherElements", "rows", [x([3, 2]), integers([2, 2], [0, 2, 0, 1])]),
  node("GatherND", "elements", [x([3, 4]), integers([3, 2], [0, 1, 2, 3, 0, 1])]),
  node("GatherND", "rows", [x([3, 4]), integers([2, 1], [2, -1])]),
  node("ScatterElements", "overwrite", [x([3, 4]), integers([1, 3], [1, 0, 2]), x([1, 3], "normal", "u")]),
  node(
    "ScatterElements",
    "add, one place twice",
    [x([2, 4]), integers([2, 3], [1, 1, 3, 0, 0, 0]), x([2, 3], "normal", "u")],
    {
      axis: 1,
      reduction: "add",
    },
  ),
  ...["max", "min", "mul"].map((reduction) =>
    node("ScatterElements", reduction, [fixed([2, 4]), integers([2, 2], [1, 1, 0, 3]), fixed([2, 2], "normal", "u")], {
      axis: 1,
      reduction,
    }),
  ),
  node("ScatterND", "overwrite elements", [x([3, 4]), integers([2, 2], [0, 1, 2, 3]), x([2], "normal", "u")]),
  node("ScatterND", "overwrite rows", [x([3, 4]), integers([2, 1], [2, 0]), x([2, 4], "normal", "u")]),
  node("ScatterND", "add rows, one twice", [x([3, 4]), integers([3, 1], [2, 0, 2]), x([3, 4], "normal", "u")], {
    reduction: "add",
  }),
  node("GatherND", "batch_dims", [x([2, 3, 2]), integers([2, 1], [2, 0])], { batch_dims: 1 }),
  node(
    "GatherND",
    "batch_dims, several of each batch, one twice",
    [x([2, 3, 2]), integers([2, 3, 1], [2, 0, 2, 1, -1, 1])],
    {
      batch_dims: 1,
    },
  ),
  node("GatherND", "two batch_dims, elements", [x([2, 2, 3]), integers([2, 2, 1], [2, 0, 1, 1])], { batch_dims: 2 }),
  node("GatherND", "a stack of slices", [x([3, 2, 4]), integers([2, 2, 1], [2, 0, 0, 1])]),
  node("Gather", "the middle axis, every index from the back", [x([2, 3, 2]), integers([2, 2], [-1, -3, -2, -1])], {
    axis: -2,
  }),
  node(
    "GatherElements",
    "the middle axis, from the back",
    [x([2, 3, 2]), integers([2, 2, 2], [0, -1, 2, 2, 1, 1, -3, 0])],
    {
      axis: -2,
    },
  ),
  node(
    "ScatterElements",
    "overwrite, the last axis from the back",
    [x([2, 4]), integers([2, 2], [-1, 0, 1, -2]), x([2, 2], "normal", "u")],
    { axis: -1 },
  ),
  node(
    "ScatterND",
    "add elements from the back",
    [x([3, 4]), integers([2, 2], [-1, -1, 0, -2]), x([2], "normal", "u")],
    {
      reduction: "add",
    },
  ),
  ...["max", "min", "mul"].map((reduction) =>
    node("ScatterND", reduction, [fixed([3, 2]), integers([2, 1], [1, 2]), fixed([2, 2], "normal", "u")], {
      reduction,
    }),
  ),
  node("ReverseSequence", "time first", [x([4, 3, 2]), integers([3], [1, 4, 2])]),
  node("ReverseSequence", "batch first", [x([3, 4]), integers([3], [3, 1, 4])], { batch_axis: 0, time_axis: 1 }),
];

/** Computed when the graph runs: the builder would fold a Shape or Range of constants. */
const known: readonly Case[] = [
  about("OneHot", "a new last axis", [integers([2, 2], [0, 2, 1, -1])], (op, i) =>
    op.OneHot(i, op.constant(3, "int64"), floats(op, [2], [0, 1]), { axis: -1 }),
  ),
  about("OneHot", "classes first, on and off values", [integers([3], [0, 2, 3])], (op, i) =>
    op.OneHot(i, op.constant(4, "int64"), floats(op, [2], [-1, 2]), { axis: 0 }),
  ),
];

/** What fills the padding, and what the classes are marked with, may depend on the picture. */
const filledBy: readonly Case[] = [
  ...["constant", "edge"].map((mode) =>
    about("Pad", `${mode}, a value that is computed`, [x([2, 3]), x([], "normal", "v")], (op, v, value) =>
      op.Add(op.Pad(v, op.ints([1, 0, 0, 2]), value, { mode }), value),
    ),
  ),
  about("Pad", "cropped and grown, a value of one element", [x([3, 4]), x([], "normal", "v")], (op, v, value) =>
    op.Pad(v, op.ints([-1, 2, 2, -1]), value),
  ),
  about("OneHot", "float indices", [fixed([3], { of: [0, 2, 1] })], (op, i) =>
    op.OneHot(i, op.constant(4), floats(op, [2], [0, 1])),
  ),
  about("OneHot", "values that are computed", [integers([2, 2], [0, 2, 1, -1]), x([2])], (op, i, values) =>
    op.OneHot(i, op.constant(3, "int64"), values, { axis: 1 }),
  ),
];

export const shapeCases: readonly Case[] = [
  ...padded,
  ...sliced,
  ...joined,
  ...parts,
  ...reshaped,
  ...gathered,
  ...known,
  ...filledBy,
];
