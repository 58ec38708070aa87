"""DARTS in PyTorch: the search supernet and the discrete network, as the paper and its code describe them."""

from __future__ import annotations

from collections import namedtuple
from typing import Callable, Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F

Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")

PRIMITIVES = (
    "none", "max_pool_3x3", "avg_pool_3x3", "skip_connect",
    "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)

DARTS_V1 = Genotype(
    normal=[("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("skip_connect", 0), ("sep_conv_3x3", 1),
            ("skip_connect", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("skip_connect", 2)],
    normal_concat=[2, 3, 4, 5],
    reduce=[("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 0),
            ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("avg_pool_3x3", 0)],
    reduce_concat=[2, 3, 4, 5])

DARTS_V2 = Genotype(
    normal=[("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
            ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2)],
    normal_concat=[2, 3, 4, 5],
    reduce=[("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
            ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1)],
    reduce_concat=[2, 3, 4, 5])


class ReLUConvBN(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, affine: bool):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x):
        return self.norm(self.convolution(F.relu(x)))


class FactorizedReduce(nn.Module):
    def __init__(self, inputs: int, outputs: int, affine: bool):
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x):
        x = F.relu(x)
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))


class Half(nn.Module):
    """ReLU, depthwise, pointwise, batch norm."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int, affine: bool):
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels, channels, kernel, stride, dilation * (kernel - 1) // 2, dilation, channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels, affine=affine)

    def forward(self, x):
        return self.norm(self.pointwise(self.depthwise(F.relu(x))))


class SeparableConvolution(nn.Module):
    def __init__(self, channels: int, kernel: int, stride: int, affine: bool):
        super().__init__()
        self.first = Half(channels, kernel, stride, 1, affine)
        self.second = Half(channels, kernel, 1, 1, affine)

    def forward(self, x):
        return self.second(self.first(x))


class Pooling(nn.Module):
    """A pool, then batch norm where there is one."""

    def __init__(self, pool: nn.Module, channels: int, affine: bool):
        super().__init__()
        self.pool = pool
        self.norm = nn.Identity() if affine else nn.BatchNorm2d(channels, affine=False)

    def forward(self, x):
        return self.norm(self.pool(x))


def operation(name: str, channels: int, stride: int, affine: bool) -> nn.Module:
    match name:
        case "max_pool_3x3":
            return Pooling(nn.MaxPool2d(3, stride, 1), channels, affine)
        case "avg_pool_3x3":
            return Pooling(nn.AvgPool2d(3, stride, 1, count_include_pad=False), channels, affine)
        case "skip_connect":
            return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)
        case "sep_conv_3x3" | "sep_conv_5x5":
            return SeparableConvolution(channels, int(name[-1]), stride, affine)
        case "dil_conv_3x3" | "dil_conv_5x5":
            return Half(channels, int(name[-1]), stride, 2, affine)
    raise ValueError(name)


def preprocessing(cell: nn.Module, before_last: int, last: int, channels: int, follows_reduction: bool, affine: bool):
    first = FactorizedReduce if follows_reduction else ReLUConvBN
    cell.preprocess0 = first(before_last, channels, affine)
    cell.preprocess1 = ReLUConvBN(last, channels, affine)


class MixedEdge(nn.ModuleDict):
    """The weighted sum of an edge's candidates, as DARTS has it."""

    def __init__(self, names: Sequence[str], channels: int, stride: int, skip_dropout: float = 0):
        super().__init__({
            name: operation(name, channels, stride, affine=False) for name in names if name != "none"})
        self.columns = [column for column, name in enumerate(names) if name != "none"]
        self.skip_dropout = skip_dropout

    def forward(self, x, weights):
        total = 0
        for column, module in zip(self.columns, self.values()):
            y = module(x)
            if self.skip_dropout > 0 and isinstance(module, nn.Identity):
                y = F.dropout(y, self.skip_dropout, self.training)
            total = total + weights[column] * y
        return total


