"""The figures and tables of the page of benchmarks, of what was measured.

A ratio is how many times our time a peer takes: above 1, ours is faster.
"""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.ticker import LogLocator
from matplotlib.transforms import blended_transform_factory

from hw4site import figures

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results.json"
THREADS = {"all": "all processors", "one": "one thread"}
SHOWN = 3
"""Of each kernel's peers so many are drawn: the fastest."""
_COLORS = {"numpy": figures.SERIES[0], "numba": figures.SERIES[1]}


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Return what was measured, as `python -m benchmarks` has written it."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def counts(results: dict[str, Any], engine: str = "numpy") -> tuple[int, int]:
    """Return how many comparisons ours wins with all processors, and of how many."""
    ratios = [
        peer["ratios"][engine]
        for row in _rows(results, "all")
        for peer in row["peers"]
        if engine in peer.get("ratios", {})
    ]
    return sum(ratio > 1.0 for ratio in ratios), len(ratios)


def spread(results: dict[str, Any]) -> float:
    """Return the median over comparisons of the largest over the smallest ratio."""
    spreads = sorted(
        value
        for row in _rows(results, "all")
        for peer in row["peers"]
        for value in peer.get("spread", {}).values()
    )
    return float(spreads[len(spreads) // 2])


def to_figure(results: dict[str, Any], problem: str) -> str:
    """Return the fastest peers of each kernel, at its largest size, as bars.

    Args:
        results: What was measured.
        problem: The stem of its page, as `backpropagation`.
    """
    largest = {row["kernel"]: row for row in _rows(results, "all", problem)}
    lines: list[tuple[str, dict[str, float]]] = []
    for row in largest.values():
        ran = [peer for peer in row["peers"] if peer["status"] == "ran"]
        ran.sort(key=lambda peer: float(peer["seconds"]))
        lines.append((_title(row), {}))
        lines += [(peer["name"], peer["ratios"]) for peer in ran[:SHOWN]]
    tall = [1.4 if len(ratios) > 1 else 1.0 for _, ratios in lines]
    middles = [sum(tall[:k]) + tall[k] / 2.0 for k in range(len(tall))]
    figure, ax = figures.subplots(width=3.7, height=0.7 + 0.18 * sum(tall))
    whole_width = blended_transform_factory(figure.transFigure, ax.transData)
    for y, (name, ratios) in zip(middles, lines, strict=True):
        if not ratios:
            title = ax.text(
                *(0.01, y, name),
                transform=whole_width,
                va="center",
                fontsize=8.5,
                bbox={"facecolor": figures.PAPER, "edgecolor": "none", "pad": 1.0},
            )
            title.set_in_layout(False)
        height = 0.8 if len(ratios) < 2 else 0.6
        for k, (engine, ratio) in enumerate(ratios.items()):
            middle = y + height * (k - (len(ratios) - 1) / 2)
            ax.barh(middle, ratio - 1.0, 0.9 * height, left=1.0, color=_COLORS[engine])
            # Right of the bar, where no name of a peer can be in its way.
            ax.annotate(
                f"{_ratio(ratio)} {engine}" if len(ratios) > 1 else _ratio(ratio),
                (max(ratio, 1.0), middle),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8 if len(ratios) == 1 else 7,
            )
    drawn = [ratio for _, ratios in lines for ratio in ratios.values()]
    ax.set_xscale("log")
    ax.set_xlim(min(0.3, *drawn) / 1.5, 8.0 * max(3.0, *drawn))
    ax.set_ylim(sum(tall) + 0.2, -1.2)
    for text, side, x in (
        ("← peer faster", "right", 0.9),
        ("hw4lib faster →", "left", 1.1),
    ):
        label = ax.text(
            x, -0.6, text, ha=side, va="center", color=figures.MUTED, fontsize=8
        )
        label.set_in_layout(False)
    ax.set_yticks(
        [y for y, (_, ratios) in zip(middles, lines, strict=True) if ratios],
        [name for name, ratios in lines if ratios],
    )
    ax.xaxis.set_major_formatter(lambda ratio, _: f"{ratio:,g}")
    ax.xaxis.set_major_locator(LogLocator(numticks=6))
    ax.minorticks_off()
    ax.axvline(1.0, color=figures.INK, linewidth=1.0)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("time of the peer / time of hw4lib", fontsize=8.5)
    spoken = ". ".join(
        f"{name}, {' and '.join(_spoken(ratios))}" if ratios else f"{name}"
        for name, ratios in lines
    )
    return figures.to_html(
        figure,
        f"benchmarks-{problem}",
        alt=f"How many times the time of hw4lib its peers take. {spoken}.",
    )


def to_table(results: dict[str, Any], problem: str) -> str:
    """Return all comparisons of a problem as a table.

    Args:
        results: What was measured.
        problem: The stem of its page.
    """
    rows = list(_rows(results, "all", problem))
    single = {_key(row): row for row in _rows(results, "one", problem)}
    engines = list(dict.fromkeys(name for row in rows for name in row["seconds"]))
    columns = [(threads, engine) for threads in THREADS for engine in engines]
    named = [
        THREADS[threads].capitalize() + (f", {engine}" if len(engines) > 1 else "")
        for threads, engine in columns
    ]
    cells = [["", *named, "Compiles"]]
    for row in rows:
        measured = {"all": row, "one": single.get(_key(row))}
        times = [
            _time(measured[threads]["seconds"].get(engine))  # type: ignore[index]
            if measured[threads]
            else ""
            for threads, engine in columns
        ]
        cells.append([f"{_title(row)}; ours takes", *times, ""])
        for k, peer in enumerate(row["peers"]):
            found = {
                threads: each["peers"][k] for threads, each in measured.items() if each
            }
            ratios = [
                found.get(threads, {}).get("ratios", {}).get(engine)
                for threads, engine in columns
            ]
            shown = ["" if ratio is None else _ratio(ratio) for ratio in ratios]
            if peer["status"] != "ran":
                shown[0] = peer["status"].split(":")[0]
            work = f" ({peer['work']})" if peer["work"] else ""
            seconds = peer.get("compile")
            cells.append([peer["name"] + work, *shown, _time(seconds)])
    head, *body = cells
    heading = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join(_line(line) for line in body)
    return (
        f'<div class="hw4-figure md-typeset__scrollwrap" id="figure-table-{problem}" '
        f'tabindex="0"><div class="md-typeset__table"><table class="hw4-benchmarks">'
        f"<thead><tr>{heading}</tr></thead><tbody>{lines}</tbody></table></div></div>"
    )


def _rows(
    results: dict[str, Any], threads: str, problem: str = ""
) -> Iterator[dict[str, Any]]:
    for row in results["threads"][threads]:
        if problem in ("", row["problem"]):
            yield row


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["kernel"], *row["size"].values()


def _title(row: dict[str, Any]) -> str:
    """Return a kernel's name with its size, as far as the name does not tell it."""
    sizes = [
        f"{letter} = {n:,}"
        for letter, n in row["size"].items()
        if f"{letter} = " not in row["kernel"] and n > 1
    ]
    return ", ".join([row["kernel"], *sizes])


def _spoken(ratios: dict[str, float]) -> list[str]:
    several = len(ratios) > 1
    return [
        _ratio(ratio) + (f" with {engine}" if several else "")
        for engine, ratio in ratios.items()
    ]


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10.0 else f"{ratio:,.0f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    unit, factor = ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
    if seconds >= 1.0:
        unit, factor = "s", 1.0
    return f"{factor * seconds:.3g} {unit}"


def _line(cells: list[str]) -> str:
    first, *rest = map(html.escape, cells)
    if first.endswith("; ours takes"):
        first = f"<strong>{first}</strong>"
    return f"<tr><td>{first}</td>" + "".join(f"<td>{c}</td>" for c in rest) + "</tr>"
