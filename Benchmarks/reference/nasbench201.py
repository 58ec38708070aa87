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


class Node(nn.Module):
    """The operations on each edge into a node."""

    def __init__(self, channels: int, edges: int):
        super().__init__()
        self.edges = nn.ModuleList(
            nn.ModuleDict({name: operation(name, channels) for name in OPERATIONS[1:]}) for _ in range(edges))


class SearchCell(nn.Module):
    """Node i sums the mixtures of all operations on nodes 0..<i."""

    def __init__(self, channels: int, nodes: int = 4):
        super().__init__()
        self.nodes = nn.ModuleList(Node(channels, node) for node in range(1, nodes))

    def forward(self, x, weights):
        states, edge = [x], 0
        for node in self.nodes:
            total = 0
            for source, operations in enumerate(node.edges):
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

    def forward(self, x):
        return self.second(self.first(x)) + self.shortcut(F.avg_pool2d(x, 2, 2))


class Stem(nn.Module):
    def __init__(self, outputs: int):
        super().__init__()
        self.convolution = nn.Conv2d(3, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.convolution(x))


class Stage(nn.Module):
    def __init__(self, channels: int, repeats: int, reduces: bool):
        super().__init__()
        if reduces:
            self.reduction = ResidualBlock(channels // 2, channels)
        self.cells = nn.ModuleList(SearchCell(channels) for _ in range(repeats))

    def forward(self, x, weights):
        if hasattr(self, "reduction"):
            x = self.reduction(x)
        for cell in self.cells:
            x = cell(x, weights)
        return x


class Supernet(nn.Module):
    def __init__(self, channels: int = 16, repeats: int = 5, classes: int = 10):
        super().__init__()
        self.stem = Stem(channels)
        self.stages = nn.ModuleList(Stage(channels << stage, repeats, stage > 0) for stage in range(3))
        self.norm = nn.BatchNorm2d(channels << 2)
        self.classifier = nn.Linear(channels << 2, classes)

    def forward(self, x, architecture):
        weights = architecture[0].softmax(-1)
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x, weights)
        return self.classifier(F.relu(self.norm(x)).mean((2, 3)))
