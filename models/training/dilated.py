"""Dilated-Net (Yu and Koltun 2016, arXiv 1511.07122): the front end, and the basic context module on top of it."""

import torch
from torch import nn
from torch.nn import functional as F

from vgg import VGG, conv_bn


class FrontEnd(nn.Module):
    """VGG without poolings 4 and 5; conv5 is dilated by 2, and fc6 (7x7) by 4. Stride 8."""

    stride = 8

    def __init__(self, classes, width, head):
        super().__init__()
        self.body = VGG(width, (1, 1, 1, 1, 2))
        self.fc = nn.Sequential(conv_bn(self.body.channels[-1], head, 7, 4), nn.Dropout2d(0.1), conv_bn(head, head, 1), nn.Dropout2d(0.1))
        self.score = nn.Conv2d(head, classes, 1)

    def forward(self, x):
        for level, block in enumerate(self.body.blocks):
            x = block(x)
            if level < 3:
                x = F.max_pool2d(x, 2)
        return self.score(self.fc(x))


def identity_convolution(classes, dilation):
    """A 3x3 convolution that is initialised to the identity (Yu and Koltun, equation 4) plus a little noise."""
    conv = nn.Conv2d(classes, classes, 3, padding=dilation, dilation=dilation)
    with torch.no_grad():
        nn.init.normal_(conv.weight, std=0.01)
        conv.weight[range(classes), range(classes), 1, 1] += 1
        conv.bias.zero_()
    return conv


class DilatedContext(nn.Module):
    """The basic context module: 3x3 convolutions dilated by 1, 1, 2, 4, 8, 16, 1 with ReLU, then 1x1. Stride 8."""

    stride = 8

    def __init__(self, classes, width, head):
        super().__init__()
        self.front = FrontEnd(classes, width, head)
        self.context = nn.ModuleList(identity_convolution(classes, rate) for rate in (1, 1, 2, 4, 8, 16, 1))
        self.last = nn.Conv2d(classes, classes, 1)
        with torch.no_grad():
            self.last.weight.copy_(torch.eye(classes).view(classes, classes, 1, 1))
            self.last.bias.zero_()

    def forward(self, x):
        x = self.front(x)
        for conv in self.context:
            x = F.relu(conv(x))
        return self.last(x)
