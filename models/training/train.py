"""Trains a network on CamVid and synthetic streets: `python3 train.py NAME --camvid DIR --street DIR [--workers 2] [--device cuda]`.

Runs the stages of networks.py in order, writes runs/NAME/{log.txt,last.pt,best.pt} and resumes from last.pt. On a CPU each
worker is a process with one thread (two threads in one process are slower when the machine is shared); gradients are
averaged over the workers. PyTorch 2 computes in bfloat16, which is twice as fast on a CPU that has it.
"""

import argparse
import copy
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn import functional as F

from data import VOID, add_noise, augment, load_folder, normalise
from networks import CLASSES, NETWORKS

SEED = 20181
MODERN = not torch.__version__.startswith("1.")


def forward(net, images, multiple):
    """Logits at the size of the images, which are resized to the nearest size that the network accepts."""
    size = images.shape[-2:]
    accepted = [max(multiple, round(side / multiple) * multiple) for side in size]
    if accepted != list(size):
        images = F.interpolate(images, accepted, mode="bilinear", align_corners=False)
    device = images.device.type
    half = torch.bfloat16 if device == "cpu" else torch.float16
    with torch.autocast(device, half, enabled=net.training and (device != "cpu" or MODERN)):
        logits = net(images.contiguous(memory_format=torch.channels_last)).float()
    return logits if logits.shape[-2:] == size else F.interpolate(logits, size, mode="bilinear", align_corners=False)


def class_weights(items, c=1.02):
    """E-Net's weights 1 / ln(c + p), where p is the share of the pixels that belong to the class."""
    counts = sum(torch.bincount(labels.flatten().long(), minlength=256)[:CLASSES] for _, labels in items).double()
    return (1 / torch.log(c + counts / counts.sum())).float()


def lovasz_softmax(logits, labels, stride=4):
    """Lovász extension of the Jaccard loss (Berman et al., CVPR 2018), averaged over the classes that occur, on every `stride`-th pixel."""
    logits, labels = logits[:, :, ::stride, ::stride], labels[:, ::stride, ::stride]
    valid = labels != VOID
    probabilities, labels = logits.softmax(1).permute(0, 2, 3, 1)[valid], labels[valid]
    losses = []
    for c in labels.unique():
        truth = (labels == c).float()
        errors, order = (truth - probabilities[:, c]).abs().sort(descending=True)
        truth = truth[order]
        jaccard = 1 - (truth.sum() - truth.cumsum(0)) / (truth.sum() + (1 - truth).cumsum(0))
        losses.append((errors * torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])).sum())
    return torch.stack(losses).mean()


def confusion(prediction, labels):
    valid = labels != VOID
    return torch.bincount(labels[valid].long() * CLASSES + prediction[valid].long(), minlength=CLASSES**2).view(CLASSES, CLASSES)


def iou(matrix):
    inter = matrix.diagonal().double()
    return inter / (matrix.sum(0) + matrix.sum(1) - matrix.diagonal()).clamp(min=1)


def evaluate(net, items, multiple, rank=0, world=1, noise=0.0):
    """Pooled confusion matrix of the items at the resolution of the images. The items are divided among the workers. The noise on
    an item is the same in each call."""
    device = next(net.parameters()).device
    net.eval()
    matrix = torch.zeros(CLASSES, CLASSES, dtype=torch.long)
    with torch.no_grad():
        for index, (image, labels) in list(enumerate(items))[rank::world]:
            image = add_noise(image[None], noise, torch.Generator().manual_seed(index))
            matrix += confusion(forward(net, normalise(image.to(device)), multiple)[0].argmax(0).cpu(), labels)
    net.train()
    if world > 1:
        dist.all_reduce(matrix)
    return matrix


def average_gradients(net, world):
    if world == 1:
        return
    flat = torch.cat([p.grad.flatten() for p in net.parameters()])
    dist.all_reduce(flat)
    flat /= world
    offset = 0
    for p in net.parameters():
        p.grad.copy_(flat[offset : offset + p.numel()].view_as(p))
        offset += p.numel()


def average_weights(average, net, decay=0.995):
    """Exponential moving average of weights and statistics, which is what is validated and shipped."""
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), net.state_dict().values()):
            a.lerp_(b, 1 - decay) if a.dtype.is_floating_point else a.copy_(b)


