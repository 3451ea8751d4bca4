"""VGG-16's convolutions (Simonyan and Zisserman 2015), slim and with BatchNormalization: blocks of 2, 2, 3, 3 and 3 layers of 3x3."""

from torch import nn

PLAN = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]


def conv_bn(cin, cout, kernel=3, dilation=1, stride=1):
    """Same-size convolution, BatchNormalization, ReLU."""
    padding = dilation * (kernel - 1) // 2
    conv = nn.Conv2d(cin, cout, kernel, stride=stride, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


def widths(width):
    return [round(channels * width) for _, channels in PLAN]


class VGG(nn.Module):
    """The five blocks without their poolings; `dilations` has one number per block."""

    def __init__(self, width, dilations=(1, 1, 1, 1, 1)):
        super().__init__()
        self.channels = widths(width)
        self.blocks = nn.ModuleList()
        cin = 3
        for (layers, _), cout, dilation in zip(PLAN, self.channels, dilations):
            self.blocks.append(nn.Sequential(*[conv_bn(cin if i == 0 else cout, cout, 3, dilation) for i in range(layers)]))
            cin = cout
