"""E-Net (Paszke, Chaurasia, Kim, Culurciello 2016, arXiv 1606.02147, Table 1), as in its paper.

The encoder has non-overlapping 2x2 max-poolings, whose indices the decoder's max-unpoolings reuse. The encoder has PReLU, the
decoder ReLU, as in the authors' release.
"""

import torch
from torch import nn
from torch.nn import functional as F


def activation(channels, relu):
    return nn.ReLU(inplace=True) if relu else nn.PReLU(channels)


def conv_bn(cin, cout, kernel, relu, **options):
    return nn.Sequential(nn.Conv2d(cin, cout, kernel, bias=False, **options), nn.BatchNorm2d(cout), activation(cout, relu))


class Initial(nn.Module):
    """3 -> 16 channels at half the resolution: a convolution with 13 filters, concatenated with a 2x2 max-pooling of the image."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 13, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.act = nn.PReLU(16)

    def forward(self, x):
        return self.act(self.norm(torch.cat([self.conv(x), F.max_pool2d(x, 2)], dim=1)))


class Bottleneck(nn.Module):
    """x + expand(conv(project(x))); the middle convolution is 3x3, dilated, or 5x1 then 1x5 (`asymmetric`)."""

    def __init__(self, channels, dilation=1, asymmetric=False, dropout=0.1, relu=False):
        super().__init__()
        inner = channels // 4
        if asymmetric:
            middle = [
                nn.Conv2d(inner, inner, (5, 1), padding=(2, 0), bias=False),
                *conv_bn(inner, inner, (1, 5), relu, padding=(0, 2)),
            ]
        else:
            middle = [*conv_bn(inner, inner, 3, relu, padding=dilation, dilation=dilation)]
        self.branch = nn.Sequential(
            conv_bn(channels, inner, 1, relu),
            *middle,
            nn.Conv2d(inner, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.Dropout2d(dropout),
        )
        self.act = activation(channels, relu)

    def forward(self, x):
        return self.act(x + self.branch(x))


class Downsampling(nn.Module):
    """Main branch: 2x2 max-pooling, zero-padded to `cout` channels. The indices of the pooling are returned too."""

    def __init__(self, cin, cout, dropout):
        super().__init__()
        inner = cin // 4
        self.padding = cout - cin
        self.branch = nn.Sequential(
            conv_bn(cin, inner, 2, False, stride=2),
            conv_bn(inner, inner, 3, False, padding=1),
            nn.Conv2d(inner, cout, 1, bias=False),
            nn.BatchNorm2d(cout),
            nn.Dropout2d(dropout),
        )
        self.act = nn.PReLU(cout)

    def forward(self, x):
        main, indices = F.max_pool2d(x, 2, return_indices=True)
        main = F.pad(main, (0, 0, 0, 0, 0, self.padding))
        return self.act(main + self.branch(x)), indices


class Upsampling(nn.Module):
    """Main branch: 1x1 convolution, then max-unpooling by the encoder's indices."""

    def __init__(self, cin, cout, dropout=0.1):
        super().__init__()
        inner = cin // 4
        self.main = nn.Sequential(nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout))
        self.branch = nn.Sequential(
            conv_bn(cin, inner, 1, True),
            nn.ConvTranspose2d(inner, inner, 2, stride=2, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, cout, 1, bias=False),
            nn.BatchNorm2d(cout),
            nn.Dropout2d(dropout),
        )
        self.act = nn.ReLU(inplace=True)

    def forward(self, x, indices):
        return self.act(F.max_unpool2d(self.main(x), indices, 2) + self.branch(x))


def context(channels=128):
    """Stages 2 and 3: regular, dilated 2, asymmetric 5, dilated 4, regular, dilated 8, asymmetric 5, dilated 16."""
    plan = [{}, {"dilation": 2}, {"asymmetric": True}, {"dilation": 4}, {}, {"dilation": 8}, {"asymmetric": True}, {"dilation": 16}]
    return nn.Sequential(*[Bottleneck(channels, **options) for options in plan])


class ENet(nn.Module):
    """Image [N,3,H,W] (H and W multiples of 8) to logits [N,classes,H,W]."""

    def __init__(self, classes):
        super().__init__()
        self.initial = Initial()
        self.down1 = Downsampling(16, 64, dropout=0.01)
        self.stage1 = nn.Sequential(*[Bottleneck(64, dropout=0.01) for _ in range(4)])
        self.down2 = Downsampling(64, 128, dropout=0.1)
        self.stage2 = context()
        self.stage3 = context()
        self.up4 = Upsampling(128, 64)
        self.stage4 = nn.Sequential(*[Bottleneck(64, relu=True) for _ in range(2)])
        self.up5 = Upsampling(64, 16)
        self.stage5 = Bottleneck(16, relu=True)
        self.classifier = nn.ConvTranspose2d(16, classes, 2, stride=2)

    def forward(self, x):
        x = self.initial(x)
        x, indices1 = self.down1(x)
        x, indices2 = self.down2(self.stage1(x))
        x = self.stage3(self.stage2(x))
        x = self.stage4(self.up4(x, indices2))
        x = self.stage5(self.up5(x, indices1))
        return self.classifier(x)
