"""The figures and tables show what was measured, and who is missing."""

import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from hw4site import benchmarks


def peer(name: str, seconds: float, *, work: str = "", **more: float) -> dict[str, Any]:
    """Return a peer that ran, compared with ours at one second by each engine."""
    ratios = {"numpy": seconds} | more
    return {
        "name": name,
        "work": work,
        "status": "ran",
        "seconds": seconds,
        "ratios": ratios,
        "spread": {engine: 1.0 + 0.1 * ratio for engine, ratio in ratios.items()},
    }


@pytest.fixture
def results() -> dict[str, Any]:
    """A problem with one engine, and one with two."""
    missing = {"name": "absent", "work": "", "status": "missing: absent"}
    small = {
        "problem": "first",
        "kernel": "a kernel",
        "size": {"n": 10, "p": 2},
        "seconds": {"numpy": 2e-5},
        "peers": [peer("slow", 0.9), peer("fast", 0.8), missing],
    }
    large = {
        **small,
        "size": {"n": 1000, "p": 2},
        "seconds": {"numpy": 0.25},
        "peers": [
            peer("slow", 1234.5),
            peer("fast", 0.5, work="less <") | {"compile": 1.25},
            missing,
            peer("slower", 2000.0),
            peer("slowest", 3000.0),
        ],
    }
    both = {
        "problem": "second",
        "kernel": "n = 5 rounds",
        "size": {"n": 5, "S": 1},
        "seconds": {"numpy": 2.0, "numba": 0.01},
        "peers": [
            peer("loop", 0.015, numba=1.5),
            peer("naive NumPy", 0.001, numba=0.1),
            peer("reading", 0.005, work="limit", numba=0.5),
        ],
    }
    single = [large | {"seconds": {"numpy": 0.5}}, both]
    return {"processes": 3, "threads": {"all": [small, large, both], "one": single}}


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table's body."""
    soup = BeautifulSoup(table, "html.parser")
    return [[cell.get_text() for cell in row("td")] for row in soup.select("tbody tr")]


def test_the_table_has_a_row_for_every_peer(results: dict[str, Any]) -> None:
    """Our times, then ratios; who is missing did not lose."""
    table = benchmarks.to_table(results, "first")

    heads = [head.get_text() for head in BeautifulSoup(table, "html.parser")("th")]
    assert heads == ["", "All processors", "One thread", "Compiles"]
    assert rows(table) == [
        ["a kernel, n = 10, p = 2; ours takes", "20 µs", "", ""],
        ["slow", "0.9", "", ""],
        ["fast", "0.8", "", ""],
        ["absent", "missing", "", ""],
        ["a kernel, n = 1,000, p = 2; ours takes", "250 ms", "500 ms", ""],
        ["slow", "1,234", "1,234", ""],
        ["fast (less <)", "0.5", "0.5", "1.25 s"],
        ["absent", "missing", "", ""],
        ["slower", "2,000", "2,000", ""],
        ["slowest", "3,000", "3,000", ""],
    ]
    assert "<strong>a kernel" in table


def test_two_engines_are_two_columns(results: dict[str, Any]) -> None:
    """A size that the name tells is not told again, and one run needs no number."""
    table = benchmarks.to_table(results, "second")

    heads = [head.get_text() for head in BeautifulSoup(table, "html.parser")("th")]
    assert heads[1:3] == ["All processors, numpy", "All processors, numba"]
    assert rows(table) == [
        ["n = 5 rounds; ours takes", *("2 s", "10 ms") * 2, ""],
        ["loop", *("0.015", "1.5") * 2, ""],
        ["naive NumPy", *("0.001", "0.1") * 2, ""],
        ["reading (limit)", *("0.005", "0.5") * 2, ""],
    ]


def test_the_figure_shows_the_fastest_peers_of_the_largest_size(
    results: dict[str, Any],
) -> None:
    """A screen reader says the same, the fastest first."""
    figure = benchmarks.to_figure(results, "first")

    assert 'id="figure-benchmarks-first"' in figure
    assert (
        'aria-label="How long hw4lib and its peers take, the fastest first. a kernel, '
        "n = 1,000, p = 2: hw4lib, numpy 250 ms, fast 500 ms, slow 1,230 s, "
        'slower 2,000 s."'
    ) in figure
    assert "slowest" not in figure
    soup = BeautifulSoup(figure, "html.parser")
    texts = [text.get_text() for text in soup("text")]
    assert {"fast", "500 ms", "hw4lib, numpy", "slower →"} <= set(texts)


def test_the_figure_tells_engines_and_the_limit_apart(results: dict[str, Any]) -> None:
    """By color and in words; a limit does not take the place of a peer."""
    figure = benchmarks.to_figure(results, "second")

    assert (
        "n = 5 rounds: naive NumPy 1 ms, reading 5 ms, hw4lib, numba 10 ms, "
        "loop 15 ms, hw4lib, numpy 2 s."
    ) in figure
    assert "--hw4-series-1" in figure
    assert "--hw4-series-2" in figure


