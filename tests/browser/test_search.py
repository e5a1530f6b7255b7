"""The search, by what a student would type and the part that answers it."""

import pytest

FIRST = {
    # Problem 1
    "learning rate": "backpropagation.html#1-1-g",
    "dying relu": "backpropagation.html#1-1-i",
    "leaky relu": "backpropagation.html#1-1-k",
    "chain rule": "backpropagation.html#1-1-d",
    "softmax": "backpropagation.html#1-2-b",
    "1.1 (h)": "backpropagation.html#1-1-h",
    "1.1(h)": "backpropagation.html#1-1-h",
    # Problem 2
    "label noise": "noisy_targets.html#2-b",
    "flipped labels": "noisy_targets.html#2-b",
    "cross entropy": "noisy_targets.html#2-b",
    "negative log likelihood": "noisy_targets.html#2-a",
    "stochastic gradient": "noisy_targets.html#2-c",
    "2(a)": "noisy_targets.html#2-a",
    "2a": "noisy_targets.html#2-a",
    # Problem 3
    "xavier": "architecture.html#3-1-a",
    "he init": "architecture.html#3-1-a",
    "kaiming": "architecture.html#3-1-a",
    "variance of activations": "architecture.html#3-1-a",
    "toeplitz": "architecture.html#3-2-a",
    "cnn": "architecture.html#3-2-a",
    "convolution matrix": "architecture.html#3-2-a",
    "weight sharing": "architecture.html#3-2-a",
    "W_k": "architecture.html#3-3-a",
    "self-attention": "architecture.html#3-3-a",
    "kronecker": "architecture.html#3-3-a",
    "equivariance": "architecture.html#3-3-b",
    "permutation": "architecture.html#3-3-b",
    "3.3b": "architecture.html#3-3-b",
    "3.3c": "architecture.html#3-3-c",
    "3.3(c)": "architecture.html#3-3-c",
    "positional encoding": "architecture.html#3-3-c",
    "sinusoidal": "architecture.html#3-3-c",
    "GAT": "architecture.html#3-4-a",
    "graph attention": "architecture.html#3-4-a",
    # Problem 4
    "ogd": "online_learning.html#4-a",
    "convexity": "online_learning.html#4-b",
    "law of cosines": "online_learning.html#4-c",
    "regret": "online_learning.html#4-d",
    "regret bound": "online_learning.html#4-d",
    "79": "online_learning.html#4-e",
    "step size": "online_learning.html#4-e",
    "4 (e)": "online_learning.html#4-e",
    "4(e)": "online_learning.html#4-e",
    "4e": "online_learning.html#4-e",
    # Problem 5
    "hinge": "adversarial_example.html#5-a",
    "decision boundary": "adversarial_example.html#5-d",
    "large beta": "adversarial_example.html#5-e",
    "problem 5": "adversarial_example.html#5-a",
    # Whoever asks for a function or a benchmark is sent there.
    "attention_weights": "reference/architecture/attention.html"
    "#hw4lib.architecture.attention.attention_weights",
    "benchmark torch": "benchmarks.html",
}
"""What is typed, to the place of the first section that is found."""


@pytest.fixture(scope="module")
def search(chromium, address):
    """What a reader's search finds: the places of the first results, best first."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}errata.html")
    page.locator("input.md-search__input").press_sequentially("gradient")
    page.locator(".md-search-result__link").first.wait_for()

    def search(typed):
        box = page.locator("input.md-search__input")
        page.evaluate(
            "document.querySelector('.md-search-result__list').innerHTML = ''"
        )
        box.fill(typed)
        box.dispatch_event("keyup")
        page.locator(".md-search-result__link").first.wait_for()
        links = page.locator(".md-search-result__link").evaluate_all(
            "(links) => links.map((link) => link.href.replace(/[?]h=[^#]*/, ''))"
        )
        return [link.removeprefix(address) for link in links]

    yield search
    context.close()


@pytest.mark.parametrize("typed", FIRST)
def test_the_first_hit_is_the_part_that_answers(search, typed):
    """Its page comes first, and on the page the part."""
    found = search(typed)
    assert FIRST[typed] in found[:2], found[:4]
    assert all(place.startswith(found[0].partition("#")[0]) for place in found[:2])


@pytest.mark.parametrize("digit", "0123456789")
def test_every_digit_is_found(search, digit):
    """A word of an index with many numbers, which once ended in an error of lunr."""
    assert search(digit)


def test_a_snippet_says_its_formulas(chromium, address):
    """Where a formula stands in the text, its line of plain text stands in the hit."""
    page = chromium.new_page()
    index = page.request.get(f"{address}search/search_index.json").json()
    texts = {entry["location"]: entry["text"] for entry in index["docs"]}
    assert "1/(1 + e^(−z))" in " ".join(texts.values())
    assert "w^(i + 1)" in texts["online_learning.html#4-a"]
    page.goto(f"{address}online_learning.html")
    assert page.locator(".hw4-words").count() == 0
    page.close()


def test_the_search_waits_for_a_reader(chromium, address):
    """Its program and index come when it is turned to, or by a link that it made."""
    page = chromium.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}errata.html", wait_until="networkidle")
    assert not [url for url in asked if "/search" in url and "iframe" not in url]
    assert page.workers == []
    with page.expect_request("**/search_index.json"), page.expect_worker():
        page.locator("input.md-search__input").focus()
    with page.expect_request("**/search_index.json"), page.expect_worker():
        page.goto(f"{address}notation.html?h=step")
    page.close()
