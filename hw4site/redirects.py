"""Addresses of pages that moved, and what stands there: a page that leads on.

A static site cannot answer with a redirect. The page at the old address loads the new
one at once, and keeps the place in it that a link named.
"""

from pathlib import Path

_ARCHITECTURE = "reference/architecture"

MOVED = {
    "mathematics.html": "contributing/mathematics.html",
    "reference/noisy_targets.html": "reference/noisy_targets/loss.html",
    "reference/adversarial_example.html": "reference/adversarial_example/space.html",
    f"{_ARCHITECTURE}/positional_encoding.html": f"{_ARCHITECTURE}/encoding.html",
    f"{_ARCHITECTURE}/graph_attention.html": f"{_ARCHITECTURE}/graph.html",
}
"""Old addresses of pages, to the new ones; `docs/assets/moved.js` knows the anchors."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Moved</title>
<meta name="robots" content="noindex">
<script src="{up}assets/moved.js" data-to="{to}"></script>
<meta http-equiv="refresh" content="1; url={to}">
</head>
<body><p>This page is now <a href="{to}">here</a>.</p></body>
</html>
"""


def write(site: Path) -> None:
    """Write a page at each old address of a built site.

    Args:
        site: The folder of the built site.

    Raises:
        ValueError: If a new address has no page, or an old one still has.
    """
    for old, new in MOVED.items():
        if not (site / new).is_file():
            raise ValueError(
                f"`{new}` has no page, expected one to lead to from `{old}`"
            )
        path = site / old
        up = "../" * old.count("/")
        page = _PAGE.format(up=up, to=up + new)
        if path.is_file() and path.read_text(encoding="utf-8") != page:
            raise ValueError(f"`{old}` has a page, expected none at an old address")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
