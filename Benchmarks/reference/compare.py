"""Drives the two workers in turn on the same cores, and reports medians, ratios and fractions of SGEMM's rate."""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SGEMM_FLOP = 8 * 2 * 2048**3


class Worker:
    """A process that does a unit of work for each line it is sent."""

    def __init__(self, command: list[str], cores: set[int] | None = None):
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=cores and (lambda: os.sched_setaffinity(0, cores)))
        self.hello = self.read()

    def read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"a worker ended early: {' '.join(self.process.args)}")
        return json.loads(line)

    def step(self) -> dict:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def errata(work: str, threads: int, batch: int | None = None) -> Worker:
    command = [str(ROOT / ".build/release/benchmark-worker"), work, str(threads)]
    return Worker(command + ([str(batch)] if batch else []))


def pytorch(work: str, threads: int, layout: str) -> Worker:
    return Worker([sys.executable, str(ROOT / "Benchmarks/reference/worker.py"), work, str(threads), layout])


def alternate(workers: list[Worker], warmup: int, repetitions: int) -> list[list[dict]]:
    for _ in range(warmup):
        for worker in workers:
            worker.step()
    results = [[] for _ in workers]
    for _ in range(repetitions):
        for worker, result in zip(workers, results):
            result.append(worker.step())
    return results


def seconds(results: list[dict]) -> float:
    return statistics.median(result["seconds"] for result in results)


def compare_logits(ours: list[float], theirs: list[float]) -> None:
    """Where both sides begin with the same weights, they have to say the same."""
    if not ours and not theirs:
        return
    if len(ours) != len(theirs):
        sys.exit(f"the networks differ: {len(ours)} and {len(theirs)} logits")
    largest = max(map(abs, theirs))
    difference = max(abs(one - other) for one, other in zip(ours, theirs)) / largest
    if not difference < 1e-3:
        sys.exit(f"the networks differ: logits up to {largest:.3g}, off by {difference:.1e} of that")
    print(f"the same weights give the same logits, within {difference:.1e} of the largest")


def hypergradient(arguments: argparse.Namespace) -> None:
    """A step of learning from mistakes by its hypergradient, one worker after the other: some need most of 24 GB."""

    def measure(worker: Worker) -> tuple[float, float]:
        results = alternate([worker], arguments.warmup, arguments.repetitions)[0]
        worker.close()
        return seconds(results), results[-1]["peak_bytes"] / 1e9

    threads, batch = arguments.threads, arguments.batch or 64
    step, memory = measure(errata("lfm-step", threads, batch))
    composed, composed_memory = measure(errata("lfm-step-composed", threads, batch))
    print(f"hypergradient: first-order step at batch {batch}: {step:.2f} s, {memory:.2f} GB; without fused operations "
          f"{composed:.2f} s, {composed_memory:.2f} GB")
    for work in ("exact", "finite-difference"):
        time, memory = measure(errata(f"lfm-{work}", threads, batch))
        print(f"hypergradient: {work} {time:.2f} s, {memory:.2f} GB: ratio to the first-order step {time / step:.2f}, "
              f"to the one without fused operations {time / composed:.2f}")
    for name, worker in (("errata", errata), ("pytorch", lambda *words: pytorch(*words, "channels_last"))):
        gradient, _ = measure(worker("gradient", threads))
        double, memory = measure(worker("double-backward", threads))
        print(f"hypergradient: {name}'s double backward of the supernet at batch 16: {double:.2f} s, {memory:.2f} GB, "
              f"{double / gradient:.2f} times its gradient")


