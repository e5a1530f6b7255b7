"""MkDocs hooks: what stands beside the pages of the site is written after the build.

Builders without hooks run the same from the command line, `python -m`.
"""

import gc
import logging
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

from hw4lib.site import beside


def on_startup(**_: object) -> None:
    """Look for garbage less often: nearly all that a build makes is there to stay."""
    gc.set_threshold(100_000)


def on_post_build(config: MkDocsConfig) -> None:
    """Write beside the site the pages to take along, and what runs them there."""
    docs, site = Path(config.docs_dir), Path(config.site_dir)
    for fault in beside.write(docs, site, config.extra.get("python", "")):
        _log.error(fault)


_log = logging.getLogger("mkdocs.hw4lib")
