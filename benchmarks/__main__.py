"""Run the benchmarks: fresh processes, sides interleaved, ratios and their medians.

Writes `benchmarks/results.json`, from which the page of the site is made.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np

from benchmarks.kernel import Kernel, kernels

RESULTS = Path(__file__).with_name("results.json")
PEERS = (
    *("numpy", "scipy", "scikit-learn", "torch", "torch-geometric", "jax", "numba"),
    *("river", "foolbox"),
)

# Memory that is given back and asked for again decides many comparisons otherwise.
ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_MMAP_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**28),
}


def environment(threads: int, *, trimming: bool = False) -> dict[str, str]:
    """Return the environment of a process that may use so many threads."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": str(threads) for name in names},
        **({} if trimming else ALLOCATOR),
    }


def work(pattern: str, threads: int, *options: str) -> list[dict]:
    """Return what a fresh process measures."""
    command = [sys.executable, "-m", "benchmarks.worker", pattern, *options]
    run = subprocess.run(
        [*command, "--threads", str(threads)],
        env=environment(threads, trimming="--memory" in options),
        cwd=RESULTS.parents[1],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(run.stdout)


def joined(runs: list[list[dict]], memory: list[dict], found: list[Kernel]) -> list:
    """Return a row for each kernel and size, from all processes."""
    peaks = {entry["kernel"]: entry["sides"] for entry in memory}
    rows = []
    for entries in zip(*runs, strict=True):
        name, size = entries[0]["kernel"], entries[0]["size"]
        kernel = next(k for k in found if k.name == name)
        last = size == kernel.sizes[-1]
        sides = []
        for side in kernel.sides_at(size):
            states = [entry["sides"][side.name] for entry in entries]
            floor = side.floors.get(next(iter(size.values())))
            row = {"name": side.name, "kind": side.kind, "work": side.work}
            row["floor"] = side.floor if floor is None and last else floor
            row["status"] = next(
                (s["status"] for s in states if s["status"] != "ran"), "ran"
            )
            if row["status"] == "ran":
                times = [t for s in states for t in s["times"] if t is not None]
                row["seconds"] = statistics.median(times)
                row["samples"] = len(times)
                ratios = [_ratio(e["sides"], side.name) for e in entries]
                row["ratio"] = statistics.median(ratios)
                row["spread"] = [min(ratios), max(ratios)]
                if side.jit:
                    row["compile"] = statistics.median(s["compile"] for s in states)
            if last and side.kind != "limit":
                row["peak"] = peaks.get(name, {}).get(side.name, {}).get("peak")
            sides.append(row)
        rows.append({"kernel": name, "size": size, "sides": sides})
    return rows


def _ratio(sides: dict, name: str) -> float:
    """Return the median over rounds of a side's time over ours, in one process."""
    pairs = zip(sides[name]["times"], sides["hw4lib"]["times"], strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs if theirs and ours)


def growth(rows: list, found: list[Kernel]) -> dict[str, dict]:
    """Return the exponent of our time over the last three sizes, and theory's."""
    exponents = {}
    for kernel in found:
        mine = [row for row in rows if row["kernel"] == kernel.name][-3:]
        if len(mine) == 3:
            sizes = [next(iter(row["size"].values())) for row in mine]
            times = [row["sides"][0]["seconds"] for row in mine]
            slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
            exponents[kernel.name] = {
                "measured": float(slope),
                "expected": kernel.exponent,
            }
    return exponents


def import_ratio(repeats: int = 15) -> float:
    """Return the time of `import numpy, hw4lib` over that of `import numpy`.

    Both in the same process, of which there are several: from one process to the next
    NumPy alone differs by more than the library takes.
    """
    code = """
from time import perf_counter
start = perf_counter()
import numpy
between = perf_counter()
import hw4lib
print((perf_counter() - start) / (between - start))
"""
    command = [sys.executable, "-c", code]
    runs = [subprocess.check_output(command, text=True) for _ in range(repeats)]
    return statistics.median(map(float, runs))


def machine() -> dict[str, object]:
    """Return what was measured on, and with which versions."""
    versions = {}
    for name in PEERS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        line.split(":")[1].strip() for line in lines if line.startswith("model name")
    )


def main() -> None:
    """Measure with one thread and with all, and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--only", default="*", help="a module or kernel, as `noisy*`")
    parser.add_argument("--processes", type=int, default=3)
    options = parser.parse_args()
    found = kernels(options.only)
    threads = len(os.sched_getaffinity(0))
    memory = work(options.only, 1, "--memory")
    tables = {}
    for count in sorted({1, threads}):
        runs = []
        for k in range(options.processes):
            print(
                f"{count} threads: process {k + 1} of {options.processes}", flush=True
            )
            runs.append(work(options.only, count, *["--largest"] * (count > 1)))
        rows = joined(runs, memory if count == 1 else [], found)
        tables[str(count)] = {"rows": rows, "growth": growth(rows, found)}
    results = {
        "machine": machine(),
        "processes": options.processes,
        "import": import_ratio(),
        "tables": tables,
    }
    if options.only == "*":
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if importlib.util.find_spec("hw4site.benchmarks"):
        from hw4site.benchmarks import to_text

        print(to_text(results))


if __name__ == "__main__":
    main()
