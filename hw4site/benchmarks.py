"""The figures and tables of the benchmarks page.

A ratio is a peer's time divided by ours: above 1, ours is faster.
"""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.ticker import LogLocator
from matplotlib.transforms import blended_transform_factory

from hw4site import figures

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results.json"
THREADS = {"all": "all processors", "one": "one thread"}
SHOWN = 3
"""Number of peers drawn for each kernel: the fastest ones."""
LIMIT = "limit"
"""The work of a side that does only what no method can avoid."""
C = "C loop"
"""The name of the loop that one would write by hand."""
NEAR = 1.3
"""How many times as long as another ours may take to count as equally fast."""
_COLORS = {"numpy": figures.SERIES[0], "numba": figures.SERIES[1]}


class Side(NamedTuple):
    """A line of a figure."""

    name: str
    seconds: float
    engine: str = ""
    is_limit: bool = False


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
        if engine in peer.get("ratios", {}) and peer["work"] != LIMIT
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
    """Return how long each kernel takes at its largest size, by ours and by peers.

    Each side is a line, the fastest first, drawn from the time of our faster engine.
    Of the peers the fastest are drawn.

    Args:
        results: What was measured.
        problem: The stem of its page, as `backpropagation`.
    """
    groups = {_title(row): _sides(row) for row in _largest(results, problem)}
    lines = sum(len(sides) + 1.25 for sides in groups.values())
    figure, ax = figures.subplots(width=3.7, height=0.7 + 0.185 * lines)
    whole_width = blended_transform_factory(figure.transFigure, ax.transData)
    y, names = 0.0, {}
    for title, sides in groups.items():
        heading = ax.text(
            *(0.01, y, title),
            transform=whole_width,
            va="center",
            fontsize=8.5,
            bbox={"facecolor": figures.PAPER, "edgecolor": "none", "pad": 1.0},
        )
        heading.set_in_layout(False)
        unit = min(side.seconds for side in sides if side.engine)
        for side in sides:
            y += 1.0
            names[y] = side
            x, color = side.seconds / unit, _COLORS.get(side.engine, figures.MUTED)
            ax.plot(
                [1.0, x], [y, y], color=color, linewidth=4.0 if side.engine else 1.2
            )
            face = figures.PAPER if side.is_limit else color
            marker = "D" if side.is_limit else "o"
            ax.plot(x, y, marker, color=color, markerfacecolor=face, markersize=4.5)
            # Right of the dot, where no name can be in its way.
            ax.annotate(
                _time(side.seconds),
                (max(x, 1.0), y),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.3,
            )
        y += 1.25
    ratios = [line.get_xdata()[-1] for line in ax.lines]
    ax.set_xscale("log")
    ax.set_xlim(min(0.3, *ratios) / 1.5, 12.0 * max(3.0, *ratios))
    ax.set_ylim(y - 0.6, -1.6)
    for text, side_of, offset in (("← faster", "right", -4), ("slower →", "left", 4)):
        label = ax.annotate(
            text,
            (1.0, -1.0),
            (offset, 0),
            textcoords="offset points",
            ha=side_of,
            va="center",
            color=figures.MUTED,
            fontsize=8.3,
        )
        label.set_in_layout(False)
    ax.set_yticks(list(names), [side.name for side in names.values()])
    for label, side in zip(ax.get_yticklabels(), names.values(), strict=True):
        label.set_color(_COLORS.get(side.engine, figures.INK))
    ax.xaxis.set_major_formatter(lambda ratio, _: f"{ratio:,g}")
    ax.xaxis.set_major_locator(LogLocator(numticks=4))
    ax.minorticks_off()
    ax.axvline(1.0, color=figures.INK, linewidth=1.0, zorder=0)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0, labelsize=8.3)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("time / time of hw4lib's faster engine", fontsize=8.5)
    spoken = " ".join(
        f"{title}: "
        + ", ".join(f"{side.name} {_time(side.seconds)}" for side in sides)
        + "."
        for title, sides in groups.items()
    )
    return figures.to_html(
        figure,
        f"benchmarks-{problem}",
        alt=f"How long hw4lib and its peers take, the fastest first. {spoken}",
    )


def in_words(results: dict[str, Any], problem: str) -> str:
    """Return the largest ratio of a problem as a sentence.

    Not counted are limits, what does other work, and code that is no library's.

    Args:
        results: What was measured.
        problem: The stem of its page.
    """
    return _sentence(max(_comparisons(results, problem), key=_of_ratio))


def behind_in_words(results: dict[str, Any]) -> str:
    """Return the smallest ratio of all as a sentence.

    Args:
        results: What was measured.
    """
    return _sentence(min(_comparisons(results), key=_of_ratio))