def batches(camvid, street, stage, epoch, rank, world, seed):
    """The batches of this worker in one epoch. All random choices depend only on (seed, stage, epoch, rank)."""
    order = np.random.default_rng([seed, epoch]).permutation(len(camvid))[rank::world]
    rng = np.random.default_rng([seed, epoch, 1 + rank])
    for start in range(0, len(order) - stage["batch"] // 2, stage["batch"]):
        picked = [camvid[i] for i in order[start : start + stage["batch"]]]
        picked = [street[rng.integers(len(street))] if rng.random() < stage["street"] else item for item in picked]
        views = [augment(*item, stage["crop"], stage["scales"], rng) for item in picked]
        yield torch.stack([v[0] for v in views]), torch.stack([v[1] for v in views])


def run_stage(index, stage, net, average, state, context):
    args, rank, world, device, log = (context[k] for k in ("args", "rank", "world", "device", "log"))
    optimiser = torch.optim.AdamW(net.parameters(), lr=stage["lr"][0], weight_decay=2e-3)
    first = state["epoch"] if state["stage"] == index else 0
    if first:
        optimiser.load_state_dict(state["optimiser"])
    for epoch in range(first, stage["epochs"]):
        started, losses = time.time(), []
        steps = math.ceil(len(context["camvid"]) / world / stage["batch"])
        for step, (images, labels) in enumerate(
            batches(context["camvid"], context["street"], stage, epoch, rank, world, SEED + 1000 * index)
        ):
            progress = (epoch + step / steps) / stage["epochs"]
            warm = min(1.0, (epoch * steps + step + 1) / 50)
            high, low = stage["lr"]
            for group in optimiser.param_groups:
                group["lr"] = warm * (low + (high - low) * 0.5 * (1 + math.cos(math.pi * min(progress, 1))))
            images = add_noise(images, stage["noise"], context["noise"])
            logits = forward(net, normalise(images.to(device)), context["multiple"])
            labels = labels.to(device)
            loss = F.cross_entropy(logits, labels, weight=context["weights"], ignore_index=VOID)
            if stage["lovasz"]:
                loss = loss + stage["lovasz"] * lovasz_softmax(logits, labels)
            optimiser.zero_grad()
            loss.backward()
            average_gradients(net, world)
            optimiser.step()
            average_weights(average, net)
            losses.append(loss.item())
        state.update(stage=index, epoch=epoch + 1)
        validate = (epoch + 1) % 4 == 0 or epoch + 1 == stage["epochs"]
        miou = iou(evaluate(average, context["val"], context["multiple"], rank, world, stage["noise"])).mean().item() if validate else float("nan")
        if rank == 0:
            log(f"{stage['name']} {epoch + 1}/{stage['epochs']} loss {np.mean(losses):.4f} val mIoU {miou:.4f} {time.time() - started:.0f} s")
            saved = {"net": net.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), **state, "best": max(state["best"], miou if validate else 0)}
            torch.save(saved, args.out / "last.part")
            os.replace(args.out / "last.part", args.out / "last.pt")
            if validate and miou >= state["best"]:
                torch.save({"net": average.state_dict(), "miou": miou, "stage": stage["name"], "epoch": epoch + 1}, args.out / "best.pt")
        if validate:
            state["best"] = max(state["best"], miou)


def start_from(net, checkpoint):
    """Initialises a network from another one, where name and shape agree; `front` is the part that is a whole network itself."""
    other = torch.load(checkpoint, map_location="cpu")["net"]

    def initial(name, value):
        found = other.get(name.removeprefix("front."), value)
        return found if found.shape == value.shape else value

    net.load_state_dict({name: initial(name, value) for name, value in net.state_dict().items()})


def worker(rank, world, args):
    torch.set_num_threads(1 if args.device == "cpu" else 8)
    torch.manual_seed(SEED + rank)
    if world > 1:
        dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{args.port}", rank=rank, world_size=world)
    device = torch.device(args.device)
    args.out.mkdir(parents=True, exist_ok=True)

    def log(line):
        print(line, flush=True)
        with open(args.out / "log.txt", "a") as file:
            file.write(line + "\n")

    torch.manual_seed(SEED)  # every worker starts from the same weights
    network = NETWORKS[args.network]
    net = network.build()
    if network.start:
        start_from(net, args.out.parent / network.start / "best.pt")
    net = net.to(device, memory_format=torch.channels_last)
    average = copy.deepcopy(net)
    state = {"stage": 0, "epoch": 0, "best": 0.0}
    if (args.out / "last.pt").exists():
        saved = torch.load(args.out / "last.pt", map_location=device)
        net.load_state_dict(saved.pop("net"))
        average = copy.deepcopy(net)
        average.load_state_dict(saved.pop("average", net.state_dict()))
        state = saved
    torch.manual_seed(SEED + 1 + rank)  # dropout differs between workers
    camvid, val = load_folder(args.camvid / "train"), load_folder(args.camvid / "val")
    context = {"args": args, "rank": rank, "world": world, "device": device, "log": log, "camvid": camvid, "val": val, "street": None, "multiple": network.multiple, "weights": class_weights(camvid).to(device), "noise": torch.Generator().manual_seed(SEED + 1 + rank)}
    for index, stage in list(enumerate(network.stages))[: args.until or None]:
        if index < state["stage"] or not stage["epochs"]:
            continue
        if stage["street"] and context["street"] is None:
            context["street"] = load_folder(args.street / "train")
        run_stage(index, stage, net, average, state, context)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--camvid", type=Path, required=True)
    parser.add_argument("--street", type=Path, help="made by scripts/street-set.ts; needed from the second stage on")
    parser.add_argument("--runs", type=Path, default=Path(__file__).parent / "runs")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=2, help="processes on a CPU; 1 on a GPU")
    parser.add_argument("--until", type=int, default=0, help="run only the first N stages")
    parser.add_argument("--port", type=int, default=29511)
    args = parser.parse_args()
    args.out = args.runs / args.network
    world = args.workers if args.device == "cpu" else 1
    if world == 1:
        worker(0, 1, args)
    else:
        mp.spawn(worker, (world, args), nprocs=world)


if __name__ == "__main__":
    main()
