"""Equation, code, question: who uses what, as the sources say."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from griffe import Docstring

from hw4site import uses
from hw4site.markdown_rules import PARTS, parts
from hw4site.pages import read_pages

PAGE = """# Sums

Before any part: [`lost`][hw4lib.sums.lost].

## 1.1 (a) The sum { #1-1-a }

The sum is [`total`][hw4lib.sums.total].

/// check
```python exec="1" source="above" session="sums"
from hw4lib.sums import total, mean as average
assert total([1]) == 1
```
///

## Beyond { #1-beyond }

/// check
```python exec="1" source="above" session="sums"
assert average([1]) == 1
```
///

## Elsewhere { #1-beyond-elsewhere }

/// check
Nothing of the library.
///
"""
TEST = """
import pytest
from hw4lib import sums
from hw4lib.sums import mean, total

CASES = [mean]

def helper():
    return total([1])

@pytest.fixture
def ready():
    return helper()

class TestMean:
    @pytest.mark.parametrize("f", CASES)
    def test_mean(self, f):
        assert f([1]) == 1

def test_through_a_fixture(ready):
    assert ready

def test_by_module():
    assert sums.median([1]) == 1

def test_of_nothing():
    assert True
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one page and one file of tests."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "sums.md").write_text(PAGE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sums.py").write_text(TEST)
    used, checked = uses.used_in.__wrapped__, uses.checked_in.__wrapped__
    monkeypatch.setattr(uses, "used_in", lambda: used(tmp_path / "docs"))
    monkeypatch.setattr(uses, "checked_in", lambda: checked(tmp_path / "tests"))


@pytest.mark.usefixtures("project")
def test_a_part_uses_what_it_links_to_and_what_its_blocks_name():
    """Under another name too; what stands above all parts belongs to none."""
    assert uses.used_in() == {
        "hw4lib.sums.total": {"1-1-a": "1.1 (a)"},
        "hw4lib.sums.mean": {"1-beyond": "Beyond"},
    }


@pytest.mark.usefixtures("project")
def test_a_test_checks_what_it_names_itself_or_through_its_file():
    """A parametrised list, a fixture with its helper, an imported module."""
    file = "tests/test_sums.py"
    assert uses.checked_in() == {
        "hw4lib.sums.mean": [(file, "TestMean::test_mean")],
        "hw4lib.sums.total": [(file, "test_through_a_fixture")],
        "hw4lib.sums": [(file, "test_by_module")],
        "hw4lib.sums.median": [(file, "test_by_module")],
    }


@pytest.mark.usefixtures("project")
def test_a_check_is_followed_by_its_tests():
    """Those of the linked functions, else of those in the blocks, else none."""
    text = uses.with_tests(PAGE)
    first, second, third = text.split("/// check")[1:]
    assert "/// tests\n\n`tests/test_sums.py`:\n`test_through_a_fixture`\n" in first
    assert "`TestMean::test_mean`" in second
    assert "test_mean" not in first
    assert "/// tests" not in third


@pytest.mark.usefixtures("project")
def test_the_reference_says_what_uses_a_function():
    """Parts are links, tests are names; what has no docstring is left alone."""
    bare = SimpleNamespace(path="hw4lib.sums.total", docstring=None)
    uses.Uses().on_function(func=bare)
    assert bare.docstring is None
    total = SimpleNamespace(path="hw4lib.sums.total", docstring=Docstring("Add."))
    uses.Uses().on_function(func=total)
    assert total.docstring.value == (
        "Add.\n\nUsed in:\n    [1.1 (a)][1-1-a]\n\n"
        "Tests:\n    `tests/test_sums.py`:\n    `test_through_a_fixture`\n    "
    )
    lost = SimpleNamespace(path="hw4lib.sums.lost", docstring=Docstring("Lose."))
    uses.Uses().on_function(func=lost)
    assert lost.docstring.value == "Lose."


# --- of this project ----------------------------------------------------------------


def test_every_function_of_a_page_has_a_test():
    """Nothing that an answer rests on is unchecked."""
    functions = {name for name in uses.used_in() if name.rpartition(".")[2].islower()}
    assert len(functions) > 80
    modules = {name.rpartition(".")[0] for name in functions}
    assert functions - modules - set(uses.checked_in()) == set()


def test_every_lettered_part_names_its_functions_and_tests():
    """From each question one click to the code, and its tests by name."""
    linked = {
        anchor
        for page in read_pages(ROOT / "docs")
        for line, _ in uses._links(page)
        for anchor in [[h.anchor for h in page.headings if h.line <= line][-1]]
    }
    anchors, bare = set(), set()
    for page in read_pages(ROOT / "docs"):
        found = {anchor for _, _, anchor in parts(page)}
        anchors |= found
        shown = uses.with_tests(page.text)
        for anchor in found:
            part = shown.partition(f"{{ #{anchor} }}")[2].split("\n#")[0]
            if "\n/// tests\n" not in part:
                bare.add(anchor)
    assert len(anchors) == len(PARTS)
    assert anchors - linked == set()
    assert bare == set()
