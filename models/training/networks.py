"""The networks by name: how each is built, which weights it is initialised from, and the stages of its training."""

from dataclasses import dataclass
from functools import partial
from typing import Callable, Optional

from deeplab import DeepLabResNet, DeepLabVGG
from dilated import DilatedContext, FrontEnd
from enet import ENet
from fcn import FCN8sResNet, FCN8sVGG
from pspnet import ICNet, PSPNet
from segnet import SegNet

CLASSES = 11
VGG = {"classes": CLASSES, "width": 3 / 16}
RESNET = {"classes": CLASSES, "width": 1 / 8}


def stage(name, epochs, crop, scales, batch, lr, street, lovasz=0.0, noise=0.0):
    """`street` is the share of synthetic scenes in a batch; an epoch has as many images as CamVid's train set. `lovasz` is the
    weight of the Lovász-softmax loss, which is added to the cross-entropy: it approximates the mean IoU and so favours rare classes.
    `noise` is the standard deviation, in grey levels, of the Gaussian noise on every image, in training and in validation."""
    return {"name": name, "epochs": epochs, "crop": crop, "scales": scales, "batch": batch, "lr": lr, "street": street, "lovasz": lovasz, "noise": noise}


def stages(half, mixed, full):
    """Three stages with these numbers of epochs: at about half the resolution, at mixed resolutions, and on whole images."""
    return [
        stage("half", half, (192, 256), (0.55, 0.9), 8, (2e-3, 5e-4), 0.3),
        stage("mixed", mixed, (256, 320), (0.65, 1.2), 8, (1.5e-3, 2e-4), 0.4),
        stage("full", full, (352, 480), (1.0, 1.4), 4, (7e-4, 1e-5), 0.4, lovasz=1.0),
    ]


@dataclass(frozen=True)
class Network:
    build: Callable
    stages: list
    # Image sides must be multiples of this.
    multiple: int = 8
    # (height, width) of a network that is exported for one size only, because the bins of its pyramid depend on it.
    size: Optional[tuple] = None
    # The network from whose weights this one is initialised, where name and shape agree.
    start: Optional[str] = None


NETWORKS = {
    "enet-street": Network(
        partial(ENet, CLASSES),
        [
            stage("half", 50, (176, 232), (0.48, 0.85), 4, (2e-3, 5e-4), 0.0),
            stage("mixed", 64, (240, 320), (0.6, 1.2), 4, (1.5e-3, 2e-4), 0.4),
            stage("full", 16, (360, 480), (1.0, 1.4), 4, (7e-4, 1e-5), 0.4, lovasz=1.0),
        ],
    ),
    # For randomised smoothing (Cohen, Rosenfeld, Kolter, ICML 2019): the network that is smoothed is trained under the noise.
    "enet-street-noise": Network(
        partial(ENet, CLASSES),
        [stage("noise", 12, (240, 320), (0.6, 1.1), 4, (8e-4, 1e-5), 0.4, lovasz=0.5, noise=16.0)],
        start="enet-street",
    ),
    "deeplab-v2-vgg": Network(partial(DeepLabVGG, **VGG, head=96), stages(44, 16, 3)),
    "dilated-frontend": Network(partial(FrontEnd, **VGG, head=64), stages(0, 12, 2), start="deeplab-v2-vgg"),
    "dilated-context": Network(partial(DilatedContext, **VGG, head=64), stages(0, 6, 2), start="dilated-frontend"),
    "fcn8s-vgg": Network(partial(FCN8sVGG, **VGG, head=64), stages(0, 14, 2), 32, start="deeplab-v2-vgg"),
    "segnet-vgg": Network(partial(SegNet, **VGG), stages(10, 10, 2), 32, start="deeplab-v2-vgg"),
    "deeplab-v2-resnet": Network(partial(DeepLabResNet, **RESNET), stages(70, 24, 4)),
    "pspnet-resnet": Network(partial(PSPNet, **RESNET, head=64), stages(0, 14, 2), size=(360, 480), start="deeplab-v2-resnet"),
    "icnet": Network(partial(ICNet, **RESNET, head=64), stages(10, 14, 3), 32, (384, 480), start="deeplab-v2-resnet"),
    "fcn8s-resnet": Network(partial(FCN8sResNet, **RESNET), stages(0, 14, 2), 32, start="deeplab-v2-resnet"),
}
