"""Exports a checkpoint to a float ONNX file: `python3 export.py enet-street runs/enet-street/best.pt model.float.onnx`.

Height and width stay symbolic, except for networks with a fixed size. The manifest is written to FILE.json beside the network.
PyTorch 1.13's exporter supports neither MaxPool with indices nor MaxUnpool. Both are standard ONNX; their indices number the elements of
the whole tensor, where PyTorch's number those of one plane.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.onnx import register_custom_op_symbolic

from networks import NETWORKS

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
    """Removes the nodes that computed the output size of max_unpool2d, which no node reads any more."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
        dead = [node for node in graph.node if not any(o in read for o in node.output)]
        if not dead:
            return
        for node in dead:
            graph.node.remove(node)


def manifest(name, network, stride):
    """The manifest: street.json, which all networks share, with the card, sizes and stride of this one."""
    here = Path(__file__).parent
    card = json.loads((here / "cards.json").read_text())[name]
    shared = json.loads((here / "street.json").read_text())
    height, width = network.size or ("dynamic", "dynamic")
    sizes = {"width": width, "height": height, **({} if network.size else {"multipleOf": network.multiple})}
    return {
        "name": name,
        **card,
        **shared,
        "input": {**shared["input"], **sizes},
        "output": {**shared["output"], "stride": stride},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("checkpoint")
    parser.add_argument("onnx")
    args = parser.parse_args()
    for name in ("max_pool2d_with_indices", "max_unpool2d"):
        register_custom_op_symbolic(f"::{name}", {"max_pool2d_with_indices": max_pool_with_indices, "max_unpool2d": max_unpool}[name], OPSET)
    network = NETWORKS[args.network]
    net = network.build().eval()
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu")["net"])
    torch.onnx.export(
        net,
        torch.zeros(1, 3, *(network.size or (64, 96))),
        args.onnx,
        opset_version=OPSET,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes=None if network.size else {"image": {2: "height", 3: "width"}, "logits": {2: "rows", 3: "columns"}},
    )
    model = onnx.load(args.onnx)
    prune_unused_shapes(model)
    onnx.checker.check_model(model)
    onnx.save(model, args.onnx)
    card = manifest(args.network, network, getattr(net, "stride", 1))
    Path(args.onnx).with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")
    weights = sum(numpy_helper.to_array(t).size for t in model.graph.initializer)
    operators = sorted({node.op_type for node in model.graph.node})
    print(f"{args.onnx}: {weights} weights, operators {', '.join(operators)}")


if __name__ == "__main__":
    main()
