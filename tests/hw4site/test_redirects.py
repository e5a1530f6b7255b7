"""Old addresses lead on: the pages there, and the anchors, in the V8 of the build."""

import json
from pathlib import Path

import pytest
from py_mini_racer import MiniRacer

from hw4site import redirects

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "assets" / "moved.js"


@pytest.fixture
def site(tmp_path):
    """A built site with a page at each new address."""
    for new in redirects.MOVED.values():
        (tmp_path / new).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / new).write_text("new", encoding="utf-8")
    return tmp_path


def test_each_old_address_has_a_page_that_leads_to_the_new_one(site):
    """With the script that keeps the place, and without one; written twice, too."""
    for _ in range(2):
        redirects.write(site)
        for old, new in redirects.MOVED.items():
            page = (site / old).read_text(encoding="utf-8")
            up = "../" * old.count("/")
            assert f'<script src="{up}assets/moved.js" data-to="{up}{new}">' in page
            assert f'content="1; url={up}{new}"' in page
            assert (site / old).parent.joinpath(up + new).resolve().is_file()


def test_an_address_that_leads_nowhere_is_refused(site):
    """A page was renamed again, and the list does not know."""
    (site / "reference/architecture/graph.html").unlink()
    with pytest.raises(ValueError, match=r"`reference/architecture/graph.html` has no"):
        redirects.write(site)


def test_a_page_at_an_old_address_is_not_overwritten(site):
    """Somebody gave a new page an old name."""
    (site / "mathematics.html").write_text("a page", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"`mathematics.html` has a page, expected none"
    ):
        redirects.write(site)


BROWSER = """
globalThis.document = {
  currentScript: to === null ? { dataset: {} } : { dataset: { to } },
  getElementById: (name) => there.includes(name) || null,
};
globalThis.URL = class {
  constructor(to) { this.to = to; }
  toString() { return this.to; }
};
const at = new String(address);
let went = null;
globalThis.location = {
  hash, pathname: address, href: address,
  replace(to) { went = String(to); },
};
"""


def moved(to, hash_, address="/x.html", there=()):
    """Run the script on a page; return where it leads, and the place it ends at."""
    with_values = "".join(
        f"const {name} = {json.dumps(value)};\n"
        for name, value in (
            ("to", to),
            ("hash", hash_),
            ("address", address),
            ("there", list(there)),
        )
    )
    v8 = MiniRacer()
    try:
        v8.eval(with_values + BROWSER + SCRIPT.read_text(encoding="utf-8"))
        return json.loads(str(v8.eval("JSON.stringify([went, location.hash])")))
    finally:
        v8.close()


LOSS = "noisy_targets/loss.html"
SPACE = "adversarial_example/space.html"


@pytest.mark.parametrize(
    ("to", "anchor", "expected"),
    [
        ("a.html", "", "a.html"),
        ("a.html", "#sheet", "a.html#sheet"),
        (
            LOSS,
            "#hw4lib.noisy_targets.em_bound",
            f"{LOSS}#hw4lib.noisy_targets.loss.em_bound",
        ),
        (
            LOSS,
            "#hw4lib.noisy_targets.train_sgd",
            "noisy_targets/training.html#hw4lib.noisy_targets.training.train_sgd",
        ),
        (
            LOSS,
            "#hw4lib.noisy_targets.fisher_information",
            "noisy_targets/identification.html"
            "#hw4lib.noisy_targets.identification.fisher_information",
        ),
        (
            SPACE,
            "#hw4lib.adversarial_example.hypothesis",
            f"{SPACE}#hw4lib.adversarial_example.space.predicted_probability",
        ),
        (
            SPACE,
            "#hw4lib.adversarial_example.jump",
            "adversarial_example/line.html#hw4lib.adversarial_example.line.minimizer_jump",
        ),
        (
            "encoding.html",
            "#hw4lib.architecture.positional_encoding.position_encoding",
            "encoding.html#hw4lib.architecture.encoding.position_encoding",
        ),
        (
            "graph.html",
            "#hw4lib.architecture.graph_attention.neighbour_rankings",
            "graph.html#hw4lib.architecture.graph.neighbor_rankings",
        ),
    ],
)  # fmt: skip
def test_an_old_page_leads_to_the_new_place(to, anchor, expected):
    """The module that has the function today, under the name it has today."""
    assert moved(to, anchor)[0] == expected


def test_a_section_that_moved_leads_to_its_page():
    """Theorems went beyond, with their anchors."""
    there = "beyond/noisy_targets.html#2-beyond-two-minima"
    assert moved(None, "#2-beyond-two-minima", "/a/noisy_targets.html")[0] == there
    beyond = "/a/beyond/noisy_targets.html"
    assert moved(None, "#2-beyond-two-minima", beyond)[0] is None


def test_what_is_there_stays():
    """A place of the page is none that moved."""
    here = moved(None, "#2-beyond-x", "/noisy_targets.html", there=["2-beyond-x"])
    assert here == [None, "#2-beyond-x"]
    assert moved(None, "#2-a", "/noisy_targets.html") == [None, "#2-a"]
    assert moved(None, "", "/noisy_targets.html") == [None, ""]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hw4lib.backpropagation.sgd_step", "hw4lib.backpropagation.network_step"),
        ("hw4lib.backpropagation.gradient", "hw4lib.backpropagation.network_gradient"),
        (
            "hw4lib.activations.softmax_derivative",
            "hw4lib.activations.softmax_jacobian",
        ),
    ],
)
def test_a_function_of_the_same_page_is_found_under_its_new_name(old, new):
    """Where the page has it."""
    assert moved(None, f"#{old}", there=[new])[1] == new
    assert moved(None, f"#{old}")[1] == f"#{old}"
