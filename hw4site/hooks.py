"""MkDocs hooks: what stands beside the pages of the site is written after the build.

Builders without hooks run the same from the command line, `python -m`.
"""

import logging
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files

from hw4site import after_build, blocks
from hw4site.extension import typeset_ahead
from hw4site.mathematics import font


def on_startup(**_: object) -> None:
    """Refuse to build with another checkout's library."""
    blocks.require_own_library()


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Start with the pages that have no blocks: another process runs those that do."""
    if "markdown-exec" in config.plugins:
        ahead = {str(path) for path in blocks.run_ahead(Path(config.docs_dir))}
        for file in [file for file in files if file.abs_src_path in ahead]:
            files.remove(file)
            files.append(file)
    font.characters_ahead()
    for file in files.documentation_pages():
        typeset_ahead(file.content_string)
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Write beside the site the pages to take along, and what runs them there."""
    docs, site = Path(config.docs_dir), Path(config.site_dir)
    for fault in after_build.write(docs, site, config.extra.get("python", "")):
        _log.error(fault)


_log = logging.getLogger("mkdocs.hw4lib")
