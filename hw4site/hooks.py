"""MkDocs hooks: what stands beside the pages of the site is written after the build.

Builders without hooks run the same from the command line, `python -m`.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files

from hw4site import after_build, blocks
from hw4site.extension import typeset_ahead
from hw4site.mathematics import font

# MkDocs counts what is logged below its own name.
_log = logging.getLogger("mkdocs.hw4lib")


@dataclass
class _Run:
    """What a server remembers from one build to the next."""

    serving: bool = False
    unreadable: list[str] = field(default_factory=list)
    """The syntax errors of the library."""


_run = _Run()


def on_startup(command: str = "build", **_: object) -> None:
    """Refuse to build with another checkout's library."""
    _run.serving = command == "serve"
    blocks.require_own_library()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Start with the pages that have no blocks: another process runs those that do.

    Raises:
        PluginError: If the library has a syntax error. A server shows the error in
            place of every page, since readers would wait for a failed build.
    """
    _run.unreadable = blocks.unreadable()
    if _run.unreadable:
        if not _run.serving:
            raise PluginError("\n".join(_run.unreadable))
        _log.error("\n".join(_run.unreadable))
        return files
    if "markdown-exec" in config.plugins:
        ahead = {str(path) for path in blocks.run_ahead(Path(config.docs_dir))}
        for file in [file for file in files if file.abs_src_path in ahead]:
            files.remove(file)
            files.append(file)
    font.characters_ahead()
    for file in files.documentation_pages():
        typeset_ahead(file.content_string)
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Show the library's syntax errors in place of a page, if there are any."""
    listed = "".join(f"    {error}\n" for error in _run.unreadable)
    return f"# Syntax error in the library\n\n{listed}" if listed else markdown


def on_post_build(config: MkDocsConfig) -> None:
    """Write beside the site the pages to take along, and what runs them there."""
    if _run.unreadable:
        return
    docs, site = Path(config.docs_dir), Path(config.site_dir)
    for fault in after_build.write(docs, site, config.extra.get("python", "")):
        _log.error(fault)
