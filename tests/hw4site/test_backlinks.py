"""Equation, code, question: who uses what, as the sources say."""

import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from griffe import Docstring

from hw4site import backlinks
from hw4site.markdown_rules import PARTS, parts
from hw4site.pages import read_pages

PAGE = """# Sums

Before any part: [`lost`][hw4lib.sums.lost].

## 1.1 (a) The sum { #1-1-a }

The sum is [`total`][hw4lib.sums.total].

/// code
```python exec="1" source="above" session="sums"
from hw4lib.sums import total, mean as average
assert total([1]) == 1
```
///

## Beyond { #1-beyond }

/// code
```python exec="1" source="above" session="sums"
assert average([1]) == 1
```
///

## Elsewhere { #1-beyond-elsewhere }

/// code
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
PROBLEMS = (
    "activations",
    "backpropagation",
    "noisy_targets",
    "architecture",
    "online_learning",
    "adversarial_example",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one page and one file of tests."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "sums.md").write_text(PAGE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_sums.py").write_text(TEST)
    used, checked = backlinks.used_in.__wrapped__, backlinks.checked_in.__wrapped__
    monkeypatch.setattr(backlinks, "used_in", lambda: used(tmp_path / "docs"))
    monkeypatch.setattr(backlinks, "checked_in", lambda: checked(tmp_path / "tests"))


@pytest.mark.usefixtures("project")
def test_a_part_uses_what_it_links_to_and_what_its_blocks_name():
    """Under another name too; what stands above all parts belongs to none."""
    assert backlinks.used_in() == {
        "hw4lib.sums.total": {"1-1-a": "1.1 (a)"},
        "hw4lib.sums.mean": {"1-beyond": "Beyond"},
    }


@pytest.mark.usefixtures("project")
def test_a_test_checks_what_it_names_itself_or_through_its_file():
    """A parametrised list, a fixture with its helper, an imported module."""
    file = "tests/test_sums.py"
    assert backlinks.checked_in() == {
        "hw4lib.sums.mean": [(file, "TestMean::test_mean")],
        "hw4lib.sums.total": [(file, "test_through_a_fixture")],
        "hw4lib.sums": [(file, "test_by_module")],
        "hw4lib.sums.median": [(file, "test_by_module")],
    }


@pytest.mark.usefixtures("project")
def test_the_reference_says_what_uses_a_function():
    """Parts are links, tests are names; what has no docstring is left alone."""
    bare = SimpleNamespace(path="hw4lib.sums.total", docstring=None)
    backlinks.Uses().on_function(func=bare)
    assert bare.docstring is None
    total = SimpleNamespace(path="hw4lib.sums.total", docstring=Docstring("Add."))
    backlinks.Uses().on_function(func=total)
    assert total.docstring.value == (
        "Add.\n\nUsed in:\n    [1.1 (a)][1-1-a]\n\n"
        "Tests:\n    `tests/test_sums.py`:\n    `test_through_a_fixture`\n    "
    )
    lost = SimpleNamespace(path="hw4lib.sums.lost", docstring=Docstring("Lose."))
    backlinks.Uses().on_function(func=lost)
    assert lost.docstring.value == "Lose."


# --- of this project ----------------------------------------------------------------


def test_every_function_of_a_page_has_a_test():
    """Nothing that an answer rests on is unchecked."""
    functions = {
        name for name in backlinks.used_in() if name.rpartition(".")[2].islower()
    }
    assert len(functions) > 80
    modules = {name.rpartition(".")[0] for name in functions}
    assert functions - modules - set(backlinks.checked_in()) == set()


def test_every_lettered_part_links_to_its_functions():
    """From each question one click to the code."""
    linked = {
        anchor
        for page in read_pages(ROOT / "docs")
        for line, _ in backlinks._links(page)
        for anchor in [h.anchor for h in page.headings if h.line <= line][-1:]
    }
    anchors = {a for page in read_pages(ROOT / "docs") for _, _, a in parts(page)}
    assert anchors == PARTS
    assert anchors - linked == set()


def test_what_a_problem_re_exports_is_known_by_its_module():
    """Pages import from the problem; the reference knows the module."""
    full = backlinks._full("hw4lib.noisy_targets.noisy_cross_entropy")
    assert full == "hw4lib.noisy_targets.loss.noisy_cross_entropy"
    assert backlinks._full("hw4lib.activations.relu") == "hw4lib.activations.relu"
    assert "2-a" in backlinks.used_in()[full]


def test_nearly_every_function_of_the_reference_is_used_somewhere():
    """If none were found, a name would have changed and nobody noticed."""
    public = {
        f"{function.__module__}.{name}"
        for problem in PROBLEMS
        for module in [importlib.import_module(f"hw4lib.{problem}")]
        for name, function in vars(module).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }
    used = public & set(backlinks.used_in())
    assert len(used) > 0.8 * len(public) > 80, sorted(public - used)
