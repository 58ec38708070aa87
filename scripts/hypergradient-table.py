"""Prints what scripts/compare-hypergradients has measured as a table: the mean over seeds ± the standard deviation."""

import csv
import re
import statistics
import sys
from pathlib import Path

METHODS = ("off", "first-order", "finite-difference", "exact")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def measured(run: Path) -> dict[str, float]:
    epochs, steps = rows(run / "search/epochs.csv"), rows(run / "search/metrics.csv")
    result = (run / "evaluation/result.yaml").read_text()
    return {
        "validation": 100 * max(float(row["validation_accuracy"]) for row in epochs),
        "test": 100 * float(re.search(r"^test_error: (\S+)", result, re.MULTILINE)[1]),
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
    print("| | validation accuracy, % | test error, % | test error less that of `off`, by seed | search, s | memory, GB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method, runs in found.items():
        column = {name: [run[name] for run in runs.values()] for name in ("validation", "test", "seconds", "memory")}
        pairs = ", ".join(f"{run['test'] - found['off'][seed]['test']:+.2f}" for seed, run in runs.items())
        print(f"| `{method}` | {spread(column['validation'], 2)} | {spread(column['test'], 2)} | "
              f"{'–' if method == 'off' else pairs} | {spread(column['seconds'], 0)} | {spread(column['memory'], 2)} |")


if __name__ == "__main__":
    main()
