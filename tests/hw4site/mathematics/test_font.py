"""The font holds what the pages use, and is the same bytes each time."""

import io
import os
import re
import runpy
import sys
from pathlib import Path

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont

from hw4site.mathematics import font


@pytest.fixture(scope="module")
def built() -> TTFont:
    return TTFont(io.BytesIO(font.woff2()))


def test_each_outline_has_a_character_of_its_own():
    """Of one UTF-16 unit, because browsers count those when they place letters."""
    characters = list(font.characters().values())

    assert len(set(characters)) == len(characters)
    assert all(len(text.encode("utf-16-le")) == 2 for text in characters)


def test_its_formulas_are_asked_for_ahead(asked):
    """It looks at no other, so that it does not wait for those of the pages."""
    font.characters_ahead()

    assert font.characters.__wrapped__() == font.characters()
    assert sum(map(len, asked)) == len(set(font._SPECIMEN))


@pytest.mark.parametrize("letter", "aAzZhαω0+=≤∑√(′")
def test_a_letter_is_itself(letter):
    """What is selected or searched reads as one expects."""
    assert (letter in font.characters().values()) == (letter != "′")


def test_the_outlines_are_those_of_mathjax(built):
    """Each glyph is as high and as wide as the extreme points of its path allow."""
    glyphs, names = built.getGlyphSet(), built.getBestCmap()
    for outline, character in font.characters().items():
        pen = BoundsPen(glyphs)
        glyphs[names[ord(character)]].draw(pen)
        # Straight outlines only: a curve may stay inside of its control points.
        if not re.search("[QT]", outline):
            numbers = re.findall(r"[MLH](-?\d+)", outline)
            xs = [int(n) for n in numbers]
            assert pen.bounds[::2] == (min(xs), max(xs))
        assert pen.bounds[2] > pen.bounds[0]


def test_two_builds_give_the_same_bytes():
    first = font.woff2()
    font.woff2.cache_clear()

    assert font.woff2() == first


def test_it_is_light():
    """A reader on a phone waits for it."""
    assert len(font.woff2()) < 19_000


def test_it_is_written_once(tmp_path):
    """A server that watches the folder would build again and again."""
    path = tmp_path / "assets" / "mathematics.woff2"
    font.write(path)
    assert path.read_bytes() == font.woff2()

    path.write_bytes(b"newer")
    font.write(path)
    assert path.read_bytes() == b"newer"


def test_it_is_written_again_when_the_module_has_changed(tmp_path):
    path = tmp_path / "mathematics.woff2"
    path.write_bytes(b"older")
    before = Path(font.__file__).stat().st_mtime - 1
    os.utime(path, (before, before))

    font.write(path)

    assert path.read_bytes() == font.woff2()


def test_it_is_written_from_the_command_line(tmp_path, monkeypatch):
    """For builders that run no hooks."""
    path = tmp_path / "mathematics.woff2"
    monkeypatch.setattr(sys, "argv", ["mathematics", str(path)])

    runpy.run_module("hw4site.mathematics", run_name="__main__")

    assert path.read_bytes() == font.woff2()