def drawn_cifar() -> Path:
    """A folder as CIFAR-10's binary archive unpacks to, of random pixels: what loading takes does not depend on them."""
    folder = ROOT / ".build/benchmark-data/cifar-10-batches-bin"
    if not (folder / "batches.meta.txt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        draw = random.Random(1)
        for name in [*(f"data_batch_{index}" for index in range(1, 6)), "test_batch"]:
            records = (bytes([draw.randrange(10)]) + draw.randbytes(3072) for _ in range(10_000))
            (folder / f"{name}.bin").write_bytes(b"".join(records))
        (folder / "batches.meta.txt").write_text("".join(f"class {index}\n" for index in range(10)))
    return folder


def loading(arguments: argparse.Namespace) -> None:
    """Batches of augmented images, on one core."""
    if arguments.work == "data-imagenet" and not arguments.folder:
        sys.exit("data-imagenet needs --folder: one with a folder for each class, of JPEG photographs")
    folder = str(Path(arguments.folder).resolve() if arguments.folder else drawn_cifar())
    core = {min(os.sched_getaffinity(0))}
    sides = [
        Worker([str(ROOT / ".build/release/benchmark-worker"), arguments.work, "1", folder], core),
        Worker([sys.executable, str(ROOT / "Benchmarks/reference/worker.py"), arguments.work, "1", "default", folder],
               core)]
    images = sides[0].hello["parameters"]
    results = alternate(sides, arguments.warmup, arguments.repetitions)
    for side in sides:
        side.close()
    ours, theirs = (images / seconds(result) for result in results)
    print(f"{arguments.work}: errata {ours:,.0f} images/s, pytorch {theirs:,.0f} images/s on one core, "
          f"ratio {ours / theirs:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="Benchmarks/compare", description=__doc__)
    parser.add_argument("work", choices=(
        "supernet-step", "small-step", "pc-darts-step", "p-darts-step", "nas-bench-201-step", "gdas-step", "lfm-step",
        "evaluation-step", "inference", "threads", "hypergradient", "data-cifar", "data-imagenet"))
    parser.add_argument("--batch", type=int, help="of the hypergradient; 64 by default")
    parser.add_argument("--folder", help="of the images of data-cifar, which are drawn by default, or of data-imagenet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=2)
    arguments = parser.parse_args()
    work, threads = arguments.work, arguments.threads
    if work == "hypergradient":
        hypergradient(arguments)
        return
    if work.startswith("data-"):
        loading(arguments)
        return

    if work == "gdas-step":
        workers = [errata("gdas-step", threads), errata("supernet-step", threads)]
        gdas, softmax = (seconds(result) for result in alternate(workers, arguments.warmup, arguments.repetitions))
        for worker in workers:
            worker.close()
        print(f"gdas-step: {gdas:.3f} s, the softmax step {softmax:.3f} s, ratio {softmax / gdas:.2f}")
        return

    if work == "threads":
        workers = [errata("supernet-step", 1), errata("supernet-step", threads)]
        one, more = (seconds(result) for result in alternate(workers, arguments.warmup, arguments.repetitions))
        for worker in workers:
            worker.close()
        print(f"threads: 1 thread {one:.3f} s, {threads} threads {more:.3f} s, ratio {one / more:.2f}")
        return

    gemm = errata("sgemm", threads)
    sides = [errata(work, threads), pytorch(work, threads, "channels_last")]
    ours, theirs = (side.hello["parameters"] for side in sides)
    if ours != theirs:
        sys.exit(f"the networks differ: {ours} and {theirs} parameters")
    compare_logits(*(side.hello["logits"] for side in sides))
    for side in sides:
        print(side.hello["ready"])
    results = alternate(sides, arguments.warmup, arguments.repetitions)
    rate = SGEMM_FLOP / seconds(alternate([gemm], 1, 5)[0])
    flop = sides[1].hello["flop"]
    for side in [gemm, *sides]:
        side.close()
    print(f"SGEMM on {threads} threads: {rate / 1e9:.0f} GFLOP/s; the work: {flop / 1e9:.0f} GFLOP, "
          f"at SGEMM's rate {flop / rate:.3f} s")
    ours, theirs = (result[-1]["peak_bytes"] for result in results)
    print(f"{work}: errata {ours / 1e9:.2f} GB, pytorch {theirs / 1e9:.2f} GB, ratio {theirs / ours:.2f}")
    times = [seconds(result) for result in results]
    if work == "supernet-step":
        # After the others have gone: three at once do not fit in 24 GB.
        side = pytorch(work, threads, "default")
        default = seconds(alternate([side], 1, 3)[0])
        side.close()
        print(f"against PyTorch's default layout: {default:.3f} s, ratio {default / times[0]:.2f}")
    print(f"{work}: errata {times[0]:.3f} s, pytorch {times[1]:.3f} s, ratio {times[1] / times[0]:.2f}, "
          f"of SGEMM peak {100 * flop / rate / times[0]:.0f} %")


if __name__ == "__main__":
    main()
