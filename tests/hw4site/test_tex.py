"""The TeX of formulas: in a list beside the page, and no longer in it."""

import json

import markdown

from hw4site import tex


def test_each_formula_leaves_its_tex_in_a_list(tmp_path):
    """In the order of reading, quotes and signs as they were typed."""
    source = 'One $a < b$ and $\\text{"o}$.\n\n$$\n\\frac12 > x\n$$\n'
    page, bare = tmp_path / "deep" / "page.html", tmp_path / "bare.html"
    page.parent.mkdir()
    page.write_text(
        markdown.markdown(
            source,
            extensions=["pymdownx.arithmatex", "hw4site.extension"],
            extension_configs={"pymdownx.arithmatex": {"generic": True}},
        ),
        encoding="utf-8",
    )
    bare.write_text('<a data-tex="x">no formula</a>', encoding="utf-8")
    before = page.read_text(encoding="utf-8")

    tex.write(tmp_path)

    script = page.with_suffix(".tex.js").read_text(encoding="utf-8")
    listed = json.loads(script.removeprefix("hw4Tex = ").removesuffix(";\n"))
    assert listed == ["a < b", '\\text{"o}', "\\frac12 > x"]
    assert before.count("data-tex") == 3
    assert "data-tex" not in page.read_text(encoding="utf-8")
    assert "data-tex" in bare.read_text(encoding="utf-8")
    assert not bare.with_suffix(".tex.js").exists()

    tex.write(tmp_path)  # as a server does once more: what is finished stays
    assert page.with_suffix(".tex.js").read_text(encoding="utf-8") == script
