"""What a drawing shows comes to lie where SVG puts it."""

import pytest

from hw4site.mathematics.drawing import Box, Glyph, contours, parse

FRAME = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -800 2000 1000">'
    '<g transform="scale(1,-1)"><g data-mml-node="math">{}</g></g></svg>'
)


def test_transforms_apply_from_the_outside_in():
    """Shifted by 100, halved, then shifted by 10 of the halves."""
    drawing = parse(
        FRAME.format(
            '<g data-mml-node="mi" transform="translate(100,40) scale(0.5)">'
            '<path data-c="78" d="M0 0H1Z" transform="translate(10, 4)"/></g>'
        )
    )

    assert drawing.box == Box(0, -800, 2000, 200)
    (part,) = drawing.parts
    assert part.x == 100
    assert part.operator == ""
    assert part.items == [Glyph("M0 0H1Z", 105, -42, 0.5)]


def test_a_rectangle_is_a_bar():
    drawing = parse(FRAME.format('<rect x="5" y="7" width="20" height="3"/>'))

    assert drawing.parts[0].items == [Box(5, -10, 25, -7)]


def test_a_stretched_glyph_is_seen_through_its_window():
    """A bar of 100 by 10, stretched to 400, of which 300 are inside."""
    drawing = parse(
        FRAME.format(
            '<g data-mml-node="mo"><svg x="1000" y="0" viewBox="50 0 300 100">'
            '<path data-c="2D" d="M0 20V30H100V20Z" transform="scale(4,1)"/></svg></g>'
        )
    )

    (part,) = drawing.parts
    assert part.operator == "-"
    assert part.items == [Box(1000, -30, 1300, -20)]


def test_a_blank_draws_nothing():
    drawing = parse(FRAME.format('<g data-mml-node="mtext"><path data-c="A0"/></g>'))

    assert drawing.parts[0].items == []


def test_contours_are_boxes():
    """Horizontal, vertical and curved commands count."""
    assert list(contours("M1 2H5V9Q-3 4 0 0ZM10 10L20 30Z")) == [
        Box(-3, 0, 5, 9),
        Box(10, 10, 20, 30),
    ]


@pytest.mark.parametrize(
    ("element", "cause"),
    [
        ("<text>é</text>", "no glyph for `é`"),
        ('<rect width="1" height="1" fill="none"/>', "boxes"),
        ('<line x1="1"/>', "lines in tables"),
        ("<a/>", "links"),
    ],
)
def test_anything_else_is_refused(element, cause):
    with pytest.raises(ValueError, match=cause):
        parse(FRAME.format(element))
