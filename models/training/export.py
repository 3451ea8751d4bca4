"""A checkpoint to a float ONNX file: `python3 export.py runs/enet-street/best.pt model.float.onnx`.

Height and width stay symbolic. torch's exporter of this age knows neither MaxPool with indices nor MaxUnpool; both are
standard ONNX, with indices that count over the whole tensor where torch counts over one plane.
"""

import argparse

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.onnx import register_custom_op_symbolic

from enet import ENet

OPSET = 13


def max_pool_with_indices(g, x, kernel_size, stride, padding, dilation, ceil_mode):
    from torch.onnx.symbolic_helper import _get_const

    def ints(v, fallback=None):
        value = _get_const(v, "is", "v")
        return list(value) if value else fallback

    kernel = ints(kernel_size)
    return g.op(
        "MaxPool", x, outputs=2, kernel_shape_i=kernel, strides_i=ints(stride, kernel), pads_i=ints(padding) * 2
    )


def max_unpool(g, x, indices, output_size):
    return g.op("MaxUnpool", x, indices, kernel_shape_i=[2, 2], strides_i=[2, 2])


def prune_unused_shapes(model):
    """Drops the nodes that computed the output size of max_unpool2d, which nothing reads any more."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
        dead = [node for node in graph.node if not any(o in read for o in node.output)]
        if not dead:
            return
        for node in dead:
            graph.node.remove(node)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("onnx")
    args = parser.parse_args()
    for name in ("max_pool2d_with_indices", "max_unpool2d"):
        register_custom_op_symbolic(f"::{name}", {"max_pool2d_with_indices": max_pool_with_indices, "max_unpool2d": max_unpool}[name], OPSET)
    net = ENet(11).eval()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["net"])
    torch.onnx.export(
        net,
        torch.zeros(1, 3, 64, 96),
        args.onnx,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {2: "height", 3: "width"}, "logits": {2: "height", 3: "width"}},
    )
    model = onnx.load(args.onnx)
    prune_unused_shapes(model)
    onnx.checker.check_model(model)
    onnx.save(model, args.onnx)
    weights = sum(numpy_helper.to_array(t).size for t in model.graph.initializer)
    operators = sorted({node.op_type for node in model.graph.node})
    print(f"{args.onnx}: {weights} weights, operators {', '.join(operators)}")


if __name__ == "__main__":
    main()