def near_in_words(results: dict[str, Any], reference: str) -> str:
    """Return how many kernels are as fast as a reference, and which is the slowest.

    Args:
        results: What was measured.
        reference: What the faster engine is compared with, `LIMIT` or `C`.
    """
    times = [
        (min(row["seconds"].values()) / peer["seconds"], _title(row))
        for problem in dict.fromkeys(row["problem"] for row in _rows(results, "all"))
        for row in _largest(results, problem)
        for peer in row["peers"]
        if peer["status"] == "ran" and reference in (peer["work"], peer["name"])
    ]
    near = sum(factor <= NEAR for factor, _ in times)
    factor, title = max(times, default=(1.0, "none"))
    return (
        f"{near} of {len(times)} kernels take at most {NEAR:g} times as long; "
        f"the slowest, {title}, takes {_ratio(factor)} times as long."
    )


def compile_in_words(results: dict[str, Any]) -> str:
    """Return the seconds that Numba takes to compile a function of ours."""
    seconds = [
        row["compile"]["numba"]
        for row in _rows(results, "one")
        if "numba" in row.get("compile", {})
    ]
    return f"up to {_time(max(seconds))}" if seconds else "some seconds"


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
        # Of the run with one thread, which measures a kernel once and so compiles it.
        own = (measured["one"] or {}).get("compile", {}).get("numba")
        cells.append([f"{_title(row)}; ours takes", *times, _time(own)])
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


def _largest(results: dict[str, Any], problem: str) -> list[dict[str, Any]]:
    """Return each kernel's row of its largest size."""
    rows = _rows(results, "all", problem)
    return list({(row["problem"], row["kernel"]): row for row in rows}.values())


def _sides(row: dict[str, Any]) -> list[Side]:
    """Return our engines, the fastest peers and the limit, the fastest first."""
    ran = [peer for peer in row["peers"] if peer["status"] == "ran"]
    ran.sort(key=lambda peer: float(peer["seconds"]))
    limits = [peer for peer in ran if peer["work"] == LIMIT]
    shown = [peer for peer in ran if peer["work"] != LIMIT][:SHOWN]
    sides = [Side(f"hw4lib, {name}", s, name) for name, s in row["seconds"].items()]
    sides += [Side(peer["name"], peer["seconds"]) for peer in shown]
    sides += [Side(peer["name"], peer["seconds"], is_limit=True) for peer in limits]
    return sorted(sides, key=lambda side: side.seconds)


def _comparisons(
    results: dict[str, Any], problem: str = ""
) -> list[tuple[float, str, str, str]]:
    """Return ratio, engine, peer and kernel of the better engine against libraries."""
    found = []
    for row in _largest(results, problem):
        engine = min(row["seconds"], key=row["seconds"].__getitem__)
        found += [
            (peer["ratios"][engine], engine, peer["name"], _title(row))
            for peer in row["peers"]
            if peer["status"] == "ran"
            and not peer["work"]
            and "NumPy" not in peer["name"]
            and peer["name"] != C
        ]
    return found


def _of_ratio(comparison: tuple[float, str, str, str]) -> float:
    return comparison[0]


def _sentence(comparison: tuple[float, str, str, str]) -> str:
    ratio, engine, peer, kernel = comparison
    seconds = 60.0 / ratio
    if seconds >= 100.0:
        duration = f"{_short(seconds / 60.0, 2)} minutes"
    elif seconds >= 0.1:
        duration = f"{_short(seconds, 2)} s"
    else:
        duration = f"{_short(1e3 * seconds, 2)} ms"
    ours = "hw4lib" + " with Numba" * (engine == "numba")
    library, _, variant = peer.partition(", ")
    theirs = f"{library} ({variant})" if variant else library
    return (
        f"{kernel[0].upper()}{kernel[1:]}: {theirs} takes a minute "
        f"where {ours} takes {duration}."
    )


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


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10.0 else f"{ratio:,.0f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    unit, factor = ("ms", 1e3) if seconds >= 999.5e-6 else ("µs", 1e6)
    if seconds >= 0.9995:
        unit, factor = "s", 1.0
    return f"{_short(factor * seconds, 3)} {unit}"


def _short(number: float, digits: int) -> str:
    """Return a number to so many digits, without an exponent."""
    return f"{float(f'{number:.{digits}g}'):,g}"


def _line(cells: list[str]) -> str:
    first, *rest = map(html.escape, cells)
    if first.endswith("; ours takes"):
        first = f"<strong>{first}</strong>"
    return f"<tr><td>{first}</td>" + "".join(f"<td>{c}</td>" for c in rest) + "</tr>"
