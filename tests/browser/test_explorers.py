"""Every figure that moves: by the keyboard, by its choices, by its points."""

import html
import json
import re
from itertools import accumulate

import pytest
from browser.reader import MOVING, unfold

# What a reader sees, reads and hears of a figure.
STATE = """(explorer) => ({
  picture: explorer.querySelector('svg').innerHTML,
  alt: explorer.querySelector('svg').getAttribute('aria-label'),
  texts: [...explorer.querySelectorAll('svg text')].map((t) => t.textContent.trim()),
  values: [...explorer.querySelectorAll('output')].map((o) => o.textContent),
  said: [...explorer.querySelectorAll('[type=range]')].map((i) => i.ariaValueText ??
    i.getAttribute('aria-valuetext')),
  settings: [...explorer.querySelectorAll('[type=range]')].map((i) => Number(i.value)),
})"""


def opened(context, address, name):
    page = context.new_page()
    page.goto(address + name)
    unfold(page)
    found = page.locator("hw4-explorer")
    found.first.wait_for()
    return [found.nth(i) for i in range(found.count())]


@pytest.mark.parametrize("name", MOVING)
def test_every_slider_by_keyboard(context, address, name):
    """A press of an arrow changes the figure, the value and the alt text."""
    for explorer in opened(context, address, name):
        sliders = explorer.locator("input[type=range]")
        assert sliders.count() >= 1
        for i in range(sliders.count()):
            slider = sliders.nth(i)
            last = int(slider.get_attribute("max"))
            texts = json.loads(slider.get_attribute("data-texts"))
            start = int(slider.input_value())
            seen = {}
            before = explorer.evaluate(STATE)
            for key, expected in [
                ("ArrowRight", min(start + 1, last)),
                ("ArrowLeft", max(min(start + 1, last) - 1, 0)),
                ("Home", 0),
                ("End", last),
            ]:
                slider.press(key)
                state = explorer.evaluate(STATE)
                assert state["settings"][i] == expected
                assert state["values"][i] == state["said"][i] == texts[expected]
                seen[expected] = state
            assert len(seen) > 1, slider.get_attribute("id")
            for kind in ("picture", "alt"):
                shown = {state[kind] for state in seen.values()}
                assert len(shown) == len(seen), (slider.get_attribute("id"), kind)
            others = [k for k in range(sliders.count()) if k != i]
            for k in others:
                assert state["settings"][k] == before["settings"][k]


@pytest.mark.parametrize("name", MOVING)
def test_the_start_is_the_picture_without_javascript(chromium, context, address, name):
    """The script, which draws the start anew, changes no word and no point of it."""
    plain = chromium.new_context(java_script_enabled=False)
    for still, moved in zip(
        opened_without_script(plain, address, name),
        opened(context, address, name),
        strict=True,
    ):
        drawn, state = still, moved.evaluate(STATE)
        assert drawn["alt"] == state["alt"]
        assert drawn["texts"] == state["texts"]
        now = moved.evaluate(PATHS)
        assert now
        assert drawn["paths"].keys() <= now.keys()
        for name_of, path in drawn["paths"].items():
            there = points(now[name_of])
            for x, y in (points(path)[0], points(path)[-1]):
                nearest = min(max(abs(x - a), abs(y - b)) for a, b in there)
                assert nearest < 0.11, name_of
    plain.close()


PATHS = """(explorer) => Object.fromEntries(
  [...explorer.querySelectorAll('svg g[id] > path')].map((p) => [
    p.parentElement.id, p.getAttribute('d')])
  .filter(([id, d]) => /-m\\d+$/.test(id) && d))"""


def points(path):
    """Return the points of a path, which the build writes as steps."""
    numbers = [float(n) for n in re.findall(r"-?(?:\d*\.)?\d+", path)]
    xs, ys = numbers[::2], numbers[1::2]
    if "m" in path:
        xs, ys = accumulate(xs), accumulate(ys)
    return list(zip(xs, ys, strict=True))


def opened_without_script(context, address, name):
    page = context.new_page()
    page.goto(address + name)
    found = page.locator("hw4-explorer")
    return [
        {**found.nth(i).evaluate(STATE), "paths": found.nth(i).evaluate(PATHS)}
        for i in range(found.count())
    ]


@pytest.mark.parametrize("name", MOVING)
def test_every_setting_is_on_the_grid(context, address, name):
    """At every corner of the grid no text is missing and no line leaves the drawing."""
    for explorer in opened(context, address, name):
        data = json.loads(
            html.unescape(
                explorer.locator("template").evaluate("(t) => t.content.textContent")
            )
        )
        size = 1
        for length in data["grid"]:
            size *= length
        for _, columns in [*data["texts"], data["alt"]]:
            assert all(len(index) == size for _, index in columns)
        for end in ("Home", "End"):
            for slider in explorer.locator("input[type=range]").all():
                slider.press(end)
            state = explorer.evaluate(STATE)
            assert "undefined" not in str(state)
            assert "NaN" not in str(state["picture"])


def test_a_choice_is_a_choice(context, address):
    """The streams of 4 (e) stand side by side, and each draws its own regret."""
    (explorer,) = opened(context, address, "online_learning.html")
    choices = explorer.get_by_role("group", name="stream").get_by_role("radio")
    seen = set()
    for choice in choices.all():
        choice.check()
        seen.add(explorer.evaluate(STATE)["alt"])
    assert len(seen) == choices.count() == 4


@pytest.mark.parametrize(
    "name",
    ["backpropagation.html", "noisy_targets.html", "beyond/adversarial_example.html"],
)
def test_a_point_is_dragged_as_far_as_a_setting_takes_it(context, address, name):
    """To each end of its curve and back; the sliders and the words come along."""
    (explorer,) = opened(context, address, name)
    explorer.locator("svg").first.scroll_into_view_if_needed()
    mouse = explorer.page.mouse
    moved = 0
    for handle in explorer.locator(".hw4-handle").all():
        before = explorer.evaluate(STATE)
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        settings = []
        mouse.move(x, y)
        mouse.down()
        for step in (-400, 400):
            mouse.move(x + step, y, steps=3)
            settings.append(explorer.evaluate(STATE)["settings"])
        mouse.move(x, y, steps=3)
        mouse.up()
        mouse.move(x, y - 300)  # after the release it stays
        after = explorer.evaluate(STATE)
        moved += settings[0] != settings[1]
        assert after["values"] == after["said"]
        back = handle.bounding_box()
        assert abs(back["x"] - box["x"]) < 30  # pixels: no further than a step
        assert (after["settings"] == before["settings"]) <= (after == before)
    assert moved >= 1
