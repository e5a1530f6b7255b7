"""The tables of the benchmarks show what was measured, and what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from hw4site.benchmarks import (
    behind,
    compared,
    read_results,
    to_html,
    to_text,
)


@pytest.fixture
def results() -> dict[str, Any]:
    """One kernel with a peer of each kind, and a size for growth alone."""
    plain = {"kind": "peer", "work": "", "floor": None, "status": "ran"}
    ours = {**plain, "name": "hw4lib", "kind": "ours", "ratio": 1.0, "peak": 3 * 2**20}
    sides = [
        ours,
        {**plain, "name": "slow", "ratio": 1234.5, "floor": 27, "peak": 0},
        {**plain, "name": "fast", "ratio": 0.5, "compile": 1.25, "work": "less <"},
        {**plain, "name": "absent", "status": "missing", "floor": 0.4},
        {**plain, "name": "C loop", "kind": "limit", "ratio": 0.25},
    ]
    kernel = {"kernel": "a kernel", "size": {"n": 1000, "p": 2}, "sides": sides}
    alone = {**kernel, "size": {"n": 500, "p": 2}, "sides": [ours]}
    grows = {"a kernel": {"measured": 0.987, "expected": 1}}
    first = {"rows": [alone, kernel], "growth": grows}
    return {"import": 1.05, "tables": {"1": first, "2": {**first, "growth": {}}}}


def test_the_table_has_a_row_for_every_side(results: dict[str, Any]) -> None:
    """Ratios, limits, floors, memory, compilation; who is missing did not lose."""
    soup = BeautifulSoup(to_html(results, 1, "one"), "html.parser")

    rows = [[cell.get_text() for cell in row("td")] for row in soup.select("tbody tr")]
    assert rows == [
        [
            "a kernel: n = 1,000, p = 2; grows as n^0.99, expected 1",
            *("", "", "", "3 MiB", ""),
        ],
        ["slow", "1,234", "", "27", "0 MiB", ""],
        ["fast (less <)", "0.50", "", "", "", "1.2 s"],
        ["absent", "missing", "", "0.4", "", ""],
        ["limit: C loop", "0.25", "4.00", "", "", ""],
    ]
    assert len(soup.select("thead th")) == 6
    assert soup.select_one(".hw4-figure")["id"] == "figure-one"


def test_growth_is_left_out_where_it_was_not_measured(results: dict[str, Any]) -> None:
    """A table of the largest size alone has none."""
    assert "grows" not in to_html(results, 2, "two")


def test_the_text_has_both_tables(results: dict[str, Any]) -> None:
    """What `make benchmark` prints is what the page shows."""
    text = to_text(results)
    assert text.count("slow") == 2
    assert "threads: 2" in text
    assert text.endswith("1.05")


def test_peers_that_are_ahead_are_named(results: dict[str, Any]) -> None:
    """A limit is no peer, and neither is who is missing."""
    assert behind(results) == ["fast (a kernel: n = 1,000, p = 2)"]
    assert compared(results) == 2


def test_a_table_that_was_not_measured_says_so(results: dict[str, Any]) -> None:
    """Nothing is made up."""
    assert "Not measured" in to_html(results, 64, "many")


def test_results_are_read_from_their_file(tmp_path: Path) -> None:
    """As JSON."""
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"tables": {}}), encoding="utf-8")
    assert read_results(path) == {"tables": {}}
