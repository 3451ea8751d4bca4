"""FCN-8s (Long, Shelhamer, Darrell 2015): scores at strides 32, 16 and 8, each upsampled by 2 and added to the next. Stride 8."""

from torch import nn
from torch.nn import functional as F

from resnet import ResNet
from vgg import VGG, conv_bn


def double(x):
    """Upsampling by 2: that of the released networks is initialised to bilinear interpolation and not trained."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class FCN8sVGG(nn.Module):
    """VGG's fully connected layers as convolutions (fc6 7x7, fc7 1x1); skips from pool4 and pool3."""

    stride = 8

    def __init__(self, classes, width, head):
        super().__init__()
        self.body = VGG(width)
        third, fourth, last = self.body.channels[2:]
        self.fc = nn.Sequential(conv_bn(last, head, 7), nn.Dropout2d(0.1), conv_bn(head, head, 1), nn.Dropout2d(0.1))
        self.score = nn.Conv2d(head, classes, 1)
        self.skip4 = nn.Conv2d(fourth, classes, 1)
        self.skip3 = nn.Conv2d(third, classes, 1)

    def forward(self, x):
        pools = []
        for block in self.body.blocks:
            x = F.max_pool2d(block(x), 2)
            pools.append(x)
        scores = double(self.score(self.fc(x))) + self.skip4(pools[3])
        return double(scores) + self.skip3(pools[2])


class FCN8sResNet(nn.Module):
    """Scores from the last three stages of the strided ResNet."""

    stride = 8

    def __init__(self, classes, width):
        super().__init__()
        self.body = ResNet(width, dilated=False)
        self.scores = nn.ModuleList(nn.Conv2d(channels, classes, 1) for channels in self.body.channels[1:])

    def forward(self, x):
        at8, at16, at32 = (score(x) for score, x in zip(self.scores, self.body(x)[1:]))
        return double(double(at32) + at16) + at8
