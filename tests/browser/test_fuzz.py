"""Ten thousand typed strings, read and judged by the scripts of the page in Chromium.

Each right formula is a tree, written here by hand. Trees are changed at random and
printed in random spellings; NumPy says what they are worth at the points of the box,
and so which verdict is right. Others are broken on purpose, or are noise.
"""

import ast
import json
import random
from typing import NamedTuple

import numpy as np

SEED = 6790
JUDGE = """(typed) => typed.map(([name, text]) => {
  const box = document.getElementById(`try-${name}`);
  const question = box.question;
  const start = performance.now();
  const judge = { number: "judgeNumber", formula: "judgeFormula", grid: "judgeGrid" };
  const found = hw4Formula[judge[question.kind]](question, text);
  const took = performance.now() - start;
  const wrong = found.mathml && new DOMParser()
    .parseFromString(found.mathml.replaceAll("&#x2062;", ""), "text/xml")
    .querySelector("parsererror");
  return [found.verdict, found.says, took, Boolean(wrong)];
})"""


# --- trees and what they are worth ----------------------------------------------------

OPERATORS = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    ">": np.greater,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "ln": np.log,
    "sin": np.sin,
    "sigma": lambda z: 1 / (1 + np.exp(-z)),
}
SIGNS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
    ast.Gt: ">",
}


class Tree(NamedTuple):
    """A formula: a number or a name, or an operator with its arguments."""

    op: object
    args: tuple["Tree", ...] = ()

    def at(self, points):
        """Return the values at the points, as IEEE arithmetic has them."""
        if not self.args:
            return np.asarray(points.get(self.op, self.op), dtype=float)
        with np.errstate(all="ignore"):
            return 1.0 * OPERATORS[self.op](*(arg.at(points) for arg in self.args))


def negative(formula):
    return Tree("*", (Tree(-1.0), formula))


def tree(node):
    """Return the tree of what Python has read."""
    match node:
        case ast.Constant(value):
            return Tree(float(value))
        case ast.Name(name):
            return Tree("lambda" if name == "lam" else name)
        case ast.UnaryOp(ast.USub(), operand):
            return negative(tree(operand))
        case ast.BinOp(a, sign, b) | ast.Compare(a, [sign], [b]):
            return Tree(SIGNS[type(sign)], (tree(a), tree(b)))
        case ast.Call(ast.Name(name), [argument]):
            return Tree(name, (tree(argument),))
    raise NotImplementedError(node)


ANSWERS = {
    "1-1-a": "0.1 * 2",
    "1-1-b": "sigma(0.2 - 0.2)",
    "1-1-c": "(0.5 - 1) ** 2 / 2",
    "1-1-d": "(y - t) * y * (1 - y) * w2 * f * x",
    "1-1-e--1": "y - t",
    "1-1-e--2": "y * (1 - y)",
    "1-1-e--3": "w2",
    "1-1-e--4": "z1 > 0",
    "1-1-e--5": "x",
    "1-1-f": "(0.5 - 1) * 0.25 * -1 * 2",
    "1-1-g": "w1 - eta * (y - t) * y * (1 - y) * w2 * x",
    "1-1-h": "1 / (1 + exp(-0.2))",
    "1-2-a": "((y1-t1) * y1 * (1-y1) * w2 + (y2-t2) * y2 * (1-y2) * w3) * f * x",
    "2-a": "-y_prime * ln(epsilon + (1 - 2*epsilon) * h)"
    " - (1 - y_prime) * ln(1 - epsilon - (1 - 2*epsilon) * h)",
    "2-b": "(q - y_prime) / (q * (1-q)) * (1 - 2*epsilon) * h * (1-h) * z",
    "2-c": "0.8 * h / (0.1 + 0.8 * h)",
    "3-1-a": "sqrt(2 / M)",
    "3-3-c": "sin(k / L**(2 / D))",
    "4-a": "w - eta * (2 * lam * w - y * x / (1 + exp(y * w * x)))",
    "4-c": "d**2 + eta**2 * g**2 - 2 * eta * d * g * c",
    "4-d": "(d1**2 - d2**2) / (2 * eta) + eta / 2 * g**2",
    "4-e": "1 / (79 * sqrt(n))",
    "4-e--gradient": "77 * 2",
    "5-c": "2 * alpha * (x - x_star) + (h > 1/2) * h * (1 - h) * W",
}
"""Each box that is typed into, with an answer of the sheet, derived by hand."""


# --- changes and spellings ------------------------------------------------------------


def changed(rng, formula, names):
    """Return a formula in which one place is changed, mostly to another value."""
    op, args = formula
    if args and rng.random() < 0.75:
        i = rng.randrange(len(args))
        new = changed(rng, args[i], names)
        return Tree(op, (*args[:i], new, *args[i + 1 :]))
    leaf = Tree(rng.choice([*names, 2.0, 3.0, 0.5, 10.0]))
    signs = [Tree(sign, (formula, leaf)) for sign in "+-*/"]
    return rng.choice([leaf, negative(formula), *signs, *args])


