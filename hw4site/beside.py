"""Everything that a build writes beside its pages.

MkDocs and ProperDocs come here through their hooks; after another builder it is
`python -m hw4site.beside docs SITE`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hw4site import export, runtime
from hw4site.mathematics import font


def write(docs: Path, site: Path, python: str = "") -> list[str]:
    """Write the pages to take along, the font of the formulas, and the runtime.

    Args:
        docs: The folder of the pages.
        site: The folder of the built site.
        python: Where browsers load Python from, see `runtime.write`.

    Returns:
        What went wrong, a line a page.
    """
    font.write(site / "assets" / "mathematics.woff2")
    runtime.write(docs, site, python)
    return export.export(docs, site)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="hw4site.beside")
    parser.add_argument("docs", type=Path, help="folder of the pages")
    parser.add_argument("site", type=Path, help="folder of the built site")
    options = parser.parse_args(arguments)
    sys.exit("\n".join(write(options.docs, options.site)) or 0)


if __name__ == "__main__":
    main()
