"""An ONNX file forward, and its gradient: d(summed cross-entropy) / d(image), in PyTorch on one thread.

`python3 torch_gradient.py CASE`: a folder with model.onnx (image -> logits), image.f32, target.i32 and case.json, their
shapes (bench/beside.ts writes it). Writes CASE/gradient.f32 and prints a line of JSON; then for each line of the standard
input, `forward` or `gradient`, runs that once and prints the processor's milliseconds. Of Debian: python3-torch,
python3-onnx, and libopenblas0-pthread, without which matrices are multiplied four times as slowly.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F


def symmetric(pads):
    begin, end = pads[: len(pads) // 2], pads[len(pads) // 2 :]
    if begin != end:
        raise NotImplementedError(f"pads {pads}: PyTorch's are the same at both ends")
    return begin


def conv(x, w, bias=None, *, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1, **_):
    return F.conv2d(x, w, bias, strides, symmetric(pads), dilations, group)


def conv_transpose(x, w, bias=None, *, strides=(1, 1), pads=(0, 0, 0, 0), output_padding=(0, 0), dilations=(1, 1), group=1, **_):
    return F.conv_transpose2d(x, w, bias, strides, symmetric(pads), output_padding, group, dilations)


def max_pool(x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), **_):
    return F.max_pool2d(x, kernel_shape, strides, symmetric(pads), return_indices=True)


def max_unpool(x, indices, *, kernel_shape, strides=(1, 1), **_):
    """By indices as PyTorch's own max_pool gives them, which count over a plane, not over the tensor."""
    return F.max_unpool2d(x, indices, kernel_shape, strides)


def batch_norm(x, scale, bias, mean, variance, *, epsilon=1e-5, **_):
    return F.batch_norm(x, mean, variance, scale, bias, training=False, eps=epsilon)


def pad(x, pads, value=None, **_):
    rank, pads = len(pads) // 2, pads.tolist()
    both = [n for axis in reversed(range(rank)) for n in (pads[axis], pads[axis + rank])]
    return F.pad(x, both, value=0 if value is None else value.item())


def clip(x, low=None, high=None, **_):
    return torch.clamp(x, low and low.item(), high and high.item())


def resize(x, roi=None, scales=None, sizes=None, *, mode, coordinate_transformation_mode="half_pixel", **_):
    if mode != b"linear":
        raise NotImplementedError(f"Resize {mode}")
    size = sizes.tolist()[2:] if sizes is not None else [int(n * s) for n, s in zip(x.shape[2:], scales.tolist()[2:])]
    corners = {b"align_corners": True, b"half_pixel": False}[coordinate_transformation_mode]
    return F.interpolate(x, size, mode="bilinear", align_corners=corners)


OPERATORS = {
    "Add": lambda a, b: a + b,
    "BatchNormalization": batch_norm,
    "Clip": clip,
    "Concat": lambda *xs, axis: torch.cat(xs, axis),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Expand": lambda x, shape: x.expand(torch.broadcast_shapes(x.shape, shape.tolist())),
    "Identity": lambda x: x,
    "MatMul": lambda a, b: a @ b,
    "MaxPool": max_pool,
    "MaxUnpool": max_unpool,
    "Mul": lambda a, b: a * b,
    "PRelu": lambda x, slope: F.prelu(x, slope.flatten()),
    "Pad": pad,
    "ReduceMean": lambda x, axes, keepdims=1, **_: x.mean(axes.tolist(), bool(keepdims)),
    "Relu": F.relu,
    "Resize": resize,
    "Sub": lambda a, b: a - b,
}


def network(path, device="cpu"):
    """The ONNX file's function, tensor to tensor. Shapes, sizes and single numbers stay on the processor."""
    graph = onnx.load(path).graph
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    weights = {name: t.to(device) if t.is_floating_point() and t.ndim else t for name, t in weights.items()}
    nodes = []
    for n in graph.node:
        if n.op_type not in OPERATORS:
            raise NotImplementedError(f"not written for this bench: {n.op_type}")
        attributes = {a.name: helper.get_attribute_value(a) for a in n.attribute}
        nodes.append((OPERATORS[n.op_type], list(n.input), list(n.output), attributes))

    def run(image):
        values = {**weights, "": None, graph.input[0].name: image}
        for operator, inputs, outputs, attributes in nodes:
            result = operator(*[values[name] for name in inputs], **attributes)
            values.update(zip(outputs, result if isinstance(result, tuple) else (result,)))
        return values[graph.output[0].name]

    return run


def prepare(folder):
    """The two tasks; the gradient is returned as a tensor."""
    shapes = json.loads((folder / "case.json").read_text())
    image = torch.from_numpy(np.fromfile(folder / "image.f32", "<f4")).reshape(shapes["image"])
    labels = np.fromfile(folder / "target.i32", "<i4").astype("int64")
    target = torch.from_numpy(labels).reshape(1, *shapes["logits"][2:])
    run = network(folder / "model.onnx")

    def forward():
        with torch.no_grad():
            return run(image)

    def gradient():
        x = image.clone().requires_grad_()
        loss = F.cross_entropy(run(x), target, reduction="sum", ignore_index=255)
        return torch.autograd.grad(loss, x)[0]

    return {"forward": forward, "gradient": gradient}


def answer(**message):
    print(json.dumps(message), flush=True)


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    try:
        tasks = prepare(folder)
        tasks["gradient"]().numpy().astype("<f4").tofile(folder / "gradient.f32")
    except (NotImplementedError, RuntimeError, TypeError) as cause:
        return answer(refused=str(cause).split("\n", 1)[0])
    answer(ready=True)
    for line in sys.stdin:
        start = time.process_time()
        tasks[line.strip()]()
        answer(ms=1000 * (time.process_time() - start))


if __name__ == "__main__":
    main()
