import base64
import io
import re
from contextlib import redirect_stdout
from types import SimpleNamespace

import nbformat
import pytest

from hw4site import after_build, blocks, export, hooks, redirects
from hw4site.pages import read_page

PAGE = """---
title: Sums
---

# Sums

```python exec="1" source="above" result="text" session="sums"
import numpy as np

total = float(np.sum([0.25, 0.5]))
print(total)
```

### 1.1 (a) The sum { #1-1-a }

/// question
See [`sum`][hw4lib.sum], [part b](#1-1-b) and [the web](https://example.org).
///

/// code | Look
It is $s = {{ total | frac }}$.

```python exec="1" html="1" session="sums"
from hw4site import figures

figure, axes = figures.subplots()
axes.plot([0, total])
print(figures.to_html(figure, "sum", alt="A line [up]"))
```

```python exec="1" html="1" session="sums"
print("<p>A box.</p>")
```
///

<p class="hw4-take">Take it along.</p>
<div class="hw4-playground"><p>It needs JavaScript.</p></div>

```python exec="1" source="above" result="text" session="sums"
assert total < 1
```
"""
COLOURS = {"--hw4-series-1": "#123456"}


@pytest.fixture
def docs(tmp_path):
    """A folder with one page, its style sheet, and a page without code."""
    folder = tmp_path / "docs"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "site.css").write_text(
        ":root { --hw4-series-1: #123456; }\n:dark { --hw4-series-1: #654321; }"
    )
    (folder / "sums.md").write_text(PAGE)
    (folder / "words.md").write_text("# Words alone\n")
    return folder


@pytest.fixture(autouse=True)
def nothing_moved(monkeypatch):
    """The pages of these tests have always been where they are."""
    monkeypatch.setattr(redirects, "MOVED", {})


@pytest.fixture
def pieces(docs):
    """The page after its run."""
    return list(export._pieces(read_page(docs / "sums.md"), COLOURS))


def run(code):
    """What code prints in a namespace of its own."""
    output = io.StringIO()
    with redirect_stdout(output):
        exec(code, {"__name__": "__main__"})
    return output.getvalue()


def test_a_notebook_has_what_its_code_prints(pieces):
    """Run from top to bottom, every cell prints what the notebook shows."""
    book = export.notebook("sums", pieces)
    nbformat.validate(book)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    shown = "".join(out.text for cell in cells for out in cell.outputs)
    assert run("\n".join(cell.source for cell in cells)) == shown == "0.75\n"
    assert [cell.execution_count for cell in cells] == [1, 2]


def test_text_reads_without_the_site(pieces):
    """Values stand in formulas, blocks have titles, only links to the web remain."""
    book = export.notebook("sums", pieces)
    text = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    assert r"$s = \tfrac{3}{4}$" in text
    assert (
        "**Question.**\nSee `sum`, part b and [the web](https://example.org)." in text
    )
    assert "**Look.**" in text
    assert "### 1.1 (a) The sum\n" in text
    assert not re.search(r"///|hw4-take|JavaScript|\{\{|title: Sums", text)


def test_figures_are_images_in_the_colors_of_the_page(pieces):
    """A drawing needs no style sheet of the site; a box has no place on paper."""
    book = export.notebook("sums", pieces)
    images = [c.source for c in book.cells if "data:image" in c.source]
    assert len(images) == 1
    assert images[0].startswith("![A line (up)](data:image/svg+xml;base64,")
    drawing = base64.b64decode(images[0].split("base64,")[1][:-1]).decode()
    assert "#123456" in drawing
    assert "var(" not in drawing
    assert 'xmlns="http://www.w3.org/2000/svg"' in drawing
    assert "A box" not in str(book)


def test_a_script_runs_as_it_is(pieces):
    """The same code in the same order, everything else in comments."""
    text = export.script(pieces)
    assert run(text) == "0.75\n"
    others = [x for x in text.split("\n") if x.startswith("# ")]
    assert "# # Sums" in others
    assert "data:image" not in text


def test_writes_pages_with_code_alone(docs, tmp_path):
    """A page of words has nothing to run; the bytes are the same each time."""
    site = tmp_path / "site"
    assert export.export(docs, site) == []
    first = {p.name: p.read_bytes() for p in (site / "notebooks").iterdir()}
    assert set(first) == {"sums.ipynb", "sums.py"}
    assert b"#123456" not in first["sums.ipynb"]  # encoded, not raw
    export.export(docs, site)
    assert first == {p.name: p.read_bytes() for p in (site / "notebooks").iterdir()}


