"""What a build under MkDocs does before its pages."""

from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from hw4site import blocks, hooks
from hw4site.mathematics import font, mathjax


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Pages with and without blocks, and what is asked of V8 and of another process."""
    names = {"blocks.md": "$a_1$", "plain.md": "$b_1$", "style.css": "", "z.md": ""}
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    site = SimpleNamespace(ahead=[], docs=tmp_path)
    site.files = Files([File(n, str(tmp_path), "site", False) for n in names])
    monkeypatch.setattr(
        blocks,
        "run_ahead",
        lambda docs: site.ahead.append(docs) or {tmp_path / "blocks.md"},
    )
    monkeypatch.setattr(mathjax, "_ahead", {})
    monkeypatch.setattr(mathjax, "_typeset_all", str)
    return site


def config(site, *plugins):
    """The part of the configuration that the hook reads."""
    return SimpleNamespace(docs_dir=str(site.docs), plugins=dict.fromkeys(plugins))


def order(files):
    """The order in which pages are made."""
    return [file.src_uri for file in files]


def test_pages_with_blocks_come_last(site):
    """Another process runs them while the others are made."""
    files = hooks.on_files(site.files, config(site, "search", "markdown-exec"))
    assert site.ahead == [site.docs]
    assert order(files) == ["plain.md", "style.css", "z.md", "blocks.md"]


def test_without_execution_nothing_runs(site):
    """As when the plugin that runs blocks is taken out."""
    files = hooks.on_files(site.files, config(site, "search"))
    assert site.ahead == []
    assert order(files) == ["blocks.md", "plain.md", "style.css", "z.md"]


def test_formulas_are_laid_out_from_the_start(site):
    """First those that every page needs, then each page's in their order."""
    hooks.on_files(site.files, config(site, "markdown-exec"))
    asked = list(mathjax._ahead)
    specimen = [mathjax._formula(tex, display=True) for tex in font._SPECIMEN]
    assert asked == [*specimen, ("b_1", False), ("a_1", False)]


def test_a_library_from_elsewhere_is_refused_at_the_start(monkeypatch, tmp_path):
    """Before anything is built."""
    hooks.on_startup()
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    with pytest.raises(RuntimeError, match="`hw4lib` comes from"):
        hooks.on_startup()


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """A library with a syntax error in its third line."""
    monkeypatch.setattr(hooks, "_run", hooks._Run())
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    (tmp_path / "hw4lib").mkdir()
    (tmp_path / "hw4lib" / "sums.py").write_text('"""Sums."""\n\ndef one(:\n')
    (tmp_path / "hw4lib" / "fine.py").write_text("one = 1\n")
    return "hw4lib/sums.py:3: invalid syntax"


def test_a_syntax_error_of_the_library_ends_a_build(site, broken):
    """With its file and line, and before a page runs."""
    with pytest.raises(PluginError, match=broken):
        hooks.on_files(site.files, config(site, "markdown-exec"))
    assert site.ahead == []


def test_a_syntax_error_of_the_library_is_served_as_a_page(
    site, broken, caplog, monkeypatch
):
    """With its file and line at every address; when it is mended, pages are pages."""
    monkeypatch.setattr(hooks.after_build, "write", pytest.fail)
    monkeypatch.setattr(blocks, "require_own_library", lambda: None)
    hooks.on_startup(command="serve", dirty=False)
    hooks.on_files(site.files, config(site, "markdown-exec"))
    assert site.ahead == []
    assert broken in caplog.text
    assert broken in hooks.on_page_markdown("# Page", page=None)
    hooks.on_post_build(config(site))

    (blocks.ROOT / "hw4lib" / "sums.py").write_text("one = 1\n")
    hooks.on_files(site.files, config(site, "markdown-exec"))
    assert site.ahead == [site.docs]
    assert hooks.on_page_markdown("# Page", page=None) == "# Page"


def test_what_goes_wrong_after_the_build_is_an_error(monkeypatch, tmp_path, caplog):
    """Which ends a strict build."""
    monkeypatch.setattr(hooks.after_build, "write", lambda *_: ["search: no place"])
    extra = {"python": ""}
    built = SimpleNamespace(docs_dir=tmp_path, site_dir=tmp_path, extra=extra)
    hooks.on_post_build(built)
    assert [(r.name, r.levelname) for r in caplog.records] == [
        ("mkdocs.hw4lib", "ERROR")
    ]
    assert "search: no place" in caplog.text
