"""Numbers that Errata's side makes as well (Worker/Filling.swift): both begin with the same weights and images."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn as nn


def filled(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Values in −1..<1 of a tensor that has this name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = (np.uint64(seed) + np.arange(np.prod(shape), dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    values = (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def images(count: int, size: int = 32, channels: int = 3) -> torch.Tensor:
    """[N, C, H, W]"""
    return filled("images", (count, size, size, channels)).permute(0, 3, 1, 2)


def architecture(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    return weights(name, shape).requires_grad_()


def weights(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A parameter as Errata has it: [kh, kw, C/groups, O], [inputs, outputs] or [C]."""
    if len(shape) == 1:
        return 0.1 * filled(name, shape) + (1 if name.endswith("scale") else 0)
    return filled(name, shape) * np.sqrt(3 / np.prod(shape[:-1]))


def fill(model: nn.Module) -> None:
    """Gives a model its first values, by the names that Errata's parameters have."""
    with torch.no_grad():
        for path, module in model.named_modules():
            # An edge's place in its node follows the node's.
            parts = path.split(".")
            if len(parts) > 4 and parts[2] == "nodes":
                parts.insert(4, "edges")
            for kind, parameter in module.named_parameters(recurse=False):
                if isinstance(module, nn.BatchNorm2d):
                    kind = {"weight": "scale", "bias": "shift"}[kind]
                reverse = tuple(reversed(range(parameter.dim())))
                order = (2, 3, 1, 0) if parameter.dim() == 4 else reverse
                values = weights(".".join([*parts, kind]), tuple(parameter.shape[axis] for axis in order))
                back = (3, 2, 0, 1) if parameter.dim() == 4 else reverse
                parameter.copy_(values.permute(back))
