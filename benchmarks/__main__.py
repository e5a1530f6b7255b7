"""Run the benchmarks as a user would call them: ordinary processes, sides in turn.

Writes `benchmarks/results.json`, from which the page of the site is made.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")
PEERS = (
    *("numpy", "scipy", "scikit-learn", "torch", "torch-geometric", "jax", "numba"),
    *("river", "foolbox"),
)
ONE_THREAD = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")},
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}
"""What a user sets who wants one thread."""


def work(pattern: str, settings: dict[str, str], *options: str) -> list[dict]:
    """Return what a fresh process measures, which finds no compiled loops."""
    with tempfile.TemporaryDirectory() as cache:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", pattern, *options],
            env={**os.environ, **settings, "NUMBA_CACHE_DIR": cache},
            cwd=RESULTS.parents[1],
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(run.stdout)


def joined(runs: list[list[dict]]) -> list[dict]:
    """Return a row for each kernel and size: of each side, the fastest turn."""
    rows = []
    for entries in zip(*runs, strict=True):
        states = list(zip(*(entry["sides"] for entry in entries), strict=True))
        ours = {s[0]["name"]: s for s in states if s[0]["ours"] and _ran(s)}
        row = {key: entries[0][key] for key in ("problem", "kernel", "size")}
        row["seconds"] = {name: _rounded(_seconds(side)) for name, side in ours.items()}
        compiled = {name: _compile(side) for name, side in ours.items()}
        row["compile"] = {name: s for name, s in compiled.items() if s is not None}
        row["peers"] = [_peer(side, ours) for side in states if not side[0]["ours"]]
        rows.append(row)
    return rows


def _ran(side: tuple[dict, ...]) -> bool:
    return all(state["status"] == "ran" for state in side)


def _seconds(side: tuple[dict, ...]) -> float:
    """Return the least time, because other programs only ever make it longer."""
    return min(t for state in side for t in state["times"])


def _peer(side: tuple[dict, ...], ours: dict[str, tuple[dict, ...]]) -> dict:
    """Return what a peer took over what each of our engines took."""
    peer = {key: side[0][key] for key in ("name", "work", "status")}
    if _ran(side):
        peer["seconds"] = _rounded(_seconds(side))
        peer["ratios"], peer["spread"] = {}, {}
        for engine, own in ours.items():
            each = [
                _seconds((theirs,)) / _seconds((mine,))
                for theirs, mine in zip(side, own, strict=True)
            ]
            peer["ratios"][engine] = _rounded(_seconds(side) / _seconds(own))
            peer["spread"][engine] = _rounded(max(each) / min(each))
        if (seconds := _compile(side)) is not None:
            peer["compile"] = seconds
    return peer


def _compile(side: tuple[dict, ...]) -> float | None:
    seconds = [state["compile"] for state in side if "compile" in state]
    return _rounded(min(seconds)) if seconds else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


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
        "processors": os.cpu_count(),
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
    """Measure with all processors and with one thread, and write the results."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--only", default="*", help="a module or kernel, as `noisy*`")
    parser.add_argument("--processes", type=int, default=3, help="how many of each")
    parser.add_argument("--quick", action="store_true", help="once, at small sizes")
    options = parser.parse_args()
    quick = ("--sizes", "small", "--rounds", "1") if options.quick else ()
    processes = 1 if options.quick else options.processes
    results = {"machine": machine(), "processes": processes, "threads": {}}
    loads = []
    for threads, settings, sizes in (
        ("all", {}, "all"),
        ("one", ONE_THREAD, "largest"),
    ):
        runs = []
        for k in range(processes):
            print(f"threads: {threads}, process {k + 1} of {processes}", flush=True)
            runs.append(work(options.only, settings, *(quick or ("--sizes", sizes))))
            loads.append(os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0)
        results["threads"][threads] = joined(runs)
    results["load"] = max(loads)
    if options.only == "*" and not options.quick:
        # A line for each row: whoever compares two versions sees what changed.
        text = json.dumps(results).replace('{"problem"', '\n{"problem"')
        RESULTS.write_text(text + "\n", encoding="utf-8")
    print(as_text(results))


def as_text(results: dict) -> str:
    """Return the ratios as plain text."""
    lines = []
    for threads, rows in results["threads"].items():
        lines.append(f"--- threads: {threads}; how many times our time a peer takes")
        for row in rows:
            ours = [f"{name} {1e3 * s:.3g} ms" for name, s in row["seconds"].items()]
            lines.append(f"{row['kernel']} {row['size']}: {', '.join(ours)}")
            for peer in row["peers"]:
                ratios = peer.get("ratios", {})
                shown = [f"{r:10.2f} ({name})" for name, r in ratios.items()]
                text = "".join(shown) or f"  {peer['status']}"
                lines.append(f"  {peer['name']:<36}{text}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
