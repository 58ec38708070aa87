"""PyTorch's side of a comparison: does a unit of work for each line on standard input, answers with JSON.

    worker.py WORK THREADS channels_last|default [BATCH|FOLDER]
"""

from __future__ import annotations

import functools
import json
import resource
import sys
import time
from typing import Callable

import torch
import torch.nn as nn
import torch.nn.functional as F

import filling
import nasbench201
from darts import (
    DARTS_V2, PRIMITIVES, DiscreteNetwork, HardEdge, MixedEdge, PartialEdge, Supernet, gumbel_softmax, parameter_count)


def multiplications(module: nn.Module, *inputs) -> int:
    """2 FLOP for each multiplication of a forward pass's convolutions and linear layers."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        weights = layer.weight.numel() // layer.weight.shape[0]
        if isinstance(layer, nn.ConvTranspose2d):
            weights = layer.weight.numel() // layer.weight.shape[1]
            total += 2 * output.numel() * weights // (layer.stride[0] ** 2)
        else:
            total += 2 * output.numel() * weights

    layers = (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)
    hooks = [layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, layers)]
    with torch.no_grad():
        module(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def batch(count: int, layout: torch.memory_format):
    images = torch.randn(count, 3, 32, 32).contiguous(memory_format=layout)
    return images, torch.randint(0, 10, (count,))


def sgd(parameters) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, 0.025, momentum=0.9, weight_decay=3e-4)


def step_of(model: nn.Module, shapes: dict[str, tuple[int, ...]], count: int, layout: torch.memory_format,
            size: int = 32, channels: int = 3):
    """Forward, backward and SGD step of a supernet; its architecture parameters, of such shapes, take part.

    Returns its parameters, its FLOP, the step, and its logits at first.
    """
    filling.fill(model)
    model = model.to(memory_format=layout)
    architecture = [filling.architecture(name, shape) for name, shape in shapes.items()]
    images = filling.images(count, size, channels).contiguous(memory_format=layout)
    labels = torch.arange(count) % 10
    optimizer = sgd(model.parameters())

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(images, architecture), labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()

    # Batch norm by the batch's statistics, and nothing dropped: dropout is drawn otherwise elsewhere.
    edges = [module for module in model.modules() if isinstance(module, MixedEdge)]
    rates = [edge.skip_dropout for edge in edges]
    for edge in edges:
        edge.skip_dropout = 0
    with torch.no_grad():
        logits = model(filling.images(8, size, channels).contiguous(memory_format=layout), architecture)
    for edge, rate in zip(edges, rates):
        edge.skip_dropout = rate
    return parameter_count(model), 3 * multiplications(model, images, architecture), run, logits.flatten().tolist()


ALPHAS = {"normal": (14, 8), "reduce": (14, 8)}
BETAS = {"normal_edges": (14,), "reduce_edges": (14,)}


def supernet_step(count: int, layout: torch.memory_format):
    return step_of(Supernet(), ALPHAS, count, layout)


def small_step(count: int, layout: torch.memory_format):
    return step_of(Supernet(channels=4, cells=3, image_channels=1), ALPHAS, count, layout, size=28, channels=1)


def pc_darts_step(count: int, layout: torch.memory_format):
    model = Supernet(edge=lambda index, *arguments: PartialEdge(PRIMITIVES, *arguments))
    return step_of(model, ALPHAS | BETAS, count, layout)


def p_darts_step(count: int, layout: torch.memory_format):
    """The last stage: 17 cells, three operations an edge, all of them equally often."""

    def edge(index: int, *arguments):
        names = [PRIMITIVES[column] for column in sorted((3 * index + k) % 8 for k in range(3))]
        return MixedEdge(names, *arguments, skip_dropout=0.7)

    return step_of(Supernet(cells=17, edge=edge), {"normal": (14, 3), "reduce": (14, 3)}, count, layout)


def gdas_step(count: int, layout: torch.memory_format):
    """One operation an edge, drawn anew in each step."""
    model = Supernet(
        edge=lambda index, *arguments: HardEdge(PRIMITIVES, *arguments), relaxation=gumbel_softmax)
    parameters, flop, run, _ = step_of(model, ALPHAS, count, layout)
    return parameters, flop, run


def nas_bench_201_step(count: int, layout: torch.memory_format):
    return step_of(nasbench201.Supernet(), {"cell": (6, 5)}, count, layout)


def supernet_gradient(count: int, layout: torch.memory_format, *, second: bool = False):
    """The gradient of the loss for the weights; or of its product with a vector for the architecture."""
    model = Supernet().to(memory_format=layout)
    alphas = [(1e-3 * torch.randn(14, 8)).requires_grad_() for _ in range(2)]
    images, labels = batch(count, layout)
    parameters = list(model.parameters())
    vector = [torch.randn_like(parameter) for parameter in parameters]

    def run():
        loss = F.cross_entropy(model(images, alphas), labels)
        gradient = torch.autograd.grad(loss, parameters, create_graph=second)
        if second:
            torch.autograd.grad(gradient, alphas, vector)

    return parameter_count(model), 3 * multiplications(model, images, alphas), run


def evaluation_step(count: int, layout: torch.memory_format):
    model = DiscreteNetwork(DARTS_V2).to(memory_format=layout)
    images, labels = batch(count, layout)
    optimizer = sgd(model.parameters())

    def run():
        optimizer.zero_grad()
        logits, auxiliary = model(images, drop_path=0.2)
        (F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(auxiliary, labels)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()

    return parameter_count(model), 3 * multiplications(model, images), run


def inference(count: int, layout: torch.memory_format):
    model = DiscreteNetwork(DARTS_V2, auxiliary=False).to(memory_format=layout).eval()
    images, _ = batch(count, layout)

    def run():
        with torch.inference_mode():
            model(images)

    return parameter_count(model), multiplications(model, images), run


class Generator(nn.Module):
    """Class-conditional DCGAN for 32×32."""

    def __init__(self, noise: int = 100, embedding: int = 32, channels: int = 32):
        super().__init__()
        self.noise = noise
        self.embedding = nn.Embedding(10, embedding)
        self.width = 4 * channels
        self.project = nn.Linear(noise + embedding, 16 * self.width, bias=False)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(4 * channels), nn.ReLU(),
            nn.ConvTranspose2d(4 * channels, 2 * channels, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * channels), nn.ReLU(),
            nn.ConvTranspose2d(2 * channels, channels, 4, 2, 1, bias=False),
            nn.BatchNorm2d(channels), nn.ReLU(),
            nn.ConvTranspose2d(channels, 3, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, noise, labels):
        x = self.project(torch.cat([noise, self.embedding(labels)], dim=1))
        return self.layers(x.view(-1, self.width, 4, 4))


class Discriminator(nn.Module):
    """A supernet's backbone with a class-conditional score by projection."""

    def __init__(self):
        super().__init__()
        self.backbone = Supernet(head=False)
        self.score = nn.Linear(self.backbone.features, 1)
        self.classes = nn.Embedding(10, self.backbone.features)

    def forward(self, images, alphas, labels):
        features = self.backbone(images, alphas)
        return self.score(features).squeeze(1) + (self.classes(labels) * features).sum(1)


