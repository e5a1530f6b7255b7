import html
import json
import re

import numpy as np
import pytest

from hw4site import explorers, figures

SHIFTS, SCALES = [0.0, 1.0, 2.0], [1.0, 2.0]
X = np.linspace(0.0, 1.0, 5)


def build(start=(0, 0), name="demo", **changes):
    """An explorer of `scale * x + shift`, with a moving point and a label."""
    figure, axes = figures.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 5))
    (curve,) = axes.plot([], [], color=figures.SERIES[0])
    (point,) = axes.plot([], [], "o")
    label = axes.text(0.1, 4, "")
    shift = np.array(SHIFTS)[:, None]
    scale = np.array(SCALES)
    heights = shift[..., None] + scale[:, None] * X
    options = {
        "sliders": [
            explorers.Slider("shift b", SHIFTS, start[0], ".1f"),
            explorers.Slider("scale a", SCALES, start[1]),
        ],
        "moving": {
            curve: (X, heights),
            point: ([1.0], (shift + scale)[..., None]),
            label: "top {top:.2f}",
        },
        "alt": "The line ends at {top:.2f}.",
        "values": {"top": shift + scale},
    }
    return explorers.to_html(figure, name, **options | changes)


def data_of(text):
    packed = re.search(r"<template data-search-exclude>(.*?)</template>", text)[1]
    return json.loads(html.unescape(packed))


def path_of(text):
    path = re.search(r'<g id="demo-m0"><path d="(.*?)"', text)[1]
    steps = np.array(re.findall(r"-?[\d.]+", path), dtype=float).reshape(-1, 2)
    return steps.cumsum(axis=0)


@pytest.mark.parametrize("start", [(0, 0), (2, 1), (1, 0)])
def test_what_travels_is_what_matplotlib_draws(start):
    """Each frame in the data is the path of the figure drawn at that frame."""
    lines = data_of(build())["lines"]
    frame = start[0] * len(SCALES) + start[1]
    drawn = path_of(build(start))
    x, y = (rows[index[frame]] for rows, index in lines[0])
    actual = np.stack([x, y], axis=1) / 10
    # Matplotlib leaves out points on a straight line; its ends remain. Both round.
    np.testing.assert_allclose(actual[[0, -1]], drawn[[0, -1]], rtol=0, atol=0.1)


def test_what_does_not_change_travels_once():
    """The abscissas are the same for all of the grid, and so are equal ordinates."""
    (x, _), (y, index) = data_of(build())["lines"][0]
    assert len(x) == 1
    assert len(y) == len(SHIFTS) * len(SCALES) == len(index)

    flat = {"values": {"top": [1, 2]}, "alt": "{top}"}
    figure, axes = figures.subplots()
    (line,) = axes.plot([], [])
    text = explorers.to_html(
        figure,
        "flat",
        sliders=[explorers.Slider("n", [1, 2])],
        moving={line: (X, np.stack([X, X]))},
        **flat,
    )
    _, (y, index) = data_of(text)["lines"][0]
    assert len(y) == 1
    assert index == [0, 0]


def test_words_follow_the_values():
    """Alt text and label name the value at every grid point."""
    data = data_of(build())
    for parts, columns in (data["alt"], data["texts"][0]):
        texts, index = columns[0]
        shown = [texts[i] for i in index]
        assert shown == [f"{b + a:.2f}" for b in SHIFTS for a in SCALES]
        assert parts
    assert 'aria-label="The line ends at 1.00."' in build()
    assert ">top 1.00<" in build()


def test_sliders_are_native_and_labeled():
    """Keyboard and touch work as everywhere, and a screen reader says the value."""
    text = build(start=(1, 0))
    for field in re.findall(r'<input type="range" id="(.*?)"', text):
        assert f'<label for="{field}">' in text
        assert f'<output for="{field}">' in text
    assert 'aria-valuetext="1.0"' in text
    assert 'value="1"' in text


def test_words_are_a_choice():
    """A row of options and not a slider, the start one chosen."""
    sliders = [
        explorers.Slider("shift b", SHIFTS),
        explorers.Slider("kind", ["a < b", "plain"], 1),
    ]
    text = build(sliders=sliders)
    legend, *labels = re.findall(r"<(?:legend|label)>(.*?)</(?:legend|label)>", text)
    assert legend == "kind"
    assert [label.split(">")[1] for label in labels] == ["a &lt; b", "plain"]
    assert [" checked" in label for label in labels] == [False, True]
    assert text.count('type="range"') == 1


def test_a_missing_point_is_no_point():
    """NaN leaves a gap instead of a lie."""
    figure, axes = figures.subplots()
    (line,) = axes.plot([], [], "s")
    text = explorers.to_html(
        figure,
        "gap",
        sliders=[explorers.Slider("n", [1, 2])],
        moving={line: ([0.0, 1.0], [[0.0, np.nan], [0.0, 1.0]])},
        alt="{n} points",
        values={"n": [1, 2]},
    )
    _, (y, index) = data_of(text)["lines"][0]
    assert y[index[0]][1] is None
    assert y[index[1]][1] is not None


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"alt": "{bottom}"}, KeyError, "bottom"),
        ({"values": {"top": [1.0, 2.0, 3.0]}}, ValueError, "could not be broadcast"),
        ({"moving": {figures.subplots()[1]: "axes"}}, TypeError, "no line and no text"),
        (
            {"moving": {figures.subplots()[1].plot([])[0]: ([0], [np.nan])}},
            ValueError,
            "no point at the start",
        ),
    ],
)
def test_refuses_what_does_not_fit(changes, error, message):
    """A template's unknown name, a wrong shape, and an artist that can not move."""
    with pytest.raises(error, match=message):
        build(**changes)
