"""MkDocs hooks: a rebuild starts from the library and the pages as they are now.

While `mkdocs serve` runs, an imported module and a session of markdown-exec would
otherwise outlive the edit that changed them, and the page would show stale numbers.
"""

import importlib
import logging
import sys
from pathlib import Path

from markdown_exec._internal.formatters import python as markdown_exec_python
from mkdocs.config.defaults import MkDocsConfig


def on_pre_build(config: MkDocsConfig) -> None:  # noqa: ARG001
    """Forget every imported module of the library and every session.

    What typesets formulas stays: no number passes through it, and it remembers those
    that it has typeset.
    """
    for name in list(sys.modules):
        if name.split(".")[0] == "hw4lib" and not name.startswith(_KEPT):
            del sys.modules[name]
    importlib.invalidate_caches()
    for table in (
        markdown_exec_python._sessions_globals,
        markdown_exec_python._sessions_counter,
        markdown_exec_python._code_blocks,
    ):
        table.clear()


def on_post_build(config: MkDocsConfig) -> None:
    """Write the pages to take along beside the site."""
    # Imported here: the library may have been edited since the last build.
    from hw4lib.site.export import export  # noqa: PLC0415

    for fault in export(Path(config.docs_dir), Path(config.site_dir), _exported):
        _log.error(fault)


_KEPT = "hw4lib.site.mathematics"
_exported: dict[object, dict[str, str]] = {}
_log = logging.getLogger("mkdocs.hw4lib")
