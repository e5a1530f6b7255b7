"""One fresh process: measures kernels and prints JSON."""

import argparse
import contextlib
import json
import sys
import time
import warnings

from benchmarks.kernel import Kernel, Size, compare, kernels

ENOUGH = 2e-3
"""Seconds: calls that are shorter are timed several at a time."""
SLOW = 0.15
"""Seconds: calls that are longer are timed less often."""
SLOW_TURNS = 2
"""How often, in one process."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern")
    parser.add_argument("--sizes", choices=["all", "largest", "small"], default="all")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with contextlib.suppress(ImportError):
        import numba  # noqa: F401, which is not to count as compiling
    found = []
    with contextlib.redirect_stdout(sys.stderr):
        for problem, group in kernels(options.pattern).items():
            for kernel in group:
                sizes = {
                    "all": kernel.sizes,
                    "largest": kernel.sizes[-1:],
                    "small": [kernel.small],
                }[options.sizes]
                for size in sizes:
                    sides = measured(kernel, size, options.rounds)
                    row = {"problem": problem, "kernel": kernel.name, "size": size}
                    found.append({**row, "sides": sides})
                    print(f"{time.process_time():6.0f} s  {kernel.name} {size}")
    json.dump(found, sys.stdout)


def measured(kernel: Kernel, size: Size, rounds: int) -> list[dict]:
    """Return the times of each side; all sides take turns."""
    arguments = kernel.arguments(size)
    found, calls, expected = [], [], None
    for side in kernel.sides_at(size):
        state = {"name": side.name, "ours": side.ours, "work": side.work}
        found.append(state)
        try:
            call = side.prepare(*arguments)
            start = time.perf_counter()
            result = call()
            once = first = time.perf_counter() - start
            if expected is None:
                expected = result
            compare(kernel, expected, result)
        except ImportError as missing:
            state["status"] = f"missing: {missing.name or missing}"
            print(f"skipped: {kernel.name}, {side.name}: {missing}")
            continue
        except AssertionError as error:
            state["status"] = "differs"
            print(f"differs: {kernel.name}, {side.name}: {error}")
            continue
        if side.jit or once < SLOW:
            start = time.perf_counter()
            call()
            once = time.perf_counter() - start
        state |= {"status": "ran", "times": []}
        if side.jit:
            state["compile"] = max(first - once, 0.0)
        calls.append((call, once, state["times"]))
    for k in range(rounds):
        for call, once, times in calls:
            if k < SLOW_TURNS or once < SLOW:
                times.append(_turn(call, once))
    return found


def _turn(call, once):
    """Return the seconds of a call: of one that is short, the mean of several."""
    if once < SLOW:
        call()  # not counted: the caches are those of the side before
    repeats = max(1, min(int(ENOUGH / max(once, 1e-9)), 10_000))
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


if __name__ == "__main__":
    main()