def lfm_step(count: int, layout: torch.memory_format):
    """Algorithm 1's loop once, first order: W1, then G and H from the same point, then W2, then A."""
    w1, w2 = Supernet().to(memory_format=layout), Supernet().to(memory_format=layout)
    generator, discriminator = Generator().to(memory_format=layout), Discriminator().to(memory_format=layout)
    alphas = [(1e-3 * torch.randn(14, 8)).requires_grad_() for _ in range(2)]
    images, labels = batch(count, layout)
    validation, validation_labels = batch(count, layout)
    constants = [alpha.detach() for alpha in alphas]
    optimizers = {"w1": sgd(w1.parameters()), "w2": sgd(w2.parameters())}
    for name, parameters, rate in (
        ("g", generator.parameters(), 2e-4), ("h", discriminator.parameters(), 2e-4), ("a", alphas, 3e-4),
    ):
        decay = 1e-3 if name == "a" else 0
        optimizers[name] = torch.optim.Adam(parameters, rate, betas=(0.5, 0.999), weight_decay=decay)

    def clear(name: str) -> None:
        optimizers[name].zero_grad()

    def clip_and_step(name: str, model: nn.Module) -> None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizers[name].step()

    def run():
        clear("w1")
        F.cross_entropy(w1(images, constants), labels).backward(inputs=list(w1.parameters()))
        clip_and_step("w1", w1)

        # Sums of losses are differentiated term by term: only one term's activations are alive at a time.
        fake = generator(torch.randn(count, generator.noise), labels).contiguous(memory_format=layout)
        of_h = list(discriminator.parameters())
        clear("h")
        F.softplus(-discriminator(images, constants, labels)).mean().backward(inputs=of_h)
        F.softplus(discriminator(fake.detach(), constants, labels)).mean().backward(inputs=of_h)
        clear("g")
        F.softplus(-discriminator(fake, constants, labels)).mean().backward(
            inputs=list(generator.parameters()))
        optimizers["h"].step()
        optimizers["g"].step()

        with torch.no_grad():
            losses = F.cross_entropy(w1(validation, constants), validation_labels, reduction="none")
            sums = torch.zeros(10).index_add_(0, validation_labels, losses)
            counts = torch.bincount(validation_labels, minlength=10).clamp(min=1)
            weights = sums / counts
            synthetic = generator(torch.randn(count, generator.noise), labels).contiguous(memory_format=layout)
        of_w2 = list(w2.parameters())
        clear("w2")
        F.cross_entropy(w2(images, constants), labels).backward(inputs=of_w2)
        generated = F.cross_entropy(w2(synthetic, constants), labels, reduction="none")
        (weights[labels] * generated).mean().backward(inputs=of_w2)
        clip_and_step("w2", w2)

        outer = F.cross_entropy(w2(validation, alphas), validation_labels)
        optimizers["a"].zero_grad()
        outer.backward(inputs=alphas)
        optimizers["a"].step()

    supernet = multiplications(w2, images, constants)
    drawing = multiplications(generator, torch.randn(count, generator.noise), labels)
    # Passes of the supernet: W1 3; H 2·3; G 1 and 1 back to the images; l_c 1; W2 2·3; A 1 and 1 back.
    flop = (3 + 6 + 2 + 1 + 6 + 2) * supernet + (1 + 3 + 1) * drawing
    return sum(parameter_count(model) for model in (w1, w2, generator, discriminator)), flop, run


