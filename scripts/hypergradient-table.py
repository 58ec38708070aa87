"""Prints what scripts/compare-hypergradients has measured as a table: the mean over seeds ± the standard deviation."""

import csv
import statistics
import sys
from pathlib import Path

METHODS = ("bilevel", "first-order", "finite-difference", "exact")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def measured(run: Path) -> dict[str, float]:
    epochs, steps = rows(run / "search/epochs.csv"), rows(run / "search/metrics.csv")
    tests = rows(run / "evaluation/epochs.csv")
    return {
        "validation": 100 * max(float(row["validation_accuracy"]) for row in epochs),
        "test": 100 * float(tests[-1]["test_error"]),
        "seconds": float(epochs[-1]["seconds"]),
        "memory": max(float(row["peak_memory_bytes"]) for row in steps) / 1e9,
    }


def spread(values: list[float], digits: int) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0
    return f"{statistics.mean(values):.{digits}f} ± {deviation:.{digits}f}"


def main() -> None:
    directory = Path(sys.argv[1])
    found = {
        method: {run.name.rsplit("-", 1)[1]: measured(run) for run in sorted(directory.glob(f"{method}-[0-9]*"))
                 if run.is_dir()}
        for method in METHODS
    }
    print("| | validation accuracy, % | test error, % | test error less that of `bilevel`, by seed | search, s | memory, GB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method, runs in found.items():
        column = {name: [run[name] for run in runs.values()] for name in ("validation", "test", "seconds", "memory")}
        pairs = ", ".join(f"{run['test'] - found['bilevel'][seed]['test']:+.2f}" for seed, run in runs.items())
        print(f"| `{method}` | {spread(column['validation'], 2)} | {spread(column['test'], 2)} | "
              f"{'–' if method == 'bilevel' else pairs} | {spread(column['seconds'], 0)} | {spread(column['memory'], 2)} |")


if __name__ == "__main__":
    main()
