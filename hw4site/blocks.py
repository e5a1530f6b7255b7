"""Runs the blocks of each page from a fresh start, and only when something has changed.

markdown-exec keeps a session for the life of its process: under `mkdocs serve` a name
that a page no longer defines would still be there, and an edited library would not be
imported again. So `formatter` gives markdown-exec's own `base_format` a `run` of ours.
The extension announces each page with `start` before its blocks run. If neither the
page's text nor the library differs from the last time, the blocks give what they gave
then; otherwise the session, the library and NumPy's settings are fresh.

With a library that is new, a process of its own runs the pages ahead, while this one
makes pages out of what has no blocks. What it could not run is run here, as if it had
not been there.
"""

import ast
import importlib
import linecache
import sys
import traceback
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from markdown import Markdown
from markdown_exec import ExecutionError, base_format, code_block

from hw4site.figures import STYLE
from hw4site.pages import Page, read_pages
from hw4site.values import VALUE, evaluate

ROOT = Path(__file__).parents[1]
"""The checkout: the library beside `mkdocs.yml` is the one that the pages run."""

_PRINTING = np.get_printoptions()
_FLOATING = np.geterr()


@dataclass
class PageRun:
    """What became of a page's blocks."""

    text: str
    """The page as Python-Markdown was given it."""
    names: dict[str, Any] = field(default_factory=dict)
    """The variables, where this process ran the blocks."""
    codes: list[str] = field(default_factory=list)
    """Each block that ran, in order."""
    outputs: list[str] = field(default_factory=list)
    """What each printed."""
    values: dict[str, object] = field(default_factory=dict)
    """The values of the page's expressions, where another process ran the blocks."""
    failed: bool = False
    """Whether one of them raised an error."""
    replayed: int | None = None
    """How many outputs have been given again since the last start."""


class _Ahead(NamedTuple):
    """A run in another process, and the library that it ran with."""

    run: PageRun
    library: dict[Path, bytes]


_runs: dict[str, PageRun] = {}
_library: dict[Path, bytes] = {}
_ahead: dict[str, Future[_Ahead]] = {}


def formatter(
    source: str,
    language: str,
    css_class: str,  # noqa: ARG001
    options: dict[str, Any],
    md: Markdown,
    **_: object,
) -> str:
    """Return the HTML of an executed block, as superfences asks for it.

    The blocks of a page, which share its session, keep their names; one without a
    session has names of its own.
    """
    return base_format(language=language, run=_run_block, code=source, md=md, **options)


def require_own_library() -> None:
    """Refuse to build with a library that is not the one beside `mkdocs.yml`.

    Raises:
        RuntimeError: If `hw4lib` comes from another folder, such as an original of
            which this checkout is a copy.
    """
    module = importlib.import_module("hw4lib")
    found = Path(str(module.__file__)).resolve().parent
    if found != ROOT.resolve() / "hw4lib":
        raise RuntimeError(
            f"`hw4lib` comes from {found}, expected {ROOT / 'hw4lib'}: "
            "use `python -m mkdocs` in this folder, or `make`"
        )


def unreadable() -> list[str]:
    """Return the syntax errors of the library, as `path:line: message`."""
    found = []
    for path in sorted((ROOT / "hw4lib").rglob("*.py")):
        try:
            compile(path.read_bytes(), path, "exec", flags=ast.PyCF_ONLY_AST)
        except SyntaxError as error:
            name = path.relative_to(ROOT).as_posix()
            found.append(f"{name}:{error.lineno}: {error.msg}")
    return found


def run_ahead(docs: Path) -> set[Path]:
    """Have another process run a folder's pages if the library is new.

    Returns:
        The pages that have blocks.
    """
    pages = [page for page in read_pages(docs) if page.executed]
    if _refresh_library():
        # A new interpreter on every system, in which nothing has happened yet.
        pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        _ahead.update({page.session: pool.submit(_run_page, page) for page in pages})
        pool.shutdown(wait=False)
    return {page.path for page in pages}


