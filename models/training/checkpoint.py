"""Makes a checkpoint of a shipped float network again: `python3 checkpoint.py enet-street FILE.onnx runs/enet-street/best.pt --camvid DIR`.

The exporter folds a batch normalisation into the convolution before it: y = w*x + b. Training needs the two apart. Here the normalisation gets
the mean m and the variance v of its own input over some images, the scale sqrt(v + eps) and the shift m + b. With these statistics it
computes y exactly, and in training, where each batch has its own, nearly.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from data import load_folder, normalise
from networks import NETWORKS

IMAGES = 12


def path_of(name):
    """`down1.branch.0.0` of "/down1/branch/branch.0/branch.0.0/Conv": a part that goes on from the one before replaces it."""
    parts = []
    for part in name.strip("/").split("/")[:-1]:
        if parts and part.startswith(parts[-1] + "."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts)


def weights_of(graph):
    """The arrays of each node that has weights, by the path of its module."""
    arrays = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    kinds = ("Conv", "ConvTranspose", "BatchNormalization", "PRelu")
    return {path_of(node.name): [arrays[name] for name in node.input[1:]] for node in graph.node if node.op_type in kinds}


def load(net, weights):
    """Copies the weights, and returns the shift of each batch normalisation that was folded away."""
    folded, shift = {}, None
    for path, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d) and path not in weights:
            folded[module], shift = shift, None
        if path not in weights:
            continue
        values = weights.pop(path)
        if isinstance(module, nn.PReLU):
            values = [values[0].flatten()]
        names = ["weight", "bias", "running_mean", "running_var"][: len(values)]
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) and module.bias is None and len(values) == 2:
            shift = values.pop()
        for name, value in zip(names, values):
            getattr(module, name).data.copy_(value)
    if weights:
        raise ValueError(f"the network has no module for {', '.join(weights)}")
    return folded


def unfold(net, folded, images):
    """Sets the normalisations, one after another as the images pass them, so that each adds its shift."""

    def calibrate(module, inputs):
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), unbiased=False)
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
        module.weight.data.copy_((variance + module.eps).sqrt())
        module.bias.data.copy_(mean + folded[module])

    hooks = [module.register_forward_pre_hook(calibrate) for module in folded]
    with torch.no_grad():
        net.eval()(normalise(images))
    for hook in hooks:
        hook.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("onnx")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--camvid", type=Path, required=True)
    args = parser.parse_args()
    net = NETWORKS[args.network].build()
    folded = load(net, weights_of(onnx.load(args.onnx).graph))
    items = load_folder(args.camvid / "train")
    images = torch.stack([items[i][0] for i in np.linspace(0, len(items) - 1, IMAGES).astype(int)])
    unfold(net, folded, images)
    args.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"net": net.state_dict()}, args.checkpoint)
    print(f"{args.checkpoint}: {len(folded)} normalisations were set apart again")


if __name__ == "__main__":
    main()
