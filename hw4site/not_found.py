"""The page for an address that the site does not have: where to go from there."""

import re
from pathlib import Path

from bs4 import BeautifulSoup

_ARTICLE = re.compile(r"(<article[^>]*>).*?(?=</article>)", re.DOTALL)
_SAID = (
    # Zensical has a link that skips to here.
    '<h1 id="__skip">There is no such page</h1>'
    "<p>It may have moved, or the address has a slip. "
    "The field at the top searches all pages. Or start here:</p>"
)
# Home and the five problems are the first in the navigation.
_FIRST = ".md-nav--primary > .md-nav__list > .md-nav__item > a[href]"


def write(site: Path) -> None:
    """Fill the page that hosts show for an address that is not there.

    Args:
        site: The folder of the built site.
    """
    path = site / "404.html"
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    links = BeautifulSoup(text, "html.parser").select(_FIRST)[:6]
    for link in links:
        link.attrs = {"href": link["href"]}
        link.string = " ".join(link.get_text().split())
    listed = "".join(f"<li>{link}</li>" for link in links)
    text = _ARTICLE.sub(rf"\g<1>{_SAID}<ul>{listed}</ul>", text, count=1)
    path.write_text(text, encoding="utf-8")
