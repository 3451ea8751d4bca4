"""SegNet (Badrinarayanan, Kendall, Cipolla 2017): VGG as the encoder, and its mirror image as the decoder, with max-unpooling by the encoder's indices."""

from torch import nn
from torch.nn import functional as F

from vgg import PLAN, VGG, conv_bn


class SegNet(nn.Module):
    """Stride 1; image sides are multiples of 32."""

    stride = 1

    def __init__(self, classes, width):
        super().__init__()
        self.body = VGG(width)
        channels = self.body.channels
        self.decoder = nn.ModuleList()
        for level in reversed(range(5)):
            cin, cout, layers = channels[level], channels[max(level - 1, 0)], PLAN[level][0]
            self.decoder.append(nn.Sequential(*[conv_bn(cin, cout if i == layers - 1 else cin) for i in range(layers)]))
        self.classifier = nn.Conv2d(channels[0], classes, 3, padding=1)

    def forward(self, x):
        indices = []
        for block in self.body.blocks:
            x, index = F.max_pool2d(block(x), 2, return_indices=True)
            indices.append(index)
        for block in self.decoder:
            x = block(F.max_unpool2d(x, indices.pop(), 2))
        return self.classifier(x)
