"""The tables of the page of benchmarks, from what `make benchmark` has measured."""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results.json"

HEADINGS = (
    *("Kernel and peer", "Time over ours", "Ours over limit"),
    *("Floor", "Peak memory", "Compile"),
)


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Return what was measured, as `python -m benchmarks` has written it."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def to_html(results: dict[str, Any], threads: int, name: str) -> str:
    """Return the table of one number of threads.

    Args:
        results: What was measured.
        threads: Number of threads.
        name: Unique among the tables of the site; `#figure-name` links to it.
    """
    if str(threads) not in results["tables"]:
        return '<p class="hw4-figure">Not measured.</p>'
    head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    body = "".join(_html_row(row) for row in _rows(results, threads))
    return (
        f'<div class="hw4-figure md-typeset__scrollwrap" id="figure-{name}" '
        f'tabindex="0"><div class="md-typeset__table"><table class="hw4-benchmarks">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>"
    )


def to_text(results: dict[str, Any]) -> str:
    """Return all tables as plain text."""
    lines = []
    for threads in results["tables"]:
        table = [HEADINGS, *_rows(results, int(threads))]
        first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
        lines.append(f"--- threads: {threads}")
        for name, *cells in table:
            row = zip(cells, others, strict=True)
            lines.append(f"{name:<{first}}" + "".join(f"  {c:>{w}}" for c, w in row))
    lines.append(f"import hw4lib over import numpy: {results['import']:.2f}")
    return "\n".join(lines)


def compared(results: dict[str, Any]) -> int:
    """Return the number of comparisons with a peer, with one thread."""
    return len(list(_peers(results)))


def behind(results: dict[str, Any]) -> list[str]:
    """Return the peers that are faster than we are with one thread."""
    return [
        f"{side['name']} ({_title(row)})"
        for row, side in _peers(results)
        if side["ratio"] < 1.0
    ]


def _peers(
    results: dict[str, Any],
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for row in _table(results, 1)["rows"]:
        for side in row["sides"]:
            if side["kind"] == "peer" and side["status"] == "ran":
                yield row, side


def _table(results: dict[str, Any], threads: int) -> dict[str, Any]:
    table: dict[str, Any] = results["tables"][str(threads)]
    return table


def _rows(results: dict[str, Any], threads: int) -> Iterator[tuple[str, ...]]:
    """Yield the cells: one row for ours at each size, then one for each other side."""
    table = _table(results, threads)
    for row in table["rows"]:
        ours, *others = row["sides"]
        if not others:
            continue
        grows = table["growth"].get(row["kernel"])
        title = _title(row)
        # In the first column, which wraps: no other has to be as wide as this.
        if grows and ours.get("peak") is not None:
            title += (
                f"; grows as n^{grows['measured']:.2f}, expected {grows['expected']}"
            )
        yield title, "", "", "", _size(ours.get("peak")), ""
        for side in others:
            yield _cells(side)


def _cells(side: dict[str, Any]) -> tuple[str, ...]:
    limit = side["kind"] == "limit"
    name = f"limit: {side['name']}" if limit else side["name"]
    if side["work"]:
        name += f" ({side['work']})"
    floor = "" if side["floor"] is None else f"{side['floor']:g}"
    if side["status"] != "ran":
        return name, side["status"], "", floor, "", ""
    compile_ = f"{side['compile']:.1f} s" if "compile" in side else ""
    over = _ratio(1.0 / side["ratio"]) if limit else ""
    return name, _ratio(side["ratio"]), over, floor, _size(side.get("peak")), compile_


def _title(row: dict[str, Any]) -> str:
    sizes = ", ".join(f"{letter} = {n:,}" for letter, n in row["size"].items())
    return f"{row['kernel']}: {sizes}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10.0 else f"{ratio:,.0f}"


def _size(peak: float | None) -> str:
    return "" if peak is None else f"{peak / 2**20:,.0f} MiB"


def _html_row(cells: tuple[str, ...]) -> str:
    first, *rest = map(html.escape, cells)
    if ": " in first and not first.startswith("limit"):
        first = f"<strong>{first}</strong>"
    return f"<tr><td>{first}</td>" + "".join(f"<td>{c}</td>" for c in rest) + "</tr>"