def test_a_page_that_was_built_is_not_run_again(docs, monkeypatch):
    """What the build printed and named is what the notebook shows."""
    page = read_page(docs / "sums.md")
    outputs = [f"block {number}\n" for number in range(len(page.executed))]
    monkeypatch.setattr(
        blocks,
        "finished",
        lambda session, codes: outputs if session == "sums" and codes else None,
    )
    monkeypatch.setattr(blocks, "value", lambda *named: 0.25)  # noqa: ARG005
    files = export.rendered(page, COLOURS)
    assert "block 0" in files["sums.ipynb"]
    assert r"$s = \tfrac{1}{4}$" in files["sums.py"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("assert total < 1", "assert total > 1", "sums.md: AssertionError"),
        ("{{ total | frac }}", "{{ missing }}", "value `missing`: NameError"),
    ],
)
def test_a_page_that_fails_is_named_and_left_out(docs, tmp_path, old, new, message):
    """One broken page does not take the others along."""
    (docs / "broken.md").write_text(PAGE.replace("sums", "broken"))
    (docs / "sums.md").write_text(PAGE.replace(old, new))
    (fault,) = export.export(docs, tmp_path / "site")
    assert message in fault
    names = {p.name for p in (tmp_path / "site" / "notebooks").iterdir()}
    assert names == {"broken.ipynb", "broken.py"}


def test_the_hook_writes_them_and_logs_what_fails(docs, tmp_path, caplog):
    """MkDocs has them beside the site, and counts a fault in a strict build."""
    folders = {"docs_dir": str(docs), "site_dir": str(tmp_path / "site")}
    config = SimpleNamespace(**folders, extra={})
    hooks.on_post_build(config=config)
    assert (tmp_path / "site" / "notebooks" / "sums.ipynb").exists()
    assert not caplog.records
    (docs / "sums.md").write_text(PAGE.replace("total < 1", "total > 1"))
    hooks.on_post_build(config=config)
    assert [r.levelname for r in caplog.records] == ["ERROR"]


def test_a_page_below_a_folder_keeps_its_folder(docs, tmp_path):
    """By the stem alone two pages would overwrite each other without a word."""
    (docs / "beyond").mkdir()
    text = PAGE.replace('session="sums"', 'session="beyond/sums"')
    (docs / "beyond" / "sums.md").write_text(text)
    assert export.export(docs, tmp_path / "site") == []
    folder = tmp_path / "site" / "notebooks"
    for name in ("sums.py", "sums.ipynb", "beyond/sums.py", "beyond/sums.ipynb"):
        assert (folder / name).is_file()
    assert nbformat.read(folder / "beyond" / "sums.ipynb", 4)["cells"]
    assert "notebooks/beyond/sums.py" in export.contents(docs)


@pytest.mark.parametrize("broken", [False, True])
def test_the_command_line_says_whether_all_went_well(docs, tmp_path, broken):
    """Other builders run it after the build; exit 1 names the page."""
    if broken:
        (docs / "sums.md").write_text(PAGE.replace("total < 1", "total > 1"))
    with pytest.raises(SystemExit) as end:
        export.main([str(docs), str(tmp_path / "site")])
    assert bool(end.value.code) == broken
    assert ("sums.md" in str(end.value.code)) == broken


def test_contents_name_every_page_with_what_it_says(docs):
    """The home page heads the list; pages with code name their script."""
    (docs / "index.md").write_text("---\ndescription: All of it.\n---\n\n# Home\n")
    (docs / "reference").mkdir()
    front = '---\ntitle: Sums reference\ndescription: "Every sum."\n---\n'
    (docs / "reference" / "sums.md").write_text(front)
    assert export.contents(docs) == (
        "# hw4lib\n\n> All of it.\n\n## Pages\n\n"
        "- [Sums](sums.html): As plain Python: [sums.py](notebooks/sums.py).\n"
        "- [words](words.html)\n\n## Reference\n\n"
        "- [Sums reference](reference/sums.html): Every sum.\n"
    )


@pytest.mark.parametrize("broken", [False, True])
def test_one_command_writes_all_that_a_hook_would(docs, tmp_path, broken):
    """After a build without hooks: pages to take along, contents, font."""
    if broken:
        (docs / "sums.md").write_text(PAGE.replace("total < 1", "total > 1"))
    site = tmp_path / "site"
    with pytest.raises(SystemExit) as end:
        after_build.main([str(docs), str(site)])
    assert bool(end.value.code) == broken
    for name in ("llms.txt", "assets/mathematics.woff2"):
        assert (site / name).is_file()
    assert (site / "notebooks" / "sums.py").is_file() != broken
