"""The exponential and the logarithm of compiled loops, against 60 digits."""

import mpmath
import numpy as np
import pytest
from mpmath import mp

from hw4lib._engine import elementwise
from hw4lib._numbers import exp, log, log1p

TINY = 5e-324


def exponential(x):
    return (np.exp(x),)


def logarithm(x):
    return (np.log(x),)


def logarithm_of_more(x):
    return (np.log1p(x),)


FORMULAS = {exp: exponential, log: logarithm, log1p: logarithm_of_more}


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    """The lines as NumPy reads them, and as Numba compiles them."""
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


def evaluate(engine, function, x):
    if engine == "numba":
        return elementwise("numba", FORMULAS[function], x)[0]
    with np.errstate(all="ignore"):
        return function(x)


def errors(values, exact, x):
    """Distances from the exact values in units of their last place."""
    with mp.workdps(60):
        wanted = [exact(mpmath.mpf(float(number))) for number in x]
        return [
            float(abs(value - number) / np.spacing(abs(float(number))))
            for value, number in zip(map(float, values), wanted, strict=True)
        ]


@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 1.0), (-40.0, 40.0), (-708.0, 709.78), (-745.13, -708.0), (-1e-9, 1e-9)],
    ids=["near 0", "common", "normal results", "subnormal results", "tiny"],
)
def test_exponential_is_right_to_one_ulp(engine, rng, low, high):
    """Without the second part of log 2 it is 1e-8 off at 100, far more than an ulp."""
    x = rng.uniform(low, high, 2000)

    assert max(errors(evaluate(engine, exp, x), mp.exp, x)) <= 1.0


def test_exponential_at_the_ends(engine):
    """Infinite past the largest float, 0 below half of the smallest, NaN for NaN."""
    largest, least = 709.782712893384, -745.1332191019411  # logs of the ends
    x = np.array([np.inf, 1e308, 709.7827128933841, largest, 0.0, -0.0])
    y = np.array([-np.inf, -1e308, -745.1332191019412, least, np.nan, TINY])

    assert (
        evaluate(engine, exp, x)[[0, 1, 2, 4, 5]].tolist() == [np.inf] * 3 + [1.0] * 2
    )
    assert max(errors(evaluate(engine, exp, x[3:]), mp.exp, x[3:])) <= 1.0
    np.testing.assert_array_equal(
        evaluate(engine, exp, y), [0.0, 0.0, 0.0, TINY, np.nan, 1.0]
    )


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.uniform(-0.5, 1.0, 2000),
        lambda rng: 10.0 ** rng.uniform(-320.0, 300.0, 2000),
        lambda rng: -(10.0 ** rng.uniform(-300.0, 0.0, 2000)),
        lambda rng: 10.0 ** rng.uniform(-15.0, 0.0, 2000) - 1.0,
        lambda rng: np.sqrt(2.0) - 1.0 + rng.uniform(-0.1, 0.1, 2000),
    ],
    ids=["common", "positive", "negative", "near -1", "where n changes"],
)
def test_logarithm_of_more_than_one_is_right_to_one_ulp(engine, rng, draw):
    """log(1 + x) has no digit left at 1e-17, and half of them at 1e-8."""
    x = draw(rng)

    assert max(errors(evaluate(engine, log1p, x), mp.log1p, x)) <= 1.0
    assert evaluate(engine, log1p, np.array([0.0, TINY])).tolist() == [0.0, TINY]


def test_logarithm_is_right_to_one_ulp(engine, rng):
    """At all sizes, and near 1, where log(x) is of the size of its error if not."""
    x = np.concatenate(
        [
            10.0 ** rng.uniform(-307.0, 308.0, 2000),
            rng.uniform(0.5, 2.0, 2000),
            1.0 + rng.uniform(-1e-9, 1e-9, 2000),
        ]
    )

    assert max(errors(evaluate(engine, log, x), mp.log, x)) <= 1.0
    assert evaluate(engine, log, np.ones(1)).tolist() == [0.0]
