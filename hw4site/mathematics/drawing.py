"""A drawing of MathJax as a list of glyphs and bars, each at its place.

MathJax nests a group in a group for every node of the formula, and a viewport around
every bar that grows, and browsers pay for each of them. What is seen is glyphs in a
few sizes and filled rectangles, so that is all that is kept.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_RECTANGLE = dict.fromkeys(("x", "y", "width", "height")).keys()


class Glyph(NamedTuple):
    """An outline of MathJax's font with its origin at `x`, `y`."""

    outline: str
    x: float
    y: float
    size: float


class Box(NamedTuple):
    """A rectangle by its sides; drawn, it is the bar of a fraction, root or brace."""

    left: float
    top: float
    right: float
    bottom: float

    def meet(self, other: "Box") -> "Box":
        """Return what both cover."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )


class Part(NamedTuple):
    """A node at the top of a formula, with its character if it is an operator."""

    x: float
    operator: str
    items: list[Glyph | Box]


class Drawing(NamedTuple):
    """A formula in thousandths of the font size; `y` is 0 on the baseline, then down.

    The parts come in the order of reading, and `box` holds them all.
    """

    box: Box
    parts: list[Part]


class _Frame(NamedTuple):
    """Where a group's coordinates are in the drawing: scaled, then shifted."""

    scale_x: float = 1
    scale_y: float = 1
    x: float = 0
    y: float = 0

    def translate(self, x: float, y: float) -> "_Frame":
        return self._replace(x=self.x + self.scale_x * x, y=self.y + self.scale_y * y)

    def scale(self, x: float, y: float | None = None) -> "_Frame":
        y = x if y is None else y
        return self._replace(scale_x=self.scale_x * x, scale_y=self.scale_y * y)

    def transform(self, element: Element) -> "_Frame":
        """Return the frame of what the element holds."""
        steps = {"translate": _Frame.translate, "scale": _Frame.scale}
        frame = self
        for name, numbers in re.findall(
            r"(\w+)\(([^)]*)\)", element.get("transform", "")
        ):
            frame = steps[name](frame, *_numbers(numbers))
        return frame

    def box(self, x: float, y: float, width: float, height: float) -> Box:
        """Return where a rectangle comes to lie."""
        left, right = sorted(self.x + self.scale_x * x for x in (x, x + width))
        top, bottom = sorted(self.y + self.scale_y * y for y in (y, y + height))
        return Box(left, top, right, bottom)


def parse(svg: str) -> Drawing:
    """Return what a drawing of MathJax shows.

    Raises:
        ValueError: If it has anything but glyphs of the font and filled rectangles.
    """
    root = ElementTree.fromstring(svg)
    left, top, width, height = _numbers(root.attrib["viewBox"])
    group = root[0]
    math = group[0]
    frame = _Frame().transform(group).transform(math)
    parts = [
        Part(frame.transform(node).x, _operator(node), list(_items(node, frame)))
        for node in math
    ]
    return Drawing(Box(left, top, left + width, top + height), parts)


def contours(outline: str) -> Iterator[Box]:
    """Yield the rectangle around each contour of an outline."""
    for contour in outline.split("M")[1:]:
        xs, ys = [], []
        for command, numbers in re.findall(r"([A-Z]?)([^A-Z]*)", "L" + contour):
            values = _numbers(numbers)
            xs += values if command == "H" else [] if command == "V" else values[::2]
            ys += values if command == "V" else [] if command == "H" else values[1::2]
        yield Box(min(xs), min(ys), max(xs), max(ys))


def _items(
    element: Element, frame: _Frame, window: Box | None = None
) -> Iterator[Glyph | Box]:
    frame = frame.transform(element)
    tag = element.tag.rpartition("}")[2]
    if tag in {"g", "svg"}:
        if tag == "svg":
            left, top, width, height = _numbers(element.attrib["viewBox"])
            x, y = (float(element.get(name, 0)) for name in ("x", "y"))
            frame = frame.translate(x - left, y - top)
            window = frame.box(left, top, width, height)
        for child in element:
            yield from _items(child, frame, window)
    elif tag == "path":
        yield from _shapes(element.get("d", ""), frame, window)
    elif tag == "rect" and element.attrib.keys() <= _RECTANGLE:
        yield frame.box(*(float(element.get(name, 0)) for name in _RECTANGLE))
    elif tag == "text":
        raise ValueError(f"no glyph for `{element.text}`")
    else:
        raise ValueError("boxes, rules, lines in tables and links are not supported")


def _shapes(outline: str, frame: _Frame, window: Box | None) -> Iterator[Glyph | Box]:
    """Yield a glyph, or the bars of one that is stretched behind a window."""
    if window:
        for box in contours(outline):
            width, height = box.right - box.left, box.bottom - box.top
            yield frame.box(box.left, box.top, width, height).meet(window)
    elif outline:
        yield Glyph(outline, frame.x, frame.y, frame.scale_x)


def _operator(node: Element) -> str:
    codes = [path.get("data-c", "") for path in node.iter() if path.get("data-c")]
    is_operator = node.get("data-mml-node") == "mo" and len(codes) == 1
    return chr(int(codes[0], 16)) if is_operator else ""


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?[\d.]+", text)]