WORKS: dict[str, tuple[Callable, int]] = {
    "supernet-step": (supernet_step, 64),
    "small-step": (small_step, 32),
    "pc-darts-step": (pc_darts_step, 64),
    "p-darts-step": (p_darts_step, 64),
    "nas-bench-201-step": (nas_bench_201_step, 64),
    "gdas-step": (gdas_step, 64),
    "evaluation-step": (evaluation_step, 96),
    "inference": (inference, 128),
    "lfm-step": (lfm_step, 64),
    "gradient": (supernet_gradient, 16),
    "double-backward": (functools.partial(supernet_gradient, second=True), 16),
}


def main() -> None:
    name, threads, layout = sys.argv[1:4]
    torch.set_num_threads(int(threads))
    if name.startswith("data-"):
        import data

        make, count = getattr(data, name.removeprefix("data-")), sys.argv[4]
    else:
        make, count = WORKS[name]
        count = int(sys.argv[4]) if len(sys.argv) > 4 else count
    parameters, flop, run, *logits = make(
        count, torch.channels_last if layout == "channels_last" else torch.contiguous_format)
    ready = f"PyTorch {torch.__version__}, {layout}, {threads} threads"
    print(json.dumps({"ready": ready, "parameters": parameters, "flop": flop, "logits": sum(logits, [])}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_bytes": peak}), flush=True)


if __name__ == "__main__":
    main()
