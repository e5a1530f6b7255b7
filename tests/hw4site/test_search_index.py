"""The index of the search, finished after a build."""

import json

import pytest

from hw4site import search_index
from hw4site.synonyms import SYNONYMS

PLACE = "architecture.html#3-1-a"


@pytest.fixture
def site(tmp_path):
    """A site of one page with an index, as a builder leaves it."""
    words = '<span class="hw4-words">w_1</span>'
    (tmp_path / "page.html").write_text(
        f"<p>A<svg></svg>{words}.</p>", encoding="utf-8"
    )
    (tmp_path / "search").mkdir()
    text = "<p>Question</p> <p>How \u2060w_1\u2060?</p> Hint 1 for 3.1 (a) <p>So.</p>"
    docs = [
        {"location": PLACE, "title": "3.1 (a) Scale", "text": text},
        {"location": "benchmarks.html", "title": "Benchmarks", "text": ""},
        {"location": "notation.html", "title": "Notation", "text": ""},
        *({"location": p, "title": "", "text": ""} for p in SYNONYMS if p != PLACE),
    ]
    path = tmp_path / "search" / "search_index.json"
    path.write_text(json.dumps({"config": {}, "docs": docs}), encoding="utf-8")
    return tmp_path


def entries(site):
    """Return the sections of a site's index by place."""
    text = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    return {entry["location"]: entry for entry in json.loads(text)["docs"]}


def test_a_part_has_its_words_and_its_name(site):
    """And neither what every part says, nor what joins a formula to a comma."""
    assert search_index.write(site) == []
    part = entries(site)[PLACE]
    assert "xavier" in part["tags"]
    assert {"3.1a", "3.1(a)"} <= set(part["tags"])
    assert part["text"] == "<p>How w_1?</p> <p>So.</p>"


def test_the_homework_comes_first_and_benchmarks_last(site):
    """By how much a word counts."""
    search_index.write(site)
    found = entries(site)
    weights = [found[p]["boost"] for p in (PLACE, "notation.html", "benchmarks.html")]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 3


def test_pages_keep_no_words_of_the_search(site):
    """They are of the index alone."""
    search_index.write(site)
    assert (site / "page.html").read_text(encoding="utf-8") == "<p>A<svg></svg>.</p>"


def test_a_copy_in_a_folder_has_the_same_index(site):
    """Which is a script there."""
    script = site / "search" / "search_index.js"
    script.write_text("var __index = {}", encoding="utf-8")
    search_index.write(site)
    text = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    assert script.read_text(encoding="utf-8") == f"var __index = {text}"


def test_a_place_that_is_gone_is_named(site):
    """Its words would be searched in vain."""
    path = site / "search" / "search_index.json"
    path.write_text(path.read_text(encoding="utf-8").replace(PLACE, "x.html"), "utf-8")
    assert search_index.write(site) == [f"search: there is no {PLACE}"]


def test_another_builders_site_has_no_index(tmp_path):
    """Its pages are cleaned all the same."""
    assert search_index.write(tmp_path) == []


def test_a_page_without_formulas_is_left_alone(tmp_path):
    """Nothing to take out of it, so it is not written again."""
    page = tmp_path / "plain.html"
    page.write_text("<p>Words.</p>", encoding="utf-8")
    before = page.stat().st_mtime_ns
    assert search_index.write(tmp_path) == []
    assert page.stat().st_mtime_ns == before
