"""Every page's blocks, run as a reader runs them, with warnings as errors.

A traceback shows the page's own file and line.
"""

from pathlib import Path

import numpy as np
import pytest

from hw4lib.site.pages import Page, read_pages
from hw4lib.site.values import fill

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [page for page in read_pages(DOCS) if page.executed]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.session)
def test_blocks_and_values(page: Page) -> None:
    """Every assertion holds, every check prints, every value is one."""
    names: dict[str, object] = {}
    with np.errstate(), np.printoptions():
        for fence, output in page.run(names):
            speaks = "result" in fence.options or fence.figure
            assert bool(output.strip()) == speaks, f"{page.path}:{fence.line}"

        fill(page.markdown, names, lambda fault: pytest.fail(f"{page.path}: {fault}"))