def same(rng, formula):
    """Return another formula with the same value."""
    op, args = formula
    formula = Tree(op, tuple(same(rng, arg) for arg in args))
    if op in ("+", "*") and rng.random() < 0.5:
        formula = Tree(op, formula.args[::-1])
    if op == "-" and rng.random() < 0.3:
        a, b = formula.args
        formula = Tree("+", (a, negative(b)))
    if rng.random() < 0.1:
        again = [Tree("*", (Tree(1.0), formula)), Tree("+", (formula, Tree(0.0)))]
        formula = rng.choice([*again, negative(negative(formula))])
    return formula


LEVELS = {">": 0, "+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
BINDING = {"+": (1, 2), "-": (1, 2), "*": (2, 3), "/": (2, 3), "^": (5, 5)}
FENCES = [("(", ")"), ("[", "]"), ("{", "}"), (r"\left(", r"\right)"), ("( ", " )")]
FUNCTIONS = {
    "sqrt": ["sqrt", "√", r"\sqrt", "sqrt "],
    "exp": ["exp", "e^", r"\exp"],
    "ln": ["ln", "log", r"\ln", r"\log "],
    "sin": ["sin", r"\sin"],
    "sigma": ["sigma", "σ", r"\sigma", "sigmoid"],
}
GREEK = {"eta": "η", "alpha": "α", "epsilon": "ε", "lambda": "λ", "gamma": "γ"}
NUMBERS = {
    0.5: ["0.5", ".5", "½", "0,5", "50%", r"\frac12", "5e-1"],
    2: ["2", "2.0", "2."],
    0.25: ["0.25", "¼", "25 %"],
}


class Spelling:
    """Prints a tree as readers type it, no two alike."""

    def __init__(self, rng):
        """Spell by a generator."""
        self.rng = rng

    def __call__(self, formula):
        """Print a formula."""
        return self.fenced(formula, 0)

    def fenced(self, formula, least):
        """Print a formula, with parentheses if it binds less than `least`."""
        text = self.bare(formula)
        negative = text[0] in "-−"
        level = LEVELS.get(formula.op, 5) if not negative else 1
        if level >= least and self.rng.random() < 0.9:
            return text
        opening, closing = self.rng.choice(FENCES)
        return f"{opening}{text}{closing}"

    def bare(self, formula):
        """Print a formula without parentheses around it."""
        (op, args), pick = formula, self.rng.choice
        if not args:
            return self.name(op) if isinstance(op, str) else self.number(op)
        if op in FUNCTIONS:
            opening, closing = pick(FENCES[:4])
            return f"{pick(FUNCTIONS[op])}{opening}{self(args[0])}{closing}"
        if op == ">":
            fences = ["1[%s]", "(%s)", "1(%s)", r"\mathbf{1}[%s]", "𝟙[%s]", "1_{%s}"]
            sign = pick([">", " > "])
            return pick(fences) % sign.join(self.fenced(arg, 1) for arg in args)
        if op == "/" and self.rng.random() < 0.3:
            return rf"\frac{{{self(args[0])}}}{{{self(args[1])}}}"
        left, right = map(self.fenced, args, BINDING[op])
        if op == "^" and args[1] == Tree(2.0):
            return left + pick(["^2", "²", "**2", "^{2}"])
        return left + self.between(op, left, right) + right

    def number(self, value):
        """Print a number."""
        plain = f"{value:g}"
        return self.rng.choice(NUMBERS.get(value, [plain, plain.replace("-", "−")]))

    def between(self, op, left, right):
        """Print the sign of an operator, or none where a product needs none."""
        if op == "*":
            signs = ["*", "·", "×", " * ", r" \cdot "]
            if right[0] in "([" and not left[-1].isalpha():
                signs += ["", " "]
            if left[-1].isdigit() and right[0].isalpha():
                signs += ["", " "]
            return self.rng.choice(signs)
        signs = {"-": ["-", "−", " - ", "–"], "/": ["/", " / ", "÷"], "^": ["^", "**"]}
        return self.rng.choice(signs.get(op, [op, f" {op} "]))

    def name(self, name):
        """Print a name in one of its spellings."""
        pick = self.rng.choice
        if name in GREEK:
            return pick([name, GREEK[name], rf"\{name} "])
        if name == "x_star":
            return pick(["x_star", "(x*)", "x⋆", "x^{*}", r"x^\star "])
        if name == "y_prime":
            return pick(["y_prime", "y'", "y′", r"y^\prime ", r"y^{\prime}"])
        word, digit = name[:-1].rstrip("_"), name[-1]
        if digit.isdigit():
            low = "₀₁₂₃"[int(digit)]
            return pick(
                [word + digit, f"{word}_{digit}", f"{word}_{{{digit}}}", word + low]
            )
        return name


# --- the test -------------------------------------------------------------------------


class Case(NamedTuple):
    """What is typed into a box, and what NumPy or the way it was made says of it."""

    name: str
    typed: str | list[str]
    verdict: str  # right, not right, unread, or any at the edge of the tolerance
    off: float = np.inf  # how far its values are from those of the nearest answer


def verdict_of(box, values):
    """Return what a formula with these values deserves, and how far off they are."""
    if box["kind"] == "number":
        answers = np.array([[(box.get("variants") or [box])[0]["answer"]]])
    else:
        answers = np.array([found for found, _ in box["answers"]])
    least = 1e-9 * np.abs(answers).max(axis=1, keepdims=True)
    share = np.abs(values - answers) / np.maximum(np.abs(answers), least)
    off = np.where(np.isnan(share), np.inf, share).max(axis=1).min()
    if box["tolerance"] / 2 < off < 2 * box["tolerance"]:
        return "any", off
    return "right" if off < box["tolerance"] else "not right", off


def cases(boxes):
    """Return ten thousand cases, the same each time."""
    rng = random.Random(SEED)
    spelled = Spelling(rng)
    answers = {k: tree(ast.parse(v, mode="eval").body) for k, v in ANSWERS.items()}
    found = []
    for i in range(6000):
        name = list(answers)[i % len(answers)]
        box = boxes[name]
        points = box.get("points", [{}])
        values = {k: np.array([p[k] for p in points]) for k in points[0]}
        formula = answers[name]
        for _ in range(rng.choice([0, 1, 1, 2])):
            formula = changed(rng, formula, list(values))
        formula = same(rng, formula)
        worth = formula.at(values)
        found.append(Case(name, spelled(formula), *verdict_of(box, worth)))

    shifts = [["0"] * i + ["w1", "w2", "w3"] + ["0"] * (2 - i) for i in range(3)]
    grid = [Tree(0.0 if cell == "0" else cell) for row in shifts for cell in row]
    for i in range(500):
        cells = [*grid, *[Tree(0.0)] * 10]
        if i % 2:
            wrong = rng.randrange(25)
            extra = Tree(rng.choice(["w1", "w2", "w3", 1.0]))
            cells[wrong] = Tree("+", (cells[wrong], extra))
        typed = [spelled(same(rng, cell)) for cell in cells]
        found.append(Case("3-2-a", typed, "not right" if i % 2 else "right"))

    for _ in range(1500):
        name = rng.choice(list(answers))
        text = spelled(same(rng, answers[name]))
        ways = [f"({text}", f"{text})", f"{text}+", f"{text}*/2", f"§{text}"]
        at = rng.randrange(len(text) + 1)
        ways += [f"{text[:at]}Ω{text[at:]}", f"max({text}", f"{text}^", f"*{text}"]
        found.append(Case(name, rng.choice(ways), "unread"))

    signs = [*"0123456789.,+-*/^()|[]<>=% eExwyh{}_\\", *"ησ√²½'′−×·≈₁\t𝟙é$", r"\frac"]
    signs += ["max(", "sin ", "w1", r"\left", r"\cdot", "1[", "eta", "1_{", "ln", "if"]
    while len(found) < 10_000:
        text = "".join(rng.choices(signs, k=rng.randrange(25)))
        # An equals sign may be followed by an answer, whatever is left of it.
        verdict = "any" if {"=", "≈"} & {*text} else "not right"
        found.append(Case(rng.choice(list(answers)), text, verdict))
    return found


def test_ten_thousand_strings_are_judged_as_numpy_judges_them(context, address):
    """None throws or hangs, none is called right that is not, none wrong that is right.

    The verdict that is refused: one that differs from the values of the formula. Two
    digits may be rounded, by 5 % at most.
    """
    page = context.new_page()
    page.goto(f"{address}exam.html")
    page.locator("hw4-exam.hw4-taking").wait_for()
    boxes = {
        key.removeprefix("try-"): json.loads(data)
        for key, data in page.locator("hw4-answer").evaluate_all(
            "(all) => all.map((box) => [box.id, box.dataset.box])"
        )
    }
    typed = {"number", "formula", "grid"}
    written = {k for k, box in boxes.items() if box["kind"] in typed}
    assert written - {"3-3-a"} == {*ANSWERS, "3-2-a"}  # whose cells are chosen

    asked = cases(boxes)
    page.evaluate("hw4Load('formula.js')")
    found = page.evaluate(JUDGE, [[case.name, case.typed] for case in asked])

    wrong = []
    for case, (verdict, says, took, torn) in zip(asked, found, strict=True):
        assert verdict in {"right", "close", "slip", "wrong", "unread"}, case
        assert took < 5000, (case, took)  # milliseconds; the usual is below one
        assert not torn, case
        close = "rounded" in says or (verdict == "close" and "kink" not in says)
        expected = {
            "right": verdict == "right",
            "not right": case.off < 0.05 if close else verdict != "right",
            "unread": verdict == "unread",
            "any": True,
        }[case.verdict]
        if not expected:
            wrong.append((case, verdict, says))
    assert wrong == []
    counts = [case.verdict for case in asked]
    assert min(map(counts.count, ("right", "not right", "unread"))) > 1000
