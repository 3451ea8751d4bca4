"""ResNet-50 (He, Zhang, Ren, Sun 2016): slim, with 3, 4, 6 and 3 bottleneck blocks; the last two stages are dilated or strided."""

from torch import nn
from torch.nn import functional as F

from vgg import conv_bn

PLAN = [(3, 64), (4, 128), (6, 256), (3, 512)]


class Bottleneck(nn.Module):
    """relu(shortcut(x) + expand(conv3x3(reduce(x)))); the output has four times the inner channels."""

    def __init__(self, cin, inner, stride, dilation):
        super().__init__()
        cout = 4 * inner
        self.branch = nn.Sequential(
            conv_bn(cin, inner, 1),
            conv_bn(inner, inner, 3, dilation, stride),
            nn.Conv2d(inner, cout, 1, bias=False),
            nn.BatchNorm2d(cout),
        )
        same = cin == cout and stride == 1
        self.shortcut = None if same else nn.Sequential(nn.Conv2d(cin, cout, 1, stride=stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return F.relu(shortcut + self.branch(x))


class ResNet(nn.Module):
    """Returns the outputs of the four stages. The last has stride 32, or 8 if stages 3 and 4 are dilated (by 2 and 4)."""

    def __init__(self, width, dilated):
        super().__init__()
        stem = round(64 * width)
        self.channels = [round(4 * inner * width) for _, inner in PLAN]
        self.stem = conv_bn(3, stem, 7, stride=2)
        self.stages = nn.ModuleList()
        cin = stem
        for (blocks, _), cout, stride, dilation in zip(PLAN, self.channels, (1, 2, 2, 2), (1, 1, 2, 4)):
            first = 1 if dilated and dilation > 1 else stride
            rate = dilation if dilated else 1
            self.stages.append(
                nn.Sequential(*[Bottleneck(cin if i == 0 else cout, cout // 4, first if i == 0 else 1, rate) for i in range(blocks)])
            )
            cin = cout

    def forward(self, x):
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs
