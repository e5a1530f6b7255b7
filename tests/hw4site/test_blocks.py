import os
import re
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import markdown
import markdown_exec
import numpy as np
import pytest

from hw4site import blocks
from hw4site.pages import FRONT_MATTER, read_page


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """No page has run yet, and the library is one file that a test may edit."""
    monkeypatch.setattr(blocks, "_runs", {})
    monkeypatch.setattr(blocks, "_library", {})
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    (tmp_path / "hw4lib").mkdir()
    (tmp_path / "hw4site").mkdir()
    (tmp_path / "hw4lib" / "sums.py").write_text("one = 1")
    modules = dict(sys.modules)
    yield tmp_path / "hw4lib"
    for name in set(sys.modules) - set(modules):
        if name.startswith("hw4lib"):
            del sys.modules[name]
    sys.modules.update(modules)


def build(*codes, session="page", text=""):
    """Convert a page of the given blocks, and return it."""
    fences = (
        f'```python exec="1" session="{session}"\n{code}\n```\n' for code in codes
    )
    return convert("\n".join([*fences, text]))


def convert(text):
    """Convert a page."""
    fence = {"name": "python", "class": "python"}
    fence |= {"validator": markdown_exec.validator, "format": blocks.formatter}
    return markdown.markdown(
        text,
        extensions=["pymdownx.superfences", "hw4site.extension"],
        extension_configs={"pymdownx.superfences": {"custom_fences": [fence]}},
    )


def ticking(name="ticks"):
    """A block that prints a number which grows at each run, and keeps it."""
    return f"import builtins as b\n{name} = b.ticks = b.ticks + 1\nprint({name})"


@pytest.fixture(autouse=True)
def ticks(monkeypatch):
    """Where ticking blocks count."""
    monkeypatch.setattr("builtins.ticks", 0, raising=False)


def test_an_unchanged_page_is_not_run_again():
    """Its blocks and its values give what they gave."""
    page = build(ticking(), "print(ticks + 10)", text="So {{ ticks }}.")
    assert "<p>1</p>" in page
    assert "<p>11</p>" in page
    assert "So 1." in page
    assert build(ticking(), "print(ticks + 10)", text="So {{ ticks }}.") == page


def test_an_edited_page_runs_from_the_start():
    """A name that it no longer defines is gone."""
    build(ticking(), "old = 1\nprint(old)")
    page = build(ticking(), 'print("old" in globals())')
    assert "<p>2</p>" in page
    assert "False" in page


def test_an_edit_of_a_page_leaves_its_neighbor():
    """Pages do not share a session: one runs again, the other does not."""
    left, right = (build(ticking(), session=name) for name in ("left", "right"))
    assert build(ticking(), session="left", text="Edited.") != left
    assert build(ticking(), session="right") == right


def test_an_edit_of_the_library_runs_every_page_again(fresh):
    """Its modules are imported anew, and what shows the numbers stays."""
    for name in ("hw4lib", "hw4lib.sums", "hw4site.stays", "hw4library"):
        sys.modules[name] = ModuleType(name)
    first = build(ticking())
    assert "hw4lib.sums" in sys.modules
    (fresh / "sums.py").write_text("one = 2")
    assert build(ticking()) != first
    assert "hw4lib.sums" not in sys.modules
    assert "hw4lib" not in sys.modules
    assert {"hw4site.stays", "hw4library"} <= set(sys.modules)


def test_an_edit_of_what_shows_the_numbers_is_no_edit_of_the_library(fresh):
    """No number passes through it."""
    first = build(ticking())
    (fresh.parent / "hw4site" / "figures.py").write_text("color = 'red'")
    assert build(ticking()) == first


def test_a_page_that_failed_runs_again():
    """An error is shown each time, and is over when its cause is."""
    block = ticking() + "\nassert ticks > 2"
    for _ in range(2):
        assert "AssertionError" in build(block, "print('after')")
        assert blocks.finished("page", [block, "print('after')"]) is None
    assert "<p>3</p>" in build(block, "print('after')")


def test_a_page_can_not_end_the_build():
    """`SystemExit` is an error of its page, as any other."""
    assert "SystemExit" in build("raise SystemExit(0)")
    assert blocks.finished("page", ["raise SystemExit(0)"]) is None


def test_numpy_prints_and_warns_as_it_does_at_first():
    """What a page sets for itself does not reach another."""
    build(
        "import numpy as np\nnp.set_printoptions(precision=2)\nnp.seterr(all='raise')"
    )
    page = build("import numpy as np\nprint(np.array([0.12345]))", session="other")
    assert "0.12345" in page
    assert np.geterr() == blocks._FLOATING


def test_print_is_that_of_python():
    """A separator is one, and another file is another file."""
    page = build("import sys\nprint(1, 2, sep='-', end='.')\nprint(3, file=sys.stderr)")
    assert page == "<p>1-2.</p>"
    assert "<p>1 2</p>" in build("print(1, 2, flush=True)", session="other")


def test_tells_what_a_page_printed_as_long_as_its_blocks_are_the_same():
    """Whoever exports a page that was built need not run it."""
    build("print('a')", "x = 1")
    assert blocks.finished("page", ["print('a')", "x = 1"]) == ["a\n", ""]
    assert blocks.value("page", "x") == 1
    assert blocks.finished("page", ["print('a')"]) is None
    assert blocks.finished("nowhere", []) is None


