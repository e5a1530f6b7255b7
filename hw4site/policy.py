"""The content security policy of every page: what its scripts may talk to.

The site's own files and where Python comes from, and no other host. Code that a reader
runs, perhaps from a stranger's link, talks to nothing at all: `docs/assets/editor.js`
runs it in a frame without an origin, under a policy of its own.
"""

from collections.abc import Iterable
from pathlib import Path

_META = '<meta http-equiv="Content-Security-Policy" content="{policy}">'
_HEAD = '<meta charset="utf-8">'


def policy(hosts: Iterable[str]) -> str:
    """Return the policy.

    Args:
        hosts: The origins from which browsers load Python, such as
            `https://cdn.jsdelivr.net`.
    """
    origins = " ".join(["'self'", *sorted(hosts)])
    return f"connect-src {origins}; object-src 'none'; base-uri 'self'"


def write(site: Path, hosts: Iterable[str]) -> None:
    """Put the policy into the head of every page of a built site.

    Args:
        site: The folder of the built site.
        hosts: As for `policy`.

    Raises:
        ValueError: If a page does not name its character set first.
    """
    meta = _META.format(policy=policy(hosts))
    for path in sorted(site.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        if meta in text:
            continue
        head, found, rest = text.partition(_HEAD)
        if not found:
            raise ValueError(f"`{path}` has no `{_HEAD}`, expected one")
        path.write_text(f"{head}{_HEAD}{meta}{rest}", encoding="utf-8")
