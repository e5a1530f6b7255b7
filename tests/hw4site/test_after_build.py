"""What a build writes beside its pages, in order, also from the command line."""

import re
import runpy
import sys
from importlib.resources import files

import pytest

from hw4site import after_build

STEPS = (
    *("search_index", "typeface", "pyodide", "redirects", "exam", "not_found"),
    *("sharing", "policy"),
)


@pytest.fixture
def asked(monkeypatch):
    """What is written, by name, in order; the search finds one fault."""
    order = []
    for name in STEPS:
        step = getattr(after_build, name)
        monkeypatch.setattr(
            step, "write", lambda *_, name=name: order.append(name) or ["search: x"]
        )
    monkeypatch.setattr(after_build.font, "write", lambda *_: order.append("font"))
    monkeypatch.setattr(after_build.export, "export", lambda *_: ["page: y"])
    return order


def test_everything_is_written_and_the_policy_on_top_of_it(asked, tmp_path):
    """The policy comes when every page is there; faults of all steps are told."""
    assert after_build.write(tmp_path, tmp_path) == ["search: x", "page: y"]
    assert asked[0] == "search_index"
    assert asked[-1] == "policy"
    assert {"font", *STEPS} == set(asked)


@pytest.mark.usefixtures("asked")
def test_only_the_reference_has_the_look_of_the_reference(tmp_path):
    """The other pages do without a style sheet, and keep their own."""
    style = '\n<link rel="stylesheet" href="assets/_mkdocstrings.css">'
    own = '<link rel="stylesheet" href="assets/site.css">'
    texts = {
        "part.html": f"{style}{own}<p>A part</p>",
        "relu.html": f'{style}{own}<div class="doc doc-object">relu</div>',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    after_build.write(tmp_path, tmp_path)

    found = {name: (tmp_path / name).read_text(encoding="utf-8") for name in texts}
    assert found == texts | {"part.html": f"{own}<p>A part</p>"}


@pytest.mark.usefixtures("asked")
def test_a_change_of_colors_is_not_told_to_every_element(tmp_path):
    """Material's rule about it is left out of its style sheet, and no other."""
    templates = files("material") / "templates/assets/stylesheets"
    (material,) = (
        f for f in templates.iterdir() if re.match(r"palette.*\.css$", f.name)
    )
    path = tmp_path / "assets/stylesheets" / material.name
    path.parent.mkdir(parents=True)
    path.write_text(text := material.read_text(encoding="utf-8"), encoding="utf-8")

    after_build.write(tmp_path, tmp_path)

    head, rule, tail = text.partition("[data-md-color-switching] *")
    assert rule
    assert path.read_text(encoding="utf-8") == head + tail.partition("}")[2]


@pytest.mark.usefixtures("asked")
def test_from_the_command_line_a_fault_is_an_exit_status(monkeypatch, tmp_path):
    """For a builder without hooks."""
    arguments = [str(tmp_path), str(tmp_path)]
    with pytest.raises(SystemExit) as caught:
        after_build.main(arguments)
    assert caught.value.code == "search: x\npage: y"
    monkeypatch.setattr(after_build, "write", lambda *_: [])
    with pytest.raises(SystemExit) as caught:
        after_build.main(arguments)
    assert caught.value.code == 0


def test_it_runs_as_a_module(monkeypatch):
    """`python -m hw4site.after_build` asks for its folders."""
    monkeypatch.setattr(sys, "argv", ["after_build"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(after_build.__file__, run_name="__main__")
    assert caught.value.code == 2
