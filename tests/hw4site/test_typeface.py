"""The typeface: what pages use, and no more; written once."""

from io import BytesIO

from fontTools.ttLib import TTFont

from hw4site import typeface


def test_faces_hold_the_characters_of_pages(tmp_path):
    """Letters, signs and arrows, and no more."""
    typeface.write(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        f"text-{name}.woff2" for name in typeface.FACES
    }
    for path in tmp_path.iterdir():
        assert path.stat().st_size < 13_000
        with TTFont(path) as font:
            known = font.getBestCmap()
            missing = [c for c in "aZ09éŁ–—“”…−≤≥′₁" if ord(c) not in known]
            assert missing == []
            assert ord("Ж") not in known


def test_what_is_there_is_not_written_again(tmp_path):
    """A build while serving takes no time for it, until this module changes."""
    typeface.write(tmp_path)
    path = tmp_path / "text-regular.woff2"
    path.write_bytes(b"kept")
    typeface.write(tmp_path)
    assert path.read_bytes() == b"kept"


def test_the_same_face_is_the_same_bytes():
    """No date, no chance."""
    first = typeface.woff2("It")
    assert typeface.woff2("It") == first
    assert TTFont(BytesIO(first)).flavor == "woff2"


def test_pages_ask_for_upright_faces_before_the_style_sheet(tmp_path):
    """Once, from where the style sheet is; a page without one asks for none."""
    style = '<title>T</title><link href="../assets/site.css">'
    page, bare = tmp_path / "page.html", tmp_path / "bare.html"
    page.write_text(style, encoding="utf-8")
    bare.write_text("<title>T</title>", encoding="utf-8")

    typeface.preload(tmp_path)
    typeface.preload(tmp_path)

    script, _, rest = page.read_text(encoding="utf-8").partition("<title>")
    assert f"<title>{rest}" == style
    assert script.count("<script>") == script.count('rel: "preload"') == 1
    assert script.endswith("('../assets/')</script>")
    assert bare.read_text(encoding="utf-8") == "<title>T</title>"