class HardEdge(MixedEdge):
    """One candidate alone, that of the weight that is not 0; the others' weights pass gradients (GDAS)."""

    def forward(self, x, weights):
        chosen = weights.argmax()
        total = 0
        for column, module in zip(self.columns, self.values()):
            total = total + weights[column] * (module(x) if column == chosen else 1)
        return total


class PartialEdge(MixedEdge):
    """The candidates on a part of the channels; the others pass by; then the channels are shuffled (PC-DARTS)."""

    parts = 4

    def __init__(self, names: Sequence[str], channels: int, stride: int):
        super().__init__(names, channels // self.parts, stride)
        self.stride = stride

    def forward(self, x, weights):
        part = x.shape[1] // self.parts
        passing = x[:, part:]
        if self.stride == 2:
            passing = F.max_pool2d(passing, 2, 2)
        joined = torch.cat([super().forward(x[:, :part], weights), passing], dim=1)
        count, channels, height, width = joined.shape
        shuffled = joined.view(count, self.parts, channels // self.parts, height, width).transpose(1, 2)
        return shuffled.contiguous().view(count, channels, height, width)


class SearchCell(nn.Module):
    def __init__(self, before_last: int, last: int, channels: int, reduction: bool, follows_reduction: bool,
                 nodes: int = 4, edge: Callable = lambda index, *arguments: MixedEdge(PRIMITIVES, *arguments)):
        super().__init__()
        self.reduction = reduction
        preprocessing(self, before_last, last, channels, follows_reduction, affine=False)
        self.nodes = nn.ModuleList()
        index = 0
        for node in range(nodes):
            self.nodes.append(nn.ModuleList())
            for source in range(node + 2):
                self.nodes[-1].append(edge(index, channels, 2 if reduction and source < 2 else 1))
                index += 1

    def forward(self, before_last, last, weights, edge_weights=None):
        states = [self.preprocess0(before_last), self.preprocess1(last)]
        index = 0
        for node in self.nodes:
            total = 0
            for source, edge in enumerate(node):
                value = edge(states[source], weights[index])
                total = total + (value if edge_weights is None else edge_weights[index] * value)
                index += 1
            states.append(total)
        return torch.cat(states[2:], dim=1)


class DiscreteCell(nn.Module):
    def __init__(self, genotype: Genotype, before_last: int, last: int, channels: int, reduction: bool,
                 follows_reduction: bool):
        super().__init__()
        preprocessing(self, before_last, last, channels, follows_reduction, affine=True)
        self.edges = genotype.reduce if reduction else genotype.normal
        self.concat = genotype.reduce_concat if reduction else genotype.normal_concat
        self.operations = nn.ModuleList(
            operation(name, channels, 2 if reduction and source < 2 else 1, affine=True)
            for name, source in self.edges)

    def forward(self, before_last, last, drop_path: float):
        states = [self.preprocess0(before_last), self.preprocess1(last)]
        for node in range(len(self.edges) // 2):
            total = 0
            for index in (2 * node, 2 * node + 1):
                module = self.operations[index]
                y = module(states[self.edges[index][1]])
                if drop_path > 0 and self.training and not isinstance(module, nn.Identity):
                    keep = torch.empty(y.shape[0], 1, 1, 1, dtype=y.dtype).bernoulli_(1 - drop_path)
                    y = y / (1 - drop_path) * keep
                total = total + y
            states.append(total)
        return torch.cat([states[state] for state in self.concat], dim=1)


class AuxiliaryHead(nn.Sequential):
    def __init__(self, channels: int, classes: int):
        super().__init__(
            nn.ReLU(), nn.AvgPool2d(5, stride=3, padding=0, count_include_pad=False),
            nn.Conv2d(channels, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False), nn.BatchNorm2d(768), nn.ReLU(), nn.Flatten(),
            nn.Linear(768, classes))


def stack(channels: int, cells: int, stem: int, concatenated: int, make: Callable) -> tuple[nn.ModuleList, int]:
    """Cells with reductions at one and two thirds of the depth, and the channels of the last one's output."""
    before_last, last, current, follows = stem, stem, channels, False
    result = nn.ModuleList()
    for index in range(cells):
        reduction = index in (cells // 3, 2 * cells // 3)
        current *= 2 if reduction else 1
        result.append(make(before_last, last, current, reduction, follows))
        before_last, last, follows = last, concatenated * current, reduction
    return result, last


class Stem(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.convolution(x))


def softmax_by_node(beta):
    """Over the edges into each node: two into the first, three into the second (PC-DARTS)."""
    counts, left = [], len(beta)
    while left > 0:
        counts.append(len(counts) + 2)
        left -= counts[-1]
    return torch.cat([part.softmax(-1) for part in beta.split(counts)])


def gumbel_softmax(alpha, temperature: float = 10):
    """One-hot with the gradient of the softmax, the Gumbel noise drawn (GDAS)."""
    noise = -torch.empty_like(alpha).exponential_().log()
    soft = ((alpha.log_softmax(-1) + noise) / temperature).softmax(-1)
    hard = F.one_hot(soft.argmax(-1), alpha.shape[-1]).to(soft.dtype)
    return hard - soft.detach() + soft


class Supernet(nn.Module):
    """Its architecture is α of normal and of reduction cells, then β of both where edges have weights."""

    def __init__(self, channels: int = 16, cells: int = 8, classes: int = 10, image_channels: int = 3,
                 head: bool = True, relaxation: Callable = lambda alpha: alpha.softmax(-1), **cell):
        super().__init__()
        self.relaxation = relaxation
        self.stem = Stem(image_channels, 3 * channels)
        self.cells, self.features = stack(
            channels, cells, 3 * channels, 4, lambda *arguments: SearchCell(*arguments, **cell))
        self.classifier = nn.Linear(self.features, classes) if head else nn.Identity()

    def forward(self, x, architecture):
        weights = [self.relaxation(alpha) for alpha in architecture[:2]]
        edge_weights = [softmax_by_node(beta) for beta in architecture[2:]] or [None, None]
        last = self.stem(x)
        before_last = last
        for cell in self.cells:
            before_last, last = last, cell(
                before_last, last, weights[cell.reduction], edge_weights[cell.reduction])
        return self.classifier(last.mean((2, 3)))


class DiscreteNetwork(nn.Module):
    def __init__(self, genotype: Genotype = DARTS_V2, channels: int = 36, cells: int = 20, classes: int = 10,
                 auxiliary: bool = True, image_channels: int = 3):
        super().__init__()
        self.stem = Stem(image_channels, 3 * channels)
        self.cells, features = stack(
            channels, cells, 3 * channels, len(genotype.normal_concat),
            lambda *arguments: DiscreteCell(genotype, *arguments))
        self.auxiliary_cell = 2 * cells // 3
        self.auxiliary = AuxiliaryHead(4 * 4 * channels, classes) if auxiliary else None
        self.classifier = nn.Linear(features, classes)

    def forward(self, x, drop_path: float = 0.0):
        last = self.stem(x)
        before_last, auxiliary = last, None
        for index, cell in enumerate(self.cells):
            before_last, last = last, cell(before_last, last, drop_path)
            if index == self.auxiliary_cell and self.auxiliary is not None and self.training:
                auxiliary = self.auxiliary(last)
        return self.classifier(last.mean((2, 3))), auxiliary


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


if __name__ == "__main__":
    assert parameter_count(Supernet()) == 1_930_618
    assert parameter_count(
        Supernet(edge=lambda index, *arguments: PartialEdge(PRIMITIVES, *arguments))) == 299_578
    for genotype, auxiliary, count in (
        (DARTS_V2, False, 3_349_342), (DARTS_V2, True, 3_825_768),
        (DARTS_V1, False, 3_169_414), (DARTS_V1, True, 3_645_840),
    ):
        assert parameter_count(DiscreteNetwork(genotype, auxiliary=auxiliary)) == count
    print("parameter counts as published")
