import re
from xml.etree import ElementTree

import numpy as np
import pytest

from hw4site import figures


def draw(name="curve", alt="A line from 1 to 2", **options):
    """A figure with a clipped curve, markers (shared by reference) and a legend."""
    figure, axes = figures.subplots()
    axes.plot([1, 2], [1.23456789, 2], marker="o", label="line")
    axes.legend()
    return figures.to_html(figure, name, alt=alt, **options)


def parse(text):
    return ElementTree.fromstring(text.replace("xlink:href", "href"))


def test_is_one_well_formed_element_on_one_line():
    """Markdown passes it through whole: it has no blank line and parses as XML."""
    text = draw(caption="Below & beyond")
    assert "\n" not in text
    element = parse(text)
    assert element.tag == "figure"
    assert element.get("id") == "figure-curve"
    assert element.find("figcaption").text == "Below & beyond"


def test_takes_colors_and_font_from_the_page():
    """No placeholder color and no font of its own is left."""
    text = draw()
    assert "var(--hw4-series-1)" in text
    assert "var(--hw4-ink)" in text
    assert not re.search(r"#000[1-4]0|font-family|<style|<metadata", text)


def test_every_element_is_seen_or_referred_to():
    """A browser pays for each: no group that only nests, no shape without ink."""
    svg = parse(draw()).find("svg")
    shapes = list(svg.iter())[1:]
    assert {shape.tag for shape in shapes} <= {
        *("g", "defs", "clipPath", "path", "rect", "text", "tspan", "use")
    }
    assert all(g.attrib and len(g) for g in svg.iter("g"))
    assert all(len(defs) for defs in svg.iter("defs"))
    assert "fill:none" not in [shape.get("style") for shape in shapes]


def test_keeps_the_structure_that_the_page_looks_up():
    """A part has its path and the group of its markers as children."""
    figure, axes = figures.subplots()
    (line,) = axes.plot([1, 2], [1, 2], marker="o", clip_on=False)
    line.set_gid("m0")
    svg = parse(figures.to_html(figure, "parts", alt="A line", parts=["m0"]))
    part = svg.find(".//g[@id='parts-m0']")
    assert part.find("path") is not None
    assert len(part.findall("g/use")) == 2


def test_a_curve_and_its_dots_are_where_matplotlib_has_them():
    """Steps do not drift, and a dot is as wide as its marker with the edge."""
    figure, axes = figures.subplots()
    points = np.stack([np.arange(200), np.sin(np.arange(200)) - 10.5], axis=1)
    axes.plot(*points.T, "o", color=figures.SERIES[0], linewidth=2.5, linestyle="-")
    axes.plot(*points[:3].T, "x", color=figures.SERIES[1])
    axes.plot(*points[:3].T, "D", color=figures.SERIES[2])
    svg = parse(figures.to_html(figure, "dots", alt="Dots")).find("svg")
    figure.set_dpi(72)
    expected = axes.transData.transform(points) * [1, -1] + [0, figure.bbox.height]
    path_of = {
        (style.get("stroke"), style.get("stroke-width")): (style, path)
        for path in svg.iter("path")
        if (style := dict(re.findall(r"([\w-]+):([^;]+)", path.get("style", ""))))
    }

    def drawn(series, width):
        style, path = path_of[f"var(--hw4-series-{series})", width]
        steps = re.findall(r"-?(?:\d*\.)?\d+", path.get("d"))
        return style, np.array(steps, float).reshape(-1, 2).cumsum(axis=0)

    curve = drawn(1, "2.5")[1]
    style, dots = drawn(1, "7")  # a diameter of 6, and an edge of 1
    assert style["stroke-linecap"] == "round"
    # Matplotlib leaves out some points of the curve.
    np.testing.assert_allclose(curve[[0, -1]], expected[[0, -1]], rtol=0, atol=0.06)
    np.testing.assert_allclose(dots[::2], expected, rtol=0, atol=0.06)
    np.testing.assert_allclose(dots[1::2], dots[::2], rtol=0, atol=1e-9)
    crosses = drawn(2, None)[1].reshape(3, 4, 2)
    np.testing.assert_allclose(crosses.mean(axis=1), expected[:3], rtol=0, atol=0.06)
    assert len(svg.findall(".//use")) == 3  # a diamond is no stroke


def test_dots_of_several_colors_keep_them():
    """In their order, which is what covers what."""
    figure, axes = figures.subplots()
    axes.scatter([1, 2, 3], [1, 2, 3], color=[*figures.SERIES[:2], figures.SERIES[0]])
    text = figures.to_html(figure, "colors", alt="Three dots")
    assert re.findall(r"stroke:var\(--hw4-series-(\d)\)", text) == ["1", "2", "1"]


def test_ticks_and_grid_lines_are_one_path_each():
    """However many there are."""
    figure, axes = figures.subplots()
    axes.set(xticks=np.arange(9), yticks=np.arange(7), xticklabels=[], yticklabels=[])
    svg = parse(figures.to_html(figure, "grid", alt="A grid")).find("svg")
    starts = [path.get("d").count("m") for path in svg.iter("path")]
    assert sorted(starts) == [2, 9 + 7, 9 + 7]  # two axes; grid lines; ticks


def test_has_its_shape_before_it_is_drawn():
    """Far from the screen it is not laid out, and takes the same room."""
    figure = parse(draw())
    svg = figure.find("svg")
    _, _, width, height = svg.get("viewBox").split()
    widest = figure.get("style")
    assert svg.get("style") == f"aspect-ratio:{width}/{height}"
    # Its text, of 10.5 units, is 14 px high at most.
    assert float(widest.removeprefix("--hw4-width:").removesuffix("px")) == (
        pytest.approx(float(width) * 14 / 10.5, rel=0.001)
    )


