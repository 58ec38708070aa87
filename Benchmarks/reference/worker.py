"""PyTorch's side of a comparison: does a unit of work for each line on standard input, answers with JSON.

    worker.py WORK THREADS channels_last|default [BATCH]
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Callable

import torch
import torch.nn.functional as F

from darts import DARTS_V2, DiscreteNetwork, Supernet, parameter_count


def batch(count: int, layout: torch.memory_format):
    images = torch.randn(count, 3, 32, 32).contiguous(memory_format=layout)
    return images, torch.randint(0, 10, (count,))


def sgd(parameters) -> torch.optim.SGD:
    return torch.optim.SGD(parameters, 0.025, momentum=0.9, weight_decay=3e-4)


def supernet_step(count: int, layout: torch.memory_format):
    model = Supernet().to(memory_format=layout)
    alphas = [(1e-3 * torch.randn(14, 8)).requires_grad_() for _ in range(2)]
    images, labels = batch(count, layout)
    optimizer = sgd(model.parameters())

    def run():
        optimizer.zero_grad()
        F.cross_entropy(model(images, alphas), labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()

    return parameter_count(model), run


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

    return parameter_count(model), run


def inference(count: int, layout: torch.memory_format):
    model = DiscreteNetwork(DARTS_V2, auxiliary=False).to(memory_format=layout).eval()
    images, _ = batch(count, layout)

    def run():
        with torch.inference_mode():
            model(images)

    return parameter_count(model), run


WORKS: dict[str, tuple[Callable, int]] = {
    "supernet-step": (supernet_step, 64),
    "supernet-memory": (supernet_step, 64),
    "evaluation-step": (evaluation_step, 96),
    "inference": (inference, 128),
}


def main() -> None:
    name, threads, layout = sys.argv[1:4]
    torch.set_num_threads(int(threads))
    make, count = WORKS[name]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else count
    parameters, run = make(count, torch.channels_last if layout == "channels_last" else torch.contiguous_format)
    print(json.dumps({"ready": f"PyTorch {torch.__version__}, {layout}", "parameters": parameters}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "peak_bytes": peak}), flush=True)


if __name__ == "__main__":
    main()