def _run_page(page: Page) -> _Ahead:
    start(page.session, page.text)
    for fence in page.executed:
        _run_block(fence.code, session=page.session)
    run = _runs[page.session]
    for match in VALUE.finditer(page.text):
        expression = match[1].strip()
        with suppress(Exception):  # a page that reads it runs where it can say so
            run.values[expression] = value(page.session, expression)
    run.names = {}  # not all of them can be sent to another process
    return _Ahead(run, _library)


def _taken(session: str, text: str) -> PageRun | None:
    """Return what another process has made of a page, if it ran it as it is."""
    if session not in _ahead:
        return None
    try:
        run, library = _ahead.pop(session).result()
    except Exception:  # it shows again where the page runs here
        return None
    page = Page(Path(), text)
    same = run.codes == [fence.code for fence in page.executed]
    known = {value.expression for value in page.values} <= run.values.keys()
    if not (same and known and library == _library):
        return None
    run.text = text
    return run


def start(session: str, text: str) -> None:
    """Announce that the blocks of a page are about to run.

    Args:
        session: The page's session.
        text: The page's text.
    """
    _refresh_library()
    run = _runs.get(session) or _taken(session, text)
    if run is not None and run.text == text and not run.failed:
        run.replayed = 0
        _runs[session] = run
        return
    _runs[session] = PageRun(text)
    np.set_printoptions(**_PRINTING)
    np.seterr(**_FLOATING)


def finished(session: str, codes: list[str]) -> list[str] | None:
    """Return what a page's blocks printed, if it has run as it is.

    Args:
        session: The page's session.
        codes: The page's blocks.
    """
    run = _runs.get(session)
    same = run is not None and not run.failed and run.codes == codes
    return list(run.outputs) if run is not None and same else None


def value(session: str, expression: str) -> object:
    """Return the value of an expression over the variables of a session."""
    run = _runs.get(session)
    if run is not None and expression in run.values:
        return run.values[expression]
    return evaluate(expression, run.names if run else {})


def _refresh_library() -> bool:
    """Forget the library's modules, and every run, if one of its files has changed.

    What shows the numbers stays: no number passes through it.

    Returns:
        Whether the library is new: changed, or looked at for the first time.
    """
    library = {path: path.read_bytes() for path in (ROOT / "hw4lib").rglob("*.py")}
    if library == _library:
        return False
    first = not _library
    _library.clear()
    _library.update(library)
    if first:  # what is imported is what is there
        return True
    _runs.clear()
    for name in list(sys.modules):
        if name.split(".")[0] == "hw4lib":
            del sys.modules[name]
    importlib.invalidate_caches()
    return True


def _run_block(code: str, session: str | None = None, **_: object) -> str:
    """Run a block and return what it printed; markdown-exec asks for no more."""
    run = _runs.get(session or "")
    if run is not None and run.replayed is not None:
        run.replayed += 1
        return run.outputs[run.replayed - 1]
    names = run.names if run else {}
    name = f"<block {len(run.codes) + 1} of {session}>" if run else "<block>"
    try:
        output = _execute(code, name, names)
    except (Exception, SystemExit) as error:
        # SystemExit would end the build with status 0 and without a site.
        if run:
            run.failed = True
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next  # the page's own lines are of interest, not ours
        text = "".join(traceback.format_exception(type(error), error, trace))
        raise ExecutionError(code_block("python", text)) from error
    if run:
        run.codes.append(code)
        run.outputs.append(output)
    return output


def _execute(code: str, name: str, names: dict[str, Any]) -> str:
    output = StringIO()
    names["__name__"] = "__main__"
    names["print"] = partial(print, file=output)
    # So that a traceback shows the block's own lines.
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    with mpl.rc_context(STYLE):
        exec(compile(code, name, "exec"), names)
    return output.getvalue()