def test_a_block_outside_a_page_runs_as_ever():
    """Without a session there is nothing to remember."""
    fence = {"name": "python", "class": "python"}
    fence |= {"validator": markdown_exec.validator, "format": blocks.formatter}
    page = markdown.markdown(
        '```python exec="1"\nprint(7)\n```\n',
        extensions=["pymdownx.superfences"],
        extension_configs={"pymdownx.superfences": {"custom_fences": [fence]}},
    )
    assert page == "<p>7</p>"


# --- pages that another process runs ahead ------------------------------------------

PAGE = """---
title: Ahead
---
```python exec="1" session="ahead"
import os
import numpy as np
w = np.array([0.25, 0.5])
print(os.environ.get("MARK", os.getpid()))
```
In all {{ w.sum() }} of `{{ nothing }}`.
"""


@pytest.fixture
def docs(tmp_path, monkeypatch):
    """A folder with a page that blocks, and one that has no blocks."""
    monkeypatch.setattr(blocks, "_ahead", {})
    monkeypatch.setattr(blocks, "ROOT", Path(blocks.__file__).parents[1])
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "ahead.md").write_text(PAGE)
    (folder / "plain.md").write_text("No block.")
    return folder


def shown(text=PAGE):
    """Convert a page as MkDocs hands it over, and return the process or the mark."""
    page = convert(FRONT_MATTER.sub("", text))
    assert "In all 0.75 of <code>{{ nothing }}</code>." in page
    return int(re.search(r"<p>(\d+)</p>", page)[1])


def test_another_process_runs_the_pages_that_have_blocks(docs):
    """What it made of them is what the page shows, and is not run again."""
    assert blocks.run_ahead(docs) == {docs / "ahead.md"}
    other = shown()
    assert other != os.getpid()
    assert shown() == other
    assert blocks.finished("ahead", [read_page(docs / "ahead.md").executed[0].code])
    assert blocks.value("ahead", "w.sum()") == 0.75


def test_a_new_library_runs_ahead_again(docs, monkeypatch, fresh):
    """And one that is the same does not: its pages have run, or run here."""
    monkeypatch.setattr(blocks, "ROOT", fresh.parent)
    blocks.run_ahead(docs)
    blocks._ahead.clear()
    assert blocks.run_ahead(docs) == {docs / "ahead.md"}
    assert not blocks._ahead
    (fresh / "sums.py").write_text("one = 2")
    blocks.run_ahead(docs)
    assert blocks._ahead.pop("ahead").result()


def done(page, **changes):
    """A run that another process has finished, with what is said to be different."""
    future = Future()
    run, library = blocks._run_page(page)
    future.set_result((replace(run, **changes.pop("run", {})), library | changes))
    blocks._runs.clear()
    return future


@pytest.mark.parametrize(
    "changes",
    [
        {"run": {"codes": ["print(1)"]}},
        {"run": {"values": {}}},
        {"another library": b""},
    ],
    ids=["blocks", "values", "library"],
)
def test_what_ran_otherwise_runs_again(docs, monkeypatch, changes):
    """A page or a library that has been edited since shows nothing of before."""
    page = read_page(docs / "ahead.md")
    monkeypatch.setenv("MARK", "1")
    same, other = done(page), done(page, **changes)
    monkeypatch.setenv("MARK", "2")
    blocks._ahead["ahead"] = same
    assert shown() == 1
    blocks._runs.clear()
    blocks._ahead["ahead"] = other
    assert shown() == 2


def test_what_failed_elsewhere_fails_here(docs):
    """The error is that of the page, as if nothing had run before."""
    (docs / "ahead.md").write_text(PAGE.replace("w = ", "w = 1 / 0 * "))
    blocks.run_ahead(docs)
    page = convert((docs / "ahead.md").read_text())
    assert "ZeroDivisionError" in page


def test_matplotlib_is_set_while_a_block_draws_and_by_nobody_else():
    """Settings of the process stay what they were."""
    import matplotlib as mpl  # noqa: PLC0415

    before = mpl.rcParams["axes.spines.top"]
    page = build('import matplotlib\nprint(matplotlib.rcParams["axes.spines.top"])')
    assert "False" in page
    assert mpl.rcParams["axes.spines.top"] == before is True


def test_a_traceback_shows_the_line_of_the_block(caplog):
    """And none of ours."""
    with caplog.at_level("WARNING"):
        build("a = 1\nb = a / 0")
    assert "  b = a / 0\n" in caplog.text.partition("Output is")[2]
    assert "blocks.py" not in caplog.text


def test_the_library_of_another_checkout_is_refused(monkeypatch, tmp_path):
    """A copy with the library of the original would show the original's numbers."""
    monkeypatch.setattr(blocks, "ROOT", Path(blocks.__file__).parents[1])
    blocks.require_own_library()
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    with pytest.raises(RuntimeError, match=r"`hw4lib` comes from .*, expected"):
        blocks.require_own_library()


def test_a_block_of_no_page_that_fails_is_told_too():
    """It has no session that could have failed."""
    page = convert('```python exec="1"\n1 / 0\n```\n')
    assert "ZeroDivisionError" in page
    assert blocks._runs == {}
