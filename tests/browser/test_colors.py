"""Figures in both palettes: contrast as WCAG counts it, level AA."""

import re

import pytest
from browser.reader import PROBLEMS, unfold

# Color of each text and line of the figures, and of what is behind them.
COLOURS = """() => {
  const paper = getComputedStyle(document.body).backgroundColor;
  const all = (what, key) => [...document.querySelectorAll(`.hw4-figure svg ${what}`)]
    .map((e) => [getComputedStyle(e), e]).filter(([s]) => s[key] !== 'none')
    .map(([s, e]) => [s[key], s.opacity * s[key + 'Opacity'], e.outerHTML, behind(e)]);
  // The fill of the last shape that was drawn under an element's middle.
  const behind = (e) => {
    const { x, y, width, height } = e.getBoundingClientRect();
    const shapes = [...e.closest('svg').querySelectorAll('path, rect')];
    const under = shapes.filter((s) => {
      const r = s.getBoundingClientRect();
      const before = s.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING;
      return before && getComputedStyle(s).fill !== 'none' && r.left < x + width / 2
        && x + width / 2 < r.right && r.top < y + height / 2
        && y + height / 2 < r.bottom;
    });
    const style = under.length ? getComputedStyle(under.at(-1)) : undefined;
    return style ? [style.fill, style.opacity * style.fillOpacity] : [paper, 1];
  };
  return { paper, texts: all('text', 'fill'), lines: all('path, use', 'stroke') };
}"""


def channels(color):
    numbers = [float(n) for n in re.findall(r"[\d.]+", color)]
    return numbers[:3], numbers[3] if len(numbers) > 3 else 1.0


def over(color, opacity, paper):
    """Lay a color that may be seen through on the paper."""
    (top, alpha), (bottom, _) = channels(color), channels(paper)
    alpha *= opacity
    return [alpha * t + (1 - alpha) * b for t, b in zip(top, bottom, strict=True)]


def luminance(rgb):
    linear = [
        c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4
        for c in rgb
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_extremes():
    """Black on white is 21 to 1, and #767676 the last gray that is 4.5 to 1."""
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
    assert contrast([0x76] * 3, [255] * 3) == pytest.approx(4.54, abs=0.005)


def test_paper_is_white(context, address):
    """What is printed from a dark page has the colors of a light one."""
    page = context.new_page()
    page.goto(address + PROBLEMS[0])
    styles = []
    for scheme in ("light", "dark"):
        page.emulate_media(media="print", color_scheme=scheme)
        page.wait_for_timeout(500)
        styles.append(
            page.evaluate(
                """() => ["article p a", "article .highlight .mi", "svg text"].map(
                  (e) => getComputedStyle(document.querySelector(e)).color).concat(
                  getComputedStyle(document.body).getPropertyValue("--hw4-series-1"))"""
            )
        )
    assert styles[0] == styles[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_figures(context, address, name, scheme):
    """Texts have 4.5 to 1; lines have 3 to 1, but for grid lines, seen through."""
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(address + name)
    unfold(page)
    found = page.evaluate(COLOURS)
    dark = sum(channels(found["paper"])[0]) < 300
    assert dark == (scheme == "dark")
    faint = [
        (contrast(over(c, o, found["paper"]), over(*under, found["paper"])), c, text)
        for c, o, text, under in found["texts"]
    ]
    assert [entry for entry in faint if entry[0] < 4.5] == []
    lines = [
        (contrast(over(c, o, found["paper"]), channels(found["paper"])[0]), c, o, text)
        for c, o, text, _ in found["lines"]
    ]
    assert lines
    assert {entry[1:] for entry in lines if entry[0] < 3 and entry[2] > 0.5} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_five_series_stay_apart(context, address, scheme):
    """Each series has 3 to 1 on the paper, and no two are one color."""
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(address + PROBLEMS[0])
    series = page.evaluate(
        """[1, 2, 3, 4, 5].map((i) => {
          const e = document.createElement('i');
          e.style.color = `var(--hw4-series-${i})`;
          document.body.append(e);
          return getComputedStyle(e).color;
        })"""
    )
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len(set(series)) == 5
    for color in series:
        assert contrast(channels(color)[0], channels(paper)[0]) >= 4.5, color
