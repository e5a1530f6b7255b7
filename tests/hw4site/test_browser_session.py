import numpy as np
import pytest

from hw4site.browser_session import LIMIT, ROUNDING, Session, compare


@pytest.fixture(autouse=True)
def numpy_settings():
    """What a block sets is for its session alone."""
    with np.errstate(), np.printoptions():
        yield


def run(session, *codes, tell=str):
    """Run the last of a page's blocks."""
    return session.run([(f"block {i + 1}", code) for i, code in enumerate(codes)], tell)


def test_earlier_blocks_run_first_and_once():
    """Names exist; what has run as it is does not run again, and prints nothing."""
    session, told = Session(), []
    blocks = ["x = 1; print('first')", "y = x + 1", "print(x + y)"]
    assert run(session, *blocks, tell=told.append).output == "3\n"
    assert told == ["block 1", "block 2", "block 3"]
    assert run(session, *blocks, tell=told.append).output == "3\n"
    assert told[3:] == ["block 3"]


def test_an_earlier_edit_is_seen():
    """From the first block that differs on, everything runs again."""
    session, told = Session(), []
    blocks = ["x = 1", "y = 2", "z = 3", "print(x + y + z)"]
    run(session, *blocks)
    blocks[1] = "y = 20"
    assert run(session, *blocks, tell=told.append).output == "24\n"
    assert told == ["block 2", "block 3", "block 4"]


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ("x = [1]", "x.append(2); print(x)"),
        ("import numpy as np; x = np.ones(2)", "x += 1; print(x)"),
        ("x = 1", "x = x + 1; print(x)"),
        ("import numpy as np; rng = np.random.default_rng(0)", "print(rng.random())"),
        (
            "import numpy as np",
            "print(np.array(1/3)); np.set_printoptions(precision=2)",
        ),
        ("x = 1", "print(x); del x"),
        ("print('x')", "print('new' in globals()); new = 1"),
    ],
)
def test_a_block_gives_the_same_however_often_it_runs(before, code):
    """It finds names, arrays, generators and settings as the block before left them."""
    session = Session()
    first = run(session, before, code)
    assert not first.error
    assert run(session, before, code) == first
    assert run(session, before, f"{code}\n1 / 0").error
    assert run(session, before, code) == first


def test_what_two_names_share_stays_shared():
    """A copy of the names is a copy of their whole."""
    session = Session()
    blocks = ["x = [1]; y = x", "y.append(2); print(x)"]
    for _ in range(2):
        assert run(session, *blocks).output == "[1, 2]\n"


def test_a_function_finds_names_of_later_blocks():
    """As in one script."""
    session = Session()
    blocks = ["def f():\n    return later", "later = 7", "print(f(), __name__)"]
    for _ in range(2):
        assert run(session, *blocks).output == "7 __main__\n"


def test_what_can_not_be_copied_is_shared():
    """An open iterator goes on."""
    session = Session()
    blocks = ["import sys; rest = iter(x for x in range(9))", "print(next(rest))"]
    assert run(session, *blocks).output == "0\n"


def test_an_error_shows_as_python_shows_it():
    """The block's own lines, no line of ours, and what was printed before."""
    outcome = run(Session(), "def f(x):\n    return 1 / x", "print(1)\nf(0)")
    assert (outcome.output, outcome.failed) == ("1\n", "block 2")
    lines = outcome.error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1:3] == ['  File "<block 2>", line 2, in <module>', "    f(0)"]
    assert '  File "<block 1>", line 2, in f' in lines
    assert "    return 1 / x" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "session.py" not in outcome.error


def test_a_syntax_error_points_at_its_place():
    """There is no traceback before it."""
    outcome = run(Session(), "x = (1,\ny =")
    assert outcome.error.startswith('  File "<block 1>", line 1')
    assert "    x = (1,\n" in outcome.error
    assert "SyntaxError" in outcome.error


def test_an_earlier_block_that_fails_is_named():
    """The last one does not run."""
    session = Session()
    outcome = run(session, "1 / 0", "print(2)")
    assert (outcome.output, outcome.failed) == ("", "block 1")
    assert run(session, "x = 1", "print(x)").output == "1\n"


def test_leaving_and_warnings_are_told():
    """`exit` ends the block alone; a warning stands where Python would put it."""
    assert "SystemExit" in run(Session(), "raise SystemExit(0)").error
    code = "import warnings; warnings.warn_explicit('mind', UserWarning, 'f', 1)"
    with pytest.warns(UserWarning, match="mind"):
        run(Session(), code)
    assert (
        run(Session(), "import sys; print('mind', file=sys.stderr)").output == "mind\n"
    )


def test_endless_output_is_cut():
    """The memory holds a limited text, whatever is printed."""
    output = run(
        Session(), f"for i in range(3 * {LIMIT} // 10): print('123456789')"
    ).output
    assert len(output) < LIMIT + 100
    assert output.endswith("(cut after 100,000 characters)")


@pytest.mark.parametrize(
    ("published", "output", "kind", "words"),
    [
        ("1.5\n", "1.5\n", "same", "Same as published."),
        ("", "", "same", "Prints nothing, as published."),
        ("a  \nb", "a\nb\n\n", "same", "Same as published."),
        ("x = 0.25", f"x = {0.25 + ROUNDING / 2}", "rounding", "up to rounding"),
        ("1e-17", "0.0", "rounding", "up to rounding"),
        ("[1e9  -2.5e8]", "[1000000000.5 -2.5e8]", "rounding", "up to rounding"),
        (
            "x = 0.25",
            "x = 0.26",
            "different",
            "line 1 is “x = 0.26”, published is “x =",
        ),
        ("a 1\nb 2", "a 1\nc 2", "different", "line 2 is “c 2”, published is “b 2”"),
        ("x1 = 2", "x2 = 2", "different", "line 1"),
        ("1", "x" * 300, "different", f"line 1 is “{'x' * 80}…”, published is “1”"),
        ("1\n2", "1", "different", "number of lines is 1, published is 2"),
        ("1", "", "different", "number of lines is 0, published is 1"),
        ("", "1", "different", "prints nothing"),
    ],
)
def test_the_verdict_says_where(published, output, kind, words):
    """Numbers may differ in their last digits, nothing else may."""
    found, said = compare(published, output)
    assert found == kind
    assert words in said
