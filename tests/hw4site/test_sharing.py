"""What a shared link shows, and where a wrong one leads."""

import struct

import pytest
from bs4 import BeautifulSoup

from hw4site import not_found, sharing

HEAD = (
    "<!doctype html><html><head><title>A page</title>"
    '<meta name="description" content="What it is.">{link}</head><body></body></html>'
)


def page(path, link=""):
    """Write a page, with or without the address that it will have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD.format(link=link), encoding="utf-8")
    return path


@pytest.mark.parametrize("place", ["index.html", "beyond/page.html"])
def test_a_page_names_itself_and_the_picture(tmp_path, place):
    """By whole addresses, at any depth, and once."""
    link = f'<link rel="canonical" href="https://example.org/hw4/{place}">'
    path = page(tmp_path / place, link)
    sharing.write(tmp_path)
    sharing.write(tmp_path)
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    found = {tag["property"]: tag["content"] for tag in soup.select("meta[property]")}
    assert len(found) == len(soup.select("meta[property]"))
    assert found["og:image"] == "https://example.org/hw4/assets/share.png"
    assert found["og:url"] == f"https://example.org/hw4/{place}"
    assert found["og:title"] == "A page"
    assert found["og:description"] == "What it is."


def test_a_page_without_address_claims_none(tmp_path):
    """A copy in a folder is not shared by a link."""
    path = page(tmp_path / "index.html")
    sharing.write(tmp_path)
    assert "og:" not in path.read_text(encoding="utf-8")


def test_the_picture_has_the_size_that_previews_show(tmp_path):
    """And few bytes."""
    sharing.write(tmp_path)
    data = (tmp_path / sharing.PICTURE).read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1200, 630)
    assert len(data) < 100_000


def test_a_wrong_address_leads_to_the_problems(tmp_path):
    """With the addresses that the navigation of the page has."""
    items = "".join(
        f'<li class="md-nav__item"><a href="/{i}.html">Page {i}</a></li>'
        for i in range(9)
    )
    nav = f'<nav class="md-nav--primary"><ul class="md-nav__list">{items}</ul></nav>'
    path = tmp_path / "404.html"
    path.write_text(f"{nav}<article><h1>404</h1></article>", encoding="utf-8")
    not_found.write(tmp_path)
    article = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").article
    assert "no such page" in article.h1.get_text()
    links = [link["href"] for link in article.select("a")]
    assert links == [f"/{i}.html" for i in range(6)]


def test_a_site_without_that_page_is_left_alone(tmp_path):
    """Another builder may write none."""
    not_found.write(tmp_path)
    assert not (tmp_path / "404.html").exists()
