"""The page for an address that the site does not have: where to go from there."""

from pathlib import Path

from bs4 import BeautifulSoup, Tag

_SAID = (
    "It may have moved, or the address has a slip. "
    "The field at the top searches all pages. Or start here:"
)


def write(site: Path) -> None:
    """Fill the page that hosts show for an address that is not there.

    Args:
        site: The folder of the built site.
    """
    path = site / "404.html"
    if not path.exists():
        return
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    article = page.select_one("article")
    if article is None:
        return
    article.clear()
    article.append(_tag(page, "h1", "There is no such page"))
    article.append(_tag(page, "p", _SAID))
    listed = page.new_tag("ul")
    for link in _links(page):
        entry = page.new_tag("li")
        anchor = _tag(page, "a", " ".join(link.get_text().split()))
        anchor["href"] = link["href"]
        entry.append(anchor)
        listed.append(entry)
    article.append(listed)
    path.write_text(str(page), encoding="utf-8")


def _links(page: BeautifulSoup) -> list[Tag]:
    """Return the links to home and the five problems: the first of the navigation."""
    links = page.select(".md-nav--primary > .md-nav__list > .md-nav__item > a[href]")
    return links[:6]


def _tag(page: BeautifulSoup, name: str, text: str) -> Tag:
    tag = page.new_tag(name)
    tag.string = text
    return tag
