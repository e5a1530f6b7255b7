"""Figures with sliders, over grids that the library computed at build.

The picture without JavaScript is the figure at its default. Each slider is an axis
of a grid; whatever moves is given for all of the grid, in the figure's own data
coordinates, and travels with the page in the coordinates of the drawing.
`docs/assets/site.js` only looks up and never computes.
"""

import html
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from hw4site import figures
from hw4site.values import format_value

_GAP = 100_000  # no coordinate: beyond all that are kept


@dataclass(frozen=True)
class Slider:
    """One axis of the grid: numbers on a slider, or words to choose from.

    Attributes:
        label: What it sets, in words and Unicode.
        values: Its settings, in the order of the axis.
        start: Index of the setting that the figure shows at first.
        spec: Format of a number.
    """

    label: str
    values: Sequence[float] | Sequence[str] | NDArray[Any]
    start: int = 0
    spec: str = "g"


def to_html(
    figure: Figure,
    name: str,
    *,
    sliders: Sequence[Slider],
    moving: Mapping[Artist, Any],
    alt: str,
    values: Mapping[str, ArrayLike],
    caption: str = "",
) -> str:
    """Return a figure whose sliders change it.

    Args:
        figure: The figure, its axes with limits that fit all of the grid.
        name: Unique among the figures of the site.
        sliders: The axes of the grid, of lengths `g1, g2, ...`.
        moving: What moves. A line: `(x, y)`, each of a shape that broadcasts to
            `(g1, g2, ..., points)`, NaN where a point is missing. A text: a template
            such as `"E = {E:.3f}"` over `values`.
        alt: Alt text as a template over `values`.
        values: What templates name, each of a shape that broadcasts to the grid.
        caption: Text below the figure; it does not change.

    Raises:
        KeyError: If a template names something else.
        TypeError: If something else than a line or a text moves.
        ValueError: If a shape does not fit the grid, or a line has no point at first.
    """
    grid = tuple(len(slider.values) for slider in sliders)
    start = tuple(slider.start for slider in sliders)
    lines = {a: xy for a, xy in moving.items() if isinstance(a, Line2D)}
    texts = {a: text for a, text in moving.items() if isinstance(a, Text)}
    if len(lines) + len(texts) < len(moving):
        raise TypeError("`moving` holds an artist that is no line and no text")
    frames = {a: _paths(xy, grid) for a, xy in lines.items()}
    words = {a: _words(text, values, grid) for a, text in texts.items()}
    alts = _words(alt, values, grid)

    figure.set_dpi(72)  # the unit of the drawing
    first_frame: tuple[Any, ...] = (slice(None), *start)
    for i, (line, path) in enumerate(frames.items()):
        first = path[first_frame]
        if not np.isfinite(first).all(axis=0).any():
            raise ValueError(f"line {i} of `moving` has no point at the start")
        line.set_gid(f"m{i}")
        line.set_data(*first)
    for i, (label, text) in enumerate(words.items()):
        label.set_gid(f"t{i}")
        label.set_text(text.at(start))
    gids = [artist.get_gid() or "" for artist in moving]
    controls = "".join(_control(name, i, s) for i, s in enumerate(sliders))
    drawing = figures.to_html(
        figure,
        name,
        alt=alts.at(start),
        caption=caption,
        parts=gids,
        controls=f'<div class="hw4-controls">{controls}</div>',
    )
    height = figure.bbox.height
    data = {
        "grid": grid,
        "lines": [_drawn(a, path, height) for a, path in frames.items()],
        "texts": [word.packed() for word in words.values()],
        "alt": alts.packed(),
    }
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    packed = html.escape(packed, quote=False)
    return (
        f'<div class="hw4-explorer"><hw4-explorer>{drawing}'
        f"<template data-search-exclude>{packed}</template></hw4-explorer></div>"
    )


@dataclass(frozen=True)
class _Words:
    """A template's fixed parts, and for each field the text at every grid point."""

    parts: list[str]
    fields: list[NDArray[np.str_]]

    def at(self, index: tuple[int, ...]) -> str:
        texts = [str(field[index]) for field in self.fields]
        return "".join(
            part + text
            for part, text in itertools.zip_longest(self.parts, texts, fillvalue="")
        )

    def packed(self) -> list[Any]:
        """Return the parts, then each field as its distinct texts and their indices."""
        columns = []
        for field in self.fields:
            texts, index = np.unique(field, return_inverse=True)
            columns.append([texts.tolist(), index.ravel().tolist()])
        return [self.parts, columns]


def _words(
    template: str, values: Mapping[str, ArrayLike], grid: tuple[int, ...]
) -> _Words:
    parts, fields = [], []
    for part, field, spec, _ in Formatter().parse(template):
        parts.append(part)
        if field is not None:
            array = np.broadcast_to(np.asarray(values[field]), grid)
            texts = [format_value(value, spec or "") for value in array.flat]
            fields.append(np.array(texts).reshape(grid))
    return _Words(parts, fields)


def _paths(xy: tuple[ArrayLike, ArrayLike], grid: tuple[int, ...]) -> NDArray[Any]:
    x, y = np.broadcast_arrays(*(np.asarray(values, dtype=float) for values in xy))
    return np.stack([np.broadcast_to(v, (*grid, v.shape[-1])) for v in (x, y)])


def _drawn(line: Line2D, path: NDArray[Any], height: float) -> list[Any]:
    """Return the points in tenths of the drawing's unit, x and y apart.

    What is the same at several settings is kept once: each coordinate is its distinct
    rows, and for each setting the index of its own.
    """
    drawn = line.get_transform().transform(path.reshape(2, -1).T).T.reshape(path.shape)
    drawn = np.stack([drawn[0], height - drawn[1]])
    drawn[:, ~np.isfinite(drawn).all(axis=0)] = np.nan
    packed = []
    for coordinate in drawn:
        points = coordinate.reshape(-1, coordinate.shape[-1])
        drawn_at = np.round(10 * np.clip(points, -9999, 9999))
        tenths = np.nan_to_num(drawn_at, nan=_GAP).astype(int)
        rows, index = np.unique(tenths, axis=0, return_inverse=True)
        texts = [[None if v == _GAP else v for v in row] for row in rows.tolist()]
        packed.append([texts, index.ravel().tolist()])
    return packed


def _control(name: str, axis: int, slider: Slider) -> str:
    field = f"{name}-slider-{axis}"
    if all(isinstance(value, str) for value in slider.values):
        choices = "".join(
            f'<label><input type="radio" name="{field}" value="{place}"'
            f"{' checked' if place == slider.start else ''}>{html.escape(word)}</label>"
            for place, word in enumerate(map(str, slider.values))
        )
        legend = f"<legend>{html.escape(slider.label)}</legend>"
        return f"<fieldset>{legend}{choices}</fieldset>"
    texts = [format_value(value, slider.spec) for value in slider.values]
    listed = html.escape(json.dumps(texts, ensure_ascii=False))
    return (
        f'<label for="{field}">{html.escape(slider.label)}</label>'
        f'<input type="range" id="{field}" min="0" max="{len(texts) - 1}" '
        f'value="{slider.start}" data-texts="{listed}" '
        f'aria-valuetext="{html.escape(texts[slider.start])}">'
        f'<output for="{field}">{html.escape(texts[slider.start])}</output>'
    )
