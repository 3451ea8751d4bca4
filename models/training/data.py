"""Loads folders of images and labels into memory, and augments them by scale, crop, flip and colour."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

VOID = 255
MEAN = torch.tensor([104.0, 106.4, 108.1]).view(3, 1, 1)
STD = torch.tensor([77.0, 78.9, 77.7]).view(3, 1, 1)


def normalise(image):
    """uint8 or float RGB in 0..255, [...,3,H,W], to the input of the network."""
    return (image.float() - MEAN.to(image.device)) / STD.to(image.device)


def load_folder(folder):
    """Reads `folder`/{images,labels} and returns a list of (uint8 [3,H,W], uint8 [H,W])."""
    folder = Path(folder)
    items = []
    for path in sorted((folder / "images").iterdir()):
        label_path = folder / "labels" / (path.stem + ".png")
        image = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
        items.append((torch.from_numpy(image.copy()), torch.from_numpy(np.asarray(Image.open(label_path)).copy())))
    if not items:
        raise FileNotFoundError(f"no images under {folder}")
    return items


def augment(image, labels, crop, scales, rng):
    """A random view of size `crop` = (height, width), at a random scale between `scales` relative to the original resolution."""
    height, width = crop
    scale = rng.uniform(*scales)
    source_h, source_w = min(round(height / scale), image.shape[1]), min(round(width / scale), image.shape[2])
    top, left = rng.integers(image.shape[1] - source_h + 1), rng.integers(image.shape[2] - source_w + 1)
    image = image[:, top : top + source_h, left : left + source_w].float()
    labels = labels[top : top + source_h, left : left + source_w]
    if (source_h, source_w) != (height, width):
        image = F.interpolate(image[None], (height, width), mode="bilinear", align_corners=False)[0]
        labels = F.interpolate(labels[None, None].float(), (height, width), mode="nearest")[0, 0]
    if rng.random() < 0.5:
        image, labels = image.flip(2), labels.flip(1)
    return colour(image, rng), labels.long()


def colour(image, rng):
    """Random brightness, contrast, saturation, colour cast and a little noise."""
    gray = image.mean(dim=0, keepdim=True)
    image = gray + (image - gray) * rng.uniform(0.6, 1.4)
    image = (image - image.mean()) * rng.uniform(0.7, 1.35) + image.mean() * rng.uniform(0.75, 1.25)
    image = image * torch.tensor(rng.uniform(0.92, 1.08, (3, 1, 1)), dtype=torch.float32)
    if rng.random() < 0.3:
        image = image + torch.from_numpy(rng.normal(0, 5, image.shape).astype(np.float32))
    return image.clamp(0, 255)


def add_noise(images, sigma, generator):
    """Gaussian noise of `sigma` grey levels. The values may leave 0..255, as in a certification."""
    return images.float() + sigma * torch.randn(images.shape, generator=generator) if sigma else images
