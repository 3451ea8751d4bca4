"""ifgsm-ii on the GPU in PyTorch: x ← clip(x − α·sign ∇CE(x, argmin logits(x))), all in float32.

`python3 torch_steps.py CASE STEPS`: a folder with model.onnx (image -> logits), image.f32 and case.json: the image's shape,
alpha, epsilon and the pixels' range. Writes CASE/adversarial.f32 and prints a line of JSON: the device, and milliseconds a
step, plainly and replayed as a CUDA graph.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from torch_gradient import network

# Convolutions are TF32's by default, with a mantissa of 10 bits; matrices may be, by the environment.
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True


def step_of(run, x, low, high, alpha):
    def step():
        variable = x.detach().requires_grad_()
        logits = run(variable)
        loss = F.cross_entropy(logits, logits.argmin(1), reduction="sum")
        gradient = torch.autograd.grad(loss, variable)[0]
        x.copy_(torch.clamp(x - alpha * gradient.sign(), low, high))

    return step


def captured(step):
    """The step as a graph of launches; on a stream of its own first, as capture asks for."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def milliseconds(step, steps):
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start) / steps


def main():
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    if not torch.cuda.is_available():
        return print(json.dumps({"missing": "PyTorch finds no GPU"}))
    case = json.loads((folder / "case.json").read_text())
    image = torch.from_numpy(np.fromfile(folder / "image.f32", "<f4")).reshape(case["image"]).cuda()
    bounds = [torch.clamp(image + e, *case["pixelRange"]) for e in (-case["epsilon"], case["epsilon"])]
    x = image.clone()
    step = step_of(network(folder / "model.onnx", "cuda"), x, *bounds, case["alpha"])
    for _ in range(steps):
        step()
    x.cpu().numpy().astype("<f4").tofile(folder / "adversarial.f32")
    plain = min(milliseconds(step, steps) for _ in range(4))
    replay = captured(step)
    answer = {"device": torch.cuda.get_device_name(), "ms": plain, "capturedMs": min(milliseconds(replay, steps) for _ in range(4))}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