def test_comparisons_are_counted_by_engine(results: dict[str, Any]) -> None:
    """With all processors, at both sizes; who is missing, and a limit, do not count."""
    assert benchmarks.counts(results) == (3, 8)
    assert benchmarks.counts(results, "numba") == (1, 2)


def test_ratios_are_said_in_minutes(results: dict[str, Any]) -> None:
    """Against libraries with the same work: no limit, no code of one's own."""
    first, second = (p["problem"] for p in results["threads"]["one"])

    assert benchmarks.in_words(results, first) == (
        "A kernel, n = 1,000, p = 2: slowest takes a minute where hw4lib takes 20 ms."
    )
    assert benchmarks.in_words(results, second) == (
        "N = 5 rounds: loop takes a minute where hw4lib with Numba takes 40 s."
    )
    behind = results["threads"]["all"][1]["peers"][0]
    behind |= {"name": "quick, compiled", "ratios": {"numpy": 0.25}}
    assert benchmarks.behind_in_words(results) == (
        "A kernel, n = 1,000, p = 2: "
        "quick (compiled) takes a minute where hw4lib takes 4 minutes."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.34e-6, "12.3 µs"),
        (999.6e-6, "1 ms"),
        (0.02, "20 ms"),
        (0.9996, "1 s"),
        (1234.0, "1,230 s"),
    ],
)
def test_a_time_has_no_exponent(
    results: dict[str, Any], seconds: float, text: str
) -> None:
    """Rounded to three digits, which may bring it to the next unit."""
    row = results["threads"]["one"][0]
    row["seconds"]["numpy"] = seconds

    table = benchmarks.to_table(results, row["problem"])

    assert text in [cells[2] for cells in rows(table)]


def test_a_ratio_in_words_has_no_exponent(results: dict[str, Any]) -> None:
    """A minute against 99.7 ms, to two digits."""
    row = results["threads"]["all"][1]
    row["peers"][0] |= {"ratios": {"numpy": 602.0}}
    row["peers"] = row["peers"][:1]

    words = benchmarks.in_words(results, row["problem"])

    assert words.endswith("takes a minute where hw4lib takes 100 ms.")


def test_the_typical_spread_is_a_median(results: dict[str, Any]) -> None:
    """Over comparisons, of all engines."""
    assert benchmarks.spread(results) == pytest.approx(1.08)


def test_what_is_as_fast_as_a_limit_is_named(results: dict[str, Any]) -> None:
    """At the largest size, by the faster engine; where it is not, by what factor."""
    limit = {"name": "memory", "work": "limit", "status": "ran", "seconds": 0.2}
    results["threads"]["all"][1]["peers"].append(limit)
    assert benchmarks.near_in_words(results, benchmarks.LIMIT) == (
        "1 of 2 kernels take at most 1.3 times as long; "
        "the slowest, n = 5 rounds, takes 2 times as long."
    )


def test_the_loop_in_c_is_compared_apart(results: dict[str, Any]) -> None:
    """It is no library that one is ahead of or behind."""
    before = benchmarks.behind_in_words(results)
    results["threads"]["all"][2]["peers"].append(peer("C loop", 0.008, numba=0.8))
    assert benchmarks.near_in_words(results, benchmarks.C) == (
        "1 of 1 kernels take at most 1.3 times as long; "
        "the slowest, n = 5 rounds, takes 1.2 times as long."
    )
    assert benchmarks.behind_in_words(results) == before


def test_the_longest_compilation_is_told(results: dict[str, Any]) -> None:
    """Of the run that measures each kernel once; in older results there is none."""
    assert benchmarks.compile_in_words(results) == "some seconds"
    first, second = results["threads"]["one"]
    first["compile"] = {}
    second["compile"] = {"numba": 2.5}
    assert benchmarks.compile_in_words(results) == "up to 2.5 s"
    assert rows(benchmarks.to_table(results, "second"))[0][-1] == "2.5 s"


def test_results_are_read_from_their_file(tmp_path: Path) -> None:
    """As JSON."""
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"threads": {}}), encoding="utf-8")
    assert benchmarks.read_results(path) == {"threads": {}}


def test_every_problem_of_the_results_has_its_figure() -> None:
    """What is in the repository was measured by this version, and is drawn."""
    results = benchmarks.read_results()
    stems = {row["problem"] for row in results["threads"]["all"]}
    assert len(stems) == 5
    for stem in stems:
        assert "<figure" in benchmarks.to_figure(results, stem)
        assert "<table" in benchmarks.to_table(results, stem)
