"""NAS-Bench-201's supernet in PyTorch (Dong and Yang, 2020): one cell of four nodes and six edges, stacked N times
between residual blocks that halve the image."""

from __future__ import annotations

import torch.nn as nn
import torch.nn.functional as F

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


class ReLUConvBN(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, affine: bool = True):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x):
        return self.norm(self.convolution(F.relu(x)))


def operation(name: str, channels: int) -> nn.Module:
    match name:
        case "skip_connect":
            return nn.Identity()
        case "nor_conv_1x1" | "nor_conv_3x3":
            return ReLUConvBN(channels, channels, int(name[-1]), affine=False)
        case "avg_pool_3x3":
            return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    raise ValueError(name)


class SearchCell(nn.Module):
    """Node i sums the mixtures of all operations on nodes 0..<i."""

    def __init__(self, channels: int, nodes: int = 4):
        super().__init__()
        self.nodes = nn.ModuleList(
            nn.ModuleList(
                nn.ModuleDict({name: operation(name, channels) for name in OPERATIONS[1:]}) for _ in range(node))
            for node in range(1, nodes))

    def forward(self, x, weights):
        states, edge = [x], 0
        for node in self.nodes:
            total = 0
            for source, operations in enumerate(node):
                for column, module in enumerate(operations.values(), start=1):
                    total = total + weights[edge, column] * module(states[source])
                edge += 1
            states.append(total)
        return states[-1]


class ResidualBlock(nn.Module):
    """Two convolutions, the first of stride 2, beside an average pool and a 1×1 convolution."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = ReLUConvBN(inputs, outputs, 3, 2)
        self.second = ReLUConvBN(outputs, outputs, 3)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x, _):
        return self.second(self.first(x)) + self.shortcut(F.avg_pool2d(x, 2, 2))


class Supernet(nn.Module):
    def __init__(self, channels: int = 16, repeats: int = 5, classes: int = 10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.layers = nn.ModuleList()
        for stage in range(3):
            if stage > 0:
                self.layers.append(ResidualBlock(channels, 2 * channels))
                channels *= 2
            self.layers.extend(SearchCell(channels) for _ in range(repeats))
        self.norm = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x, architecture):
        weights = architecture[0].softmax(-1)
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x, weights)
        return self.classifier(F.relu(self.norm(x)).mean((2, 3)))
