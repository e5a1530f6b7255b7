"""MathJax in V8: formulas laid out as TeX would, at build time, without a browser."""

import atexit
import functools
import json
import re
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

from py_mini_racer import MiniRacer

# The package carries the files of MathJax 3.2.2; of its Python nothing is used.
_FILES = "sphinx-mathjax-offline/static/mathjax"
_COMPONENTS = (
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-base.js",
    "input/tex/extensions/ams.js",
    "input/tex/extensions/boldsymbol.js",
    "output/svg.js",
    "output/svg/fonts/tex.js",
)
_BEFORE = "var window = globalThis, MathJax = {startup: {typeset: false}};"
_AFTER = """
const {core, input, output, adaptors, handlers, mathjax} = MathJax._;
const adaptor = adaptors.liteAdaptor.liteAdaptor();
handlers.html_ts.RegisterHTMLHandler(adaptor);
const tex = new input.tex_ts.TeX({
  packages: ["base", "ams", "boldsymbol"],
  tags: "none",
  formatError: (jax, error) => { throw error; },
});
const font = new output.svg.fonts.tex_ts.TeXFont();
const svg = new output.svg_ts.SVG({font, fontCache: "none"});
const page = mathjax.mathjax.document("", {InputJax: tex, OutputJax: svg});
const mathml = new core.MmlTree.SerializedMmlVisitor.SerializedMmlVisitor();

function typeset([formula, display]) {
  const item = new page.options.MathItem(formula, tex, display);
  item.start.node = adaptor.body(page.document);
  item.setMetrics(16, 8, 1e6, 1e6, 1);
  try {
    item.convert(page);
  } catch (error) {
    return {error: error.message};
  }
  const drawing = adaptor.firstChild(item.typesetRoot);
  return {svg: adaptor.serializeXML(drawing), mathml: mathml.visitTree(item.root)};
}

function typesetAll(formulas) {
  return JSON.stringify(formulas.map(typeset));
}

function outlines() {
  const found = {};
  for (const {chars} of Object.values(font.variant))
    for (const code in chars) {
      const [, , width, {p: path, ic: slant = 0} = {}] = chars[code] ?? [];
      if (path) found[`M${path}Z`] ??= [+code, Math.round(1000 * (width + slant))];
    }
  return JSON.stringify(found);
}
"""


_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|(?<![$\\])\$(?!\s)((?:[^$\\]|\\.)+?)(?<!\s)\$", re.DOTALL
)
# So many in one call: later ones are laid out while the first are drawn.
_TOGETHER = 16
_Formula: TypeAlias = tuple[str, bool]
_ahead: dict[_Formula, Future[dict[_Formula, dict[str, str]]]] = {}
# The one thread that has the engine.
_beside = ThreadPoolExecutor(max_workers=1)


class Typeset(NamedTuple):
    """A formula as a drawing and as what it means, both XML."""

    svg: str
    mathml: str


class Outline(NamedTuple):
    """A glyph's code point, and how far it moves what follows, in thousandths."""

    code: int
    width: int


def typeset(tex: str, *, display: bool) -> Typeset:
    """Lay a formula out.

    Raises:
        ValueError: If MathJax does not know a command or finds no sense in it.
    """
    formula = _formula(tex, display=display)
    results = _ahead.get(formula) or _beside.submit(_typeset_all, [formula])
    result = results.result()[formula]
    if "error" in result:
        raise ValueError(result["error"])
    return Typeset(**result)


def typeset_ahead(text: str) -> None:
    """Have V8 lay out what looks like a formula, while Python does something else.

    Args:
        text: Markdown. What has a value in it that is not filled in yet is left out.
    """
    found = (
        _formula(block or inline, display=bool(block))
        for block, inline in _FORMULA.findall(text)
        if "{{" not in block + inline
    )
    new = [formula for formula in dict.fromkeys(found) if formula not in _ahead]
    if new:
        _outlines_ahead()  # the first that is drawn needs them
    for i in range(0, len(new), _TOGETHER):
        some = new[i : i + _TOGETHER]
        _ahead.update(dict.fromkeys(some, _beside.submit(_typeset_all, some)))


def _formula(tex: str, *, display: bool) -> _Formula:
    # Where it stands in a page or a docstring, its lines are indented differently.
    return " ".join(tex.split()), display


def _typeset_all(formulas: list[_Formula]) -> dict[_Formula, dict[str, str]]:
    results = json.loads(cast("str", _engine().call("typesetAll", formulas)))
    return dict(zip(formulas, results, strict=True))


def outlines() -> dict[str, Outline]:
    """Return what is known of every glyph, by its outline, a path of SVG.

    The same code point comes several times: in sizes, upright and bold.
    """
    return _outlines_ahead().result()


@functools.cache
def _outlines_ahead() -> Future[dict[str, Outline]]:
    return _beside.submit(_outlines)


def _outlines() -> dict[str, Outline]:
    found = json.loads(cast("str", _engine().call("outlines")))
    return {path: Outline(*known) for path, known in found.items()}


@functools.cache
def _engine() -> MiniRacer:
    files = Path(str(distribution("sphinx-mathjax-offline").locate_file(_FILES)))
    engine = MiniRacer()
    # An engine that is still alive when Python ends can keep it from ending.
    atexit.register(engine.close)
    engine.eval(_BEFORE)
    for component in _COMPONENTS:
        engine.eval((files / component).read_text(encoding="utf-8") + "\n0")
    engine.eval(_AFTER + "0")
    return engine
