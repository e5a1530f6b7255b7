"""Every answer box, judged by the script and by a second judge in Python."""

import json

import pytest
from browser.reader import PROBLEMS


def off(value, target):
    """The distance of a value from a target, relative to it; from 0 absolute."""
    return abs(value - target) / (abs(target) or 1.0)


def judged(box, value):
    """Judge as the documentation says: right, a known slip, close, wrong."""
    if off(value, box["answer"]) <= box["tolerance"]:
        return "right"
    if any(off(value, slip) <= box["tolerance"] for slip, _ in box["slips"]):
        return "slip"
    if off(value, box["answer"]) <= 10 * box["tolerance"]:
        return "close"
    return "wrong"


def attempts(box):
    """Yield values on both sides of every border, with all digits."""
    tolerance = box["tolerance"]
    targets = [box["answer"], *(slip for slip, _ in box["slips"])]
    for target in targets:
        scale = abs(target) or 1.0
        for steps in (0, 0.9, -0.9, 1.1, -1.1, 5, -5, 9.9, -9.9, 10.1, -10.1, 1000):
            yield target + steps * tolerance * scale


ANSWER = """(box, texts) => texts.map((text) => {
  box.querySelector('input').value = text;
  box.querySelector('form').requestSubmit();
  const said = box.querySelector('[role=status]');
  return [said.dataset.verdict, said.textContent];
})"""


def submit(box, texts):
    """Enter one text after the other; return each verdict with its words."""
    return [tuple(said) for said in box.evaluate(ANSWER, list(texts))]


def said(box):
    status = box.get_by_role("status")
    return status.get_attribute("data-verdict"), status.inner_text()


@pytest.fixture
def boxes(context, address):
    """Return the boxes of a page."""

    def opened(name, kind):
        page = context.new_page()
        page.goto(address + name)
        found = page.locator("hw4-answer")
        found.first.wait_for()
        everyone = [found.nth(i) for i in range(found.count())]
        radios = [b.locator("[type=radio]").count() > 0 for b in everyone]
        chosen = [
            (b, json.loads(b.get_attribute("data-box")))
            for b, radio in zip(everyone, radios, strict=True)
            if radio == (kind == "choice")
        ]
        assert chosen
        return chosen

    return opened


@pytest.mark.parametrize("name", PROBLEMS)
def test_numbers(boxes, name):
    """Right, close, slip and wrong, on both sides of every border."""
    for box, data in boxes(name, "number"):
        seen = set()
        words = dict(data["slips"])
        values = list(attempts(data))
        verdicts = submit(box, map(repr, values))
        for value, (verdict, text) in zip(values, verdicts, strict=True):
            assert verdict == judged(data, value), (data, value)
            seen.add(verdict)
            if verdict == "slip":
                assert text == words[min(words, key=lambda s, v=value: off(v, s))]
            if verdict in {"right", "close"}:
                assert data["words"] in text
        assert seen == {"right", "close", "slip", "wrong"}, data


@pytest.mark.parametrize("name", PROBLEMS)
def test_numbers_by_keyboard(boxes, name):
    """Typed, and sent off with Enter or with the button."""
    for box, data in boxes(name, "number"):
        slip, why = data["slips"][0]
        box.locator("input").press_sequentially(repr(slip))
        box.locator("input").press("Enter")
        assert said(box) == ("slip", why)
        box.locator("input").fill(repr(data["answer"]))
        box.locator("input").press("Tab")
        box.get_by_role("button").press("Space")
        assert said(box)[0] == "right"


NONSENSE = ["", "a lot", "1/0", "2(", "1 2", "alert(1)", "0/0", "1e999", "--", ")("]


@pytest.mark.parametrize("name", PROBLEMS)
def test_nonsense(boxes, name):
    """What is no number is called so, and nothing of it runs."""
    for box, _ in boxes(name, "number"):
        for text, verdict in zip(NONSENSE, submit(box, NONSENSE), strict=True):
            assert verdict[0] == "unread", text
            assert "not a number" in verdict[1]


ONES = [
    *("2/2", "sqrt(4)/2", "1e0", "(3-1)^2/4", "2**-1*2", "-−1", "√(9)/3", "exp(0)"),
    *("ln(e)", "log(e)", "e/e", "pi/π", "2×3·1/6", "1+tanh(0)", "2*sigmoid(0)"),
    *("-2^2+5", "2^3^0/2", "4/2/2", ".5+.5", " 1 ", "EXP(0)", "1.", "5.e0/5.", "8./8"),
]


@pytest.mark.parametrize("name", ["backpropagation.html", "noisy_targets.html"])
def test_expressions(boxes, name):
    """The value is read as one writes it by hand."""
    box, data = boxes(name, "number")[0]
    texts = [f"({data['answer']!r})*({one})" for one in ONES]
    for text, verdict in zip(texts, submit(box, texts), strict=True):
        assert verdict[0] == "right", text


@pytest.mark.parametrize("name", PROBLEMS)
def test_choices(boxes, name):
    """Each option has its verdict and its reason, by keyboard alone."""
    for box, data in boxes(name, "choice"):
        box.get_by_role("button").press("Enter")
        assert said(box)[0] == "unread"
        verdicts = []
        for index, (right, why) in enumerate(data["options"]):
            option = box.locator(f"[type=radio][value='{index}']")
            option.press("Space")
            option.press("Enter")
            verdict, text = said(box)
            assert why in text
            assert verdict == ("right" if right else "slip")
            verdicts.append(verdict)
        assert verdicts.count("right") == 1


@pytest.mark.parametrize("name", PROBLEMS)
def test_names_and_status(context, address, name):
    """Every field has a name, and the verdict stands where a reader is told of it."""
    page = context.new_page()
    page.goto(address + name)
    tree = page.locator("hw4-answer input").evaluate_all(
        "(all) => all.map((input) => input.labels.length && input.labels[0].innerText)"
    )
    assert all(tree)
    statuses = page.locator("hw4-answer output[role=status]")
    assert statuses.count() == page.locator("hw4-answer").count()
