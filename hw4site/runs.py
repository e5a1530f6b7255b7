"""Each page's blocks run from a fresh start, and not again while nothing has changed.

markdown-exec keeps a session for the life of the process: under `mkdocs serve` a name
that a page no longer defines would still be there, and an edited library would not be
imported again. So the extension announces each page before its blocks run. If neither
the page's text nor the library differs from the last time, the blocks give what they
gave then; otherwise the session, the library and NumPy's settings are fresh.

With a library that is new, a process of its own runs the pages ahead, while this one
makes pages out of what has no blocks. What it could not run is run here, as if it had
not been there.
"""

import importlib
import sys
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from markdown_exec._internal.formatters import python as markdown_exec_python
from markdown_exec._internal.formatters.base import ExecutionError
from markdown_exec._internal.rendering import code_block

from hw4site.pages import Page, read_pages
from hw4site.values import VALUE, evaluate

_LIBRARY = Path(__file__).parents[1]
_PRINTING = np.get_printoptions()
_FLOATING = np.geterr()


@dataclass
class Run:
    """What became of a page's blocks.

    Attributes:
        text: The page as Python-Markdown was given it.
        codes: Each block that ran, in order.
        outputs: What each printed.
        values: The values of the page's expressions, if another process has run it.
        failed: Whether one of them raised an error.
        replayed: How many outputs have been given again since the last start.
    """

    text: str
    codes: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    failed: bool = False
    replayed: int | None = None


class _Ahead(NamedTuple):
    """A run in another process, and the library that it ran with."""

    run: Run
    library: dict[Path, bytes]


_runs: dict[str, Run] = {}
_library: dict[Path, bytes] = {}
_ahead: dict[str, Future[_Ahead]] = {}


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
    return _Ahead(run, _library)


def _taken(session: str, text: str) -> Run | None:
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
    _runs[session] = Run(text)
    markdown_exec_python._sessions_globals.pop(session, None)
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


def names(session: str) -> dict[str, Any]:
    """Return the variables of a session."""
    return markdown_exec_python._sessions_globals.get(session, {})


def value(session: str, expression: str) -> object:
    """Return the value of an expression over the variables of a session."""
    run = _runs.get(session)
    if run is not None and expression in run.values:
        return run.values[expression]
    return evaluate(expression, names(session))


def _refresh_library() -> bool:
    """Forget the library's modules, and every run, if one of its files has changed.

    What shows the numbers stays: no number passes through it.

    Returns:
        Whether the library is new: changed, or looked at for the first time.
    """
    paths = (p for p in _LIBRARY.rglob("*.py") if _LIBRARY / "site" not in p.parents)
    library = {path: path.read_bytes() for path in paths}
    if library == _library:
        return False
    first = not _library
    _library.clear()
    _library.update(library)
    if first:  # what is imported is what is there
        return True
    _runs.clear()
    for name in list(sys.modules):
        if name.split(".")[0] == "hw4lib" and not name.startswith("hw4site"):
            del sys.modules[name]
    importlib.invalidate_caches()
    return True


def _run_block(
    code: str,
    returncode: int | None = None,
    session: str | None = None,
    id: str | None = None,  # noqa: A002 - markdown-exec passes it by this name
    **extra: str,
) -> str:
    """Run a block as markdown-exec does, or give again what it gave."""
    run = _runs.get(session or "")
    if run is None:
        return _run_python(code, returncode, session, id, **extra)
    if run.replayed is not None:
        run.replayed += 1
        return run.outputs[run.replayed - 1]
    try:
        output = _run_python(code, returncode, session, id, **extra)
    except ExecutionError:
        run.failed = True
        raise
    except SystemExit as error:
        # It would end the build without an error and without a site.
        run.failed = True
        message = code_block("python", f"SystemExit: {error}")
        raise ExecutionError(message) from error
    run.codes.append(code)
    run.outputs.append(output)
    return output


def _print(
    buffer: TextIO,
    *values: object,
    sep: str | None = None,
    end: str | None = None,
    file: TextIO | None = None,
    **_flush: bool,
) -> None:
    """Print as Python does; markdown-exec's own forgets `sep` and `file`."""
    text = (" " if sep is None else sep).join(map(str, values))
    (file or buffer).write(text + ("\n" if end is None else end))


# markdown-exec looks both up by their names at each block.
markdown_exec_python._buffer_print = _print
_run_python = markdown_exec_python._run_python
markdown_exec_python._run_python = _run_block
