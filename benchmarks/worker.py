"""One fresh process: measures kernels, or the memory they take, and prints JSON."""

import argparse
import contextlib
import gc
import json
import os
import re
import statistics
import sys
import time
import warnings
from pathlib import Path

# On one processor, processor time: what others run at the same time matters less.
CLOCKS = {True: time.process_time, False: time.perf_counter}
ENOUGH = 2e-3
"""Seconds: calls that are shorter are timed several at a time."""
SLOW = 0.15
"""Seconds: calls that are longer are timed less often in one process."""
SLOW_TURNS = 3
"""How often: nine times in the three processes of a run."""


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--largest", action="store_true")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    from benchmarks.kernel import kernels

    warnings.simplefilter("ignore")
    found = []
    with contextlib.redirect_stdout(sys.stderr):
        for kernel in kernels(options.pattern):
            last = kernel.sizes[-1:]
            for size in last if options.memory or options.largest else kernel.sizes:
                if options.memory:
                    sides = _memory(kernel, size)
                else:
                    clock = CLOCKS[options.threads == 1]
                    sides = _times(kernel, size, options.rounds, clock)
                found.append({"kernel": kernel.name, "size": size, "sides": sides})
                print(f"{time.process_time():6.0f} s  {kernel.name} {size}", flush=True)
    json.dump(found, sys.stdout)


def _prepared(kernel, size, clock=time.perf_counter):
    """Yield each side with its call and first result; say what is missing or wrong."""
    from benchmarks.kernel import compare

    arguments = kernel.arguments(size)
    ours = None
    for side in kernel.sides_at(size):
        try:
            call = side.prepare(*arguments)
            start = clock()
            result = call()
            first = clock() - start
        except ImportError:
            yield side, None, {"status": "missing"}
            continue
        if ours is None:
            ours = result
        elif side.agrees:
            try:
                compare(kernel, ours, result)
            except AssertionError as error:
                yield side, None, {"status": "differs", "how": str(error)}
                continue
        yield side, call, {"status": "ran", "first": first}


def _times(kernel, size, rounds, clock):
    found, calls = {}, {}
    for side, call, state in _prepared(kernel, size, clock):
        found[side.name] = state
        if call is not None:
            once = state["first"]
            if side.jit or once < SLOW:
                start = clock()
                call()
                once = clock() - start
            repeats = max(1, min(int(ENOUGH / max(once, 1e-9)), 10_000))
            calls[side.name] = call, repeats
            state["times"], state["slow"] = [], once > SLOW
    gc.collect()
    gc.disable()
    for k in range(rounds):
        for name, (call, repeats) in calls.items():
            slow = found[name]["slow"]
            skip = k >= SLOW_TURNS and slow
            if not slow:
                call()  # not counted: the caches are those of the side before
            found[name]["times"].append(None if skip else _turn(call, repeats, clock))
    gc.enable()
    for state in found.values():
        if "times" in state:
            ran = [t for t in state["times"] if t is not None]
            state["compile"] = max(state["first"] - statistics.median(ran), 0.0)
    return found


def _turn(call, repeats, clock):
    """Return the seconds of a call, the mean of so many."""
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def _memory(kernel, size):
    """Return the bytes beyond the inputs that a call needs at its peak."""
    found = {}
    for side, call, state in _prepared(kernel, size):
        found[side.name] = state
        if call is not None:
            gc.collect()
            _trim()
            try:
                Path("/proc/self/clear_refs").write_text("5")
                before = _status("VmRSS")
                result = call()
                state["peak"] = max(_status("VmHWM") - before, 0)
                del result
            except OSError:  # not Linux
                state["peak"] = None
    return found


def _status(name):
    text = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", text)[1])


def _trim():
    import ctypes

    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


if __name__ == "__main__":
    main()