def test_text_keeps_every_digit():
    """Coordinates are shortened, what a reader reads is not."""
    figure, axes = figures.subplots()
    axes.set(xlim=(0, 1), xticks=[0.125, 0.875], xticklabels=["0.125", "0.875"])
    text = figures.to_html(figure, "ticks", alt="0.125 to 0.875")
    assert ">0.125<" in text
    assert ">0.875<" in text
    assert 'aria-label="0.125 to 0.875"' in text
    assert not re.search(r' d="[^"]*\.\d{3}', text)


def test_alt_text_is_escaped_and_required():
    """Whoever cannot see the figure is told what it shows, whatever the text holds."""
    svg = parse(draw(alt='a "quote" \\1 <b>')).find("svg")
    assert svg.get("aria-label") == 'a "quote" \\1 <b>'
    assert svg.get("role") == "img"
    with pytest.raises(ValueError, match="`alt` is empty"):
        draw(alt=" ")


def test_references_stay_inside_the_figure():
    """Two figures on a page share no id, and every reference finds its target."""
    texts = draw("one"), draw("two")
    ids = [set(re.findall(r' id="(.*?)"', text)) for text in texts]
    used = [set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) for text in texts]
    assert used[0] <= ids[0]
    assert used[1] <= ids[1]
    assert used[0]
    assert not ids[0] & ids[1]


def test_is_the_same_bytes_each_time():
    """A build can be compared with another."""
    assert draw() == draw()


def test_without_caption_has_none():
    """No empty caption is announced."""
    assert parse(draw()).find("figcaption") is None


def test_a_curve_is_named_where_it_ends():
    """In its color, not where it is missing or has left the axes; apart from others."""
    _, axes = figures.subplots()
    axes.set(xlim=(0, 3), ylim=(0, 10))
    axes.plot([0, 1, 2, 3], [1, 2, 20, 30], color=figures.SERIES[2], label="leaves")
    axes.plot([0, 1, 2, 3], [5, 6, 7, np.nan], label="stops")
    axes.plot([0, 3], [8, 8], color=figures.SERIES[0], label="flat")
    axes.plot([0, 3], [8.1, 8.1], label="next")
    axes.axhline(4, label="across")
    axes.plot([0, 3], [3, 3])

    figures.name_curves(axes)

    found = {text.get_text(): text for text in axes.texts}
    ends = {name: text.xy for name, text in found.items()}
    assert ends == {
        "leaves": (1, 2),
        "stops": (2, 7),
        "flat": (3, 8),
        "next": (3, 8.1),
        "across": (1, 4),
    }
    assert found["leaves"].get_color() == figures.SERIES[2]
    boxes = [found[name].get_window_extent() for name in ("flat", "next")]
    assert boxes[1].y0 >= boxes[0].y1 - 1  # a pixel
    assert [found[name].xyann[1] for name in ("leaves", "stops", "flat")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("label", "letters", "scripts", "plain"),
    [
        ("w₁ = −0.1", "w", ["1"], "w1 = −0.1"),
        ("10⁻⁶", "", ["−6"], "10−6"),
        ("‖w⁽ⁱ⁺¹⁾ − w*‖", "‖ww‖", ["(i+1)"], "‖w(i+1) − w*‖"),
        ("h(x_A), ∂E/∂a, 2d", "hxA∂E∂ad", ["A"], "h(xA), ∂E/∂a, 2d"),
        ("Wᵥᵀ", "Wv", ["v", "T"], "WvT"),
        ("(e), a slope of L-BFGS in 3 µs, EM's find_root", "", [], None),
    ],
    ids=["index", "power", "norm", "joined", "both", "no letters"],
)
def test_a_label_is_set_as_in_formulas(label, letters, scripts, plain):
    """Its letters are in their font; its scripts leave the line, which goes on."""
    figure, axes = figures.subplots()
    axes.set(xticks=[], yticks=[], xlabel=label)
    svg = parse(figures.to_html(figure, "label", alt="A label")).find("svg")
    (text,) = svg.iter("text")
    spans = list(text)
    assert "".join(text.itertext()) == (plain or label)
    assert "".join(s.text for s in spans if s.get("class") == "hw4-letter") == letters
    assert [s.text for s in spans if s.get("font-size")] == scripts
    shifts = [float(s.get("dy", 0)) for s in spans]
    heights = np.round(np.cumsum(shifts), 9)
    for span, height in zip(spans, heights, strict=True):
        assert bool(height) == bool(span.get("font-size"))


def test_a_sentence_is_set_as_in_formulas():
    """In captions and marking schemes; what is a word there stays one."""
    text = "A step from w⁽ⁱ⁾ to W_o < W₀: a ReLU, by (b), E[z²] and ℓ(w)."
    page = figures.in_words(text)
    letters = re.findall(r'<i class="hw4-letter">(.)</i>', page)
    assert letters == list("wWoWzw")
    assert re.findall(r"<(su[bp])>(.*?)</\1>", re.sub("</?i.*?>", "", page)) == [
        *(("sup", "(i)"), ("sub", "o"), ("sub", "0"), ("sup", "2"))
    ]
    assert re.sub("<.*?>", "", page) == (
        "A step from w(i) to Wo &lt; W0: a ReLU, by (b), E[z2] and ℓ(w)."
    )
    assert page in draw(caption=text)


def test_a_label_that_moves_is_left_to_the_script():
    """It writes plain text into it."""
    figure, axes = figures.subplots()
    axes.set(xticks=[], yticks=[])
    axes.set_title("w₁").set_gid("t0")
    svg = parse(figures.to_html(figure, "moves", alt="A title", parts=["t0"]))
    assert svg.find(".//g[@id='moves-t0']/text").text == "w₁"
