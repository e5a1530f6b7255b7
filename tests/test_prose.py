"""No text says in a riddle what a student would be told in plain words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = [
    *(
        ROOT / name
        for name in ("README.md", "CONTRIBUTING.md", "Makefile", "mkdocs.yml")
    ),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "docs").rglob("*.js")),
    *sorted((ROOT / "hw4lib").rglob("*.py")),
    *sorted((ROOT / "hw4site").rglob("*.py")),
]

# What a student stumbles over, and behind each the words to say instead.
REFUSED = {
    "What does the hidden unit put out": "What is the output of the hidden unit?",
    "Should the output layer have a ReLU?": "Is a ReLU on the output layer a bad idea?",
    "raising one does not lower the others. A softmax does both": "sum to one",
    "It is this example that is dead, not yet": "Only this example is dead so far",
    "To raise the right class does nothing": "Raising it leaves the others unchanged",
    "but α times what it would be with slope 1": "the slope is α instead of 0",
    "there is only one way to w₁": "Only one path leads from a₁ back to w₁",
    "The factor one half in front is missing": "Did you leave out the ½?",
    "was wrong now and then": "Some training labels are wrong",
    "turns out to ask of every label": "weights each label by how likely it is correct",
    "Beside the usual step": "Compared with the usual step",
    "it never turns round": "never reverses",
    "still pulls hugely": "still has a large gradient",
    "is heard best by": "has the largest gradient when",
    "it has written these five off": "it gives up on these five",
    "Do not think about distributions at first": "Ignore the shape of the distribution",
    "Which part of its mean square is left": "What fraction of it survives?",
    "two over the number of inputs of its unit": "2/M, where M is the fan-in",
    "It is Gaussian at no finite width": "At no finite width is it Gaussian",
    "How often does the filter fit": "In how many positions does the filter fit?",
    "The inclusion is one way": "The converse fails",
    "none looking at another": "independently of the others",
    "nobody needs the matrix": "the matrix is never formed",
    "Without positions, order does not matter": "permuting the input permutes",
    "ranks all neighbours alike": "gives every node the same ranking",
    "A softmax forgives": "Softmax ignores",
    "dense, and another for each input": "dense, and different for every input",
    "and then a good deal": "and a large residual beyond",
    "the harder the worse it was predicted": "more strongly the worse",
    "That is a concave function, which lies below": "That would hold for",
    "a convex set that holds": "a convex set that contains",
    "a stream that changes its mind": "a stream whose labels switch",
    "they roam all of": "the updates are unconstrained",
    "can bring an iterate out of the unit ball": "can drive an iterate outside",
    "is information.": "adds nothing",
    "can be had by turning": "is attained by rotating",
    "guarantees less than doing nothing": "is weaker than never learning",
    "She puts both wishes": "Both goals go into one objective",
    "So Betty pays as long as": "Until the classifier is fooled the term is positive",
    "Yes, as far as it can be done at all": "Yes: no other choice of α does better.",
    "the first bit of the way costs nothing": "only to second order",
    "never comes to rest": "never settles",
    "For somebody who will never read the proofs": "In short:",
    "What folk answers get wrong": "Common wrong answers",
    "holds the claim against": "checks the claim against",
    "Take it along as an executed notebook": "Download this page as a notebook",
    "are set here, once": "are defined here",
    "Both do all their own set-up": "Both set up `.venv` themselves",
    "beside the tools that one would otherwise pick": "against the tools you might use",
    "Digits copied from our own output are no test": "do not count as a test",
    "which packs nothing": "a kernel that does not copy its operands",
    "It would end the build without an error": "the build ends with status 0",
}


def plain(text):
    """The words: formulas as letters, no markup, one space between words."""
    for command, letter in (
        (r"\alpha", "α"),
        ("w_1", "w₁"),
        ("a_1", "a₁"),
        (r"\tfrac12", "½"),
    ):
        text = text.replace(command, letter)
    return " ".join(re.sub(r"[$*#_\"']|//", " ", text).split()).lower()


def said(text):
    """The refused wordings that a text has."""
    words = plain(text)
    return [wording for wording in REFUSED if plain(wording) in words]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_says_what_has_a_plainer_word(path):
    """Word for word, across lines and markup."""
    found = said(path.read_text(encoding="utf-8"))
    assert not found, {wording: REFUSED[wording] for wording in found}


@pytest.mark.parametrize("wording", REFUSED)
def test_each_wording_is_found_across_lines_and_markup(wording):
    """And in the plainer sentence it is not."""
    half = len(wording.split()) // 2
    first, second = wording.split()[:half], wording.split()[half:]
    assert said(f"*{' '.join(first)}*\n# {' '.join(second)}") == [wording]
    assert said(REFUSED[wording]) == []
