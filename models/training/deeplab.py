"""DeepLab v2 (Chen, Papandreou, Kokkinos, Murphy, Yuille 2018, arXiv 1606.00915): atrous spatial pyramid pooling, ASPP-L."""

from torch import nn
from torch.nn import functional as F

from resnet import ResNet
from vgg import VGG, conv_bn

RATES = (6, 12, 18, 24)


class DeepLabVGG(nn.Module):
    """Poolings 4 and 5 keep the resolution, and conv5 is dilated by 2; four branches of fc6 (3x3, dilated), fc7 and fc8 are summed. Stride 8."""

    stride = 8

    def __init__(self, classes, width, head):
        super().__init__()
        self.body = VGG(width, (1, 1, 1, 1, 2))
        last = self.body.channels[-1]
        self.aspp = nn.ModuleList(
            nn.Sequential(conv_bn(last, head, 3, rate), nn.Dropout2d(0.1), conv_bn(head, head, 1), nn.Dropout2d(0.1), nn.Conv2d(head, classes, 1))
            for rate in RATES
        )

    def forward(self, x):
        for block, stride in zip(self.body.blocks, (2, 2, 2, 1, 1)):
            x = F.max_pool2d(block(x), 3, stride, 1)
        return sum(branch(x) for branch in self.aspp)


class DeepLabResNet(nn.Module):
    """The dilated ResNet, followed by one 3x3 classifier per rate; the classifiers are summed. Stride 8."""

    stride = 8

    def __init__(self, classes, width):
        super().__init__()
        self.body = ResNet(width, dilated=True)
        self.aspp = nn.ModuleList(nn.Conv2d(self.body.channels[-1], classes, 3, padding=rate, dilation=rate) for rate in RATES)

    def forward(self, x):
        x = self.body(x)[-1]
        return sum(branch(x) for branch in self.aspp)
