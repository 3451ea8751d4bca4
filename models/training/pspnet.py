"""PSPNet (Zhao, Shi, Qi, Wang, Jia 2017) and ICNet (Zhao, Qi, Shen, Shi, Jia 2018): pyramid pooling, and the image cascade."""

import torch
from torch import nn
from torch.nn import functional as F

from resnet import ResNet
from vgg import conv_bn

BINS = (1, 2, 3, 6)


def pooling_matrix(bins, size):
    """[bins,size]: adaptive average pooling along one axis. Bins overlap if their number does not divide the size."""
    spans = [(i * size // bins, -(-(i + 1) * size // bins)) for i in range(bins)]
    return torch.tensor([[float(start <= x < end) / (end - start) for x in range(size)] for start, end in spans])


def adaptive_average(x, bins):
    """P_h x P_w^T with constant matrices, which the export fixes for one size."""
    rows, columns = pooling_matrix(bins, int(x.shape[2])), pooling_matrix(bins, int(x.shape[3]))
    return torch.matmul(torch.matmul(rows.to(x), x), columns.to(x).t())


def resized(x, like):
    return F.interpolate(x, (int(like.shape[2]), int(like.shape[3])), mode="bilinear", align_corners=False)


class PSPNet(nn.Module):
    """The dilated ResNet, concatenated with means over 1, 2, 3 and 6 bins per side, each projected to a quarter of the channels. Stride 8."""

    stride = 8

    def __init__(self, classes, width, head):
        super().__init__()
        self.body = ResNet(width, dilated=True)
        channels = self.body.channels[-1]
        self.pyramid = nn.ModuleList(conv_bn(channels, channels // len(BINS), 1) for _ in BINS)
        self.head = nn.Sequential(conv_bn(2 * channels, head), nn.Dropout2d(0.1), nn.Conv2d(head, classes, 1))

    def forward(self, x):
        x = self.body(x)[-1]
        pooled = [resized(project(adaptive_average(x, bins)), x) for project, bins in zip(self.pyramid, BINS)]
        return self.head(torch.cat([x, *pooled], dim=1))


class CascadeFeatureFusion(nn.Module):
    """The coarse map, upsampled by 2 and convolved by a 3x3 with dilation 2, plus the fine map convolved by a 1x1 (ICNet, figure 4)."""

    def __init__(self, coarse, fine, cout):
        super().__init__()
        self.coarse = nn.Sequential(nn.Conv2d(coarse, cout, 3, padding=2, dilation=2, bias=False), nn.BatchNorm2d(cout))
        self.fine = nn.Sequential(nn.Conv2d(fine, cout, 1, bias=False), nn.BatchNorm2d(cout))

    def forward(self, coarse, fine):
        return F.relu(self.coarse(resized(coarse, fine)) + self.fine(fine))


class ICNet(nn.Module):
    """Three resolutions and two fusions: the image at 1/2 passes the first two stages; their result at half its size (1/4) passes the
    other stages and pyramid pooling; and the whole image passes three strided convolutions. Stride 4; image sides are multiples of 32."""

    stride = 4

    def __init__(self, classes, width, head):
        super().__init__()
        self.body = ResNet(width, dilated=True)
        _, second, _, last = self.body.channels
        self.reduce = conv_bn(last, head, 1)
        self.full = nn.Sequential(conv_bn(3, head // 4, stride=2), conv_bn(head // 4, head // 4, stride=2), conv_bn(head // 4, head // 2, stride=2))
        self.fuse_quarter = CascadeFeatureFusion(head, second, head)
        self.fuse_full = CascadeFeatureFusion(head, head // 2, head)
        self.classifier = nn.Conv2d(head, classes, 1)

    def forward(self, x):
        half = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        shared = F.max_pool2d(self.body.stem(half), 3, 2, 1)
        for stage in self.body.stages[:2]:
            shared = stage(shared)
        deep = F.interpolate(shared, scale_factor=0.5, mode="bilinear", align_corners=False)
        for stage in self.body.stages[2:]:
            deep = stage(deep)
        # ICNet adds the pyramid's means to the map, where PSPNet concatenates them.
        deep = deep + sum(resized(adaptive_average(deep, bins), deep) for bins in BINS)
        fused = self.fuse_full(self.fuse_quarter(self.reduce(deep), shared), self.full(x))
        return self.classifier(F.interpolate(fused, scale_factor=2, mode="bilinear", align_corners=False))
