"""MathJax in V8: formulas laid out as TeX would, at build time, without a browser."""

import atexit
import functools
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple, cast

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

// The space behind `\\operatorname*{arg\\,min}_w`, which MathJax forgets.
const {AbstractMmlBaseNode, TEXCLASS} = core.MmlTree.MmlNode;
const {setTeXclass} = AbstractMmlBaseNode.prototype;
AbstractMmlBaseNode.prototype.setTeXclass = function (previous) {
  const last = setTeXclass.call(this, previous);
  const base = this.childNodes[0];
  if (base.isKind("TeXAtom") && base.texClass === TEXCLASS.OP)
    this.texClass = TEXCLASS.OP;
  return last;
};

function typeset(formula, display) {
  const item = new page.options.MathItem(formula, tex, display);
  item.start.node = adaptor.body(page.document);
  item.setMetrics(16, 8, 1e6, 1e6, 1);
  try {
    item.convert(page);
  } catch (error) {
    return JSON.stringify({error: error.message});
  }
  const drawing = adaptor.firstChild(item.typesetRoot);
  return JSON.stringify(
    {svg: adaptor.serializeXML(drawing), mathml: mathml.visitTree(item.root)});
}

function outlines() {
  const found = {};
  for (const {chars} of Object.values(font.variant))
    for (const code in chars) {
      const path = chars[code]?.[3]?.p;
      if (path) found[`M${path}Z`] ??= +code;
    }
  return JSON.stringify(found);
}
"""


class Typeset(NamedTuple):
    """A formula as a drawing and as what it means, both XML."""

    svg: str
    mathml: str


def typeset(tex: str, *, display: bool) -> Typeset:
    """Lay a formula out.

    Raises:
        ValueError: If MathJax does not know a command or finds no sense in it.
    """
    result = json.loads(cast("str", _engine().call("typeset", tex, display)))
    if "error" in result:
        raise ValueError(result["error"])
    return Typeset(**result)


@functools.cache
def outlines() -> dict[str, int]:
    """Return every glyph's outline, a path of SVG, with its code point.

    The same code point comes several times: in sizes, upright and bold.
    """
    return cast("dict[str, int]", json.loads(cast("str", _engine().call("outlines"))))


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
