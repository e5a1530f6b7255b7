import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import matrix_of

from hw4lib.architecture.encoding import (
    encoding_determinant,
    encoding_frequencies,
    positional_encoding,
    shift_encoding,
    shift_matrix,
    sine_determinant,
    sine_encoding,
    sine_shift,
)

INTEGERS = st.integers(-(2**61), 2**61)


def encoding_in_digits(position, dimension, base=10_000, exponent_dimension=None):
    """The sheet's formula, entry by entry, in 60 digits."""
    with mpmath.workdps(60):
        entries = []
        for i in range(dimension):
            even = i - i % 2
            power = mpmath.mpf(even) / mpmath.mpf(exponent_dimension or dimension)
            angle = mpmath.mpf(int(position)) / mpmath.mpf(base) ** power
            entries.append(float(mpmath.cos(angle) if i % 2 else mpmath.sin(angle)))
    return entries


def random_frequencies(rng, count):
    """Apart from each other, from 0 and from pi, so that nothing is nearly singular."""
    return math.pi * (rng.permutation(count) + rng.uniform(0.3, 0.7, count)) / count


@pytest.mark.parametrize(
    ("dimension", "constants"),
    [
        (6, {}),
        (6, {"base": 100, "exponent_dimension": 3}),
        (4, {"base": 1}),
        (4, {"base": 2.5, "exponent_dimension": 0.7}),
        (128, {"exponent_dimension": 77}),
    ],
    ids=["default", "L and D", "L = 1", "fractions", "many"],
)
def test_encoding_is_the_sheets_formula_at_any_integer(dimension, constants):
    """Also at 2^62, where an angle in float64 has no right digit left."""
    positions = [0, 1, -1, 7, -8191, 10**6 + 7, 2**53 + 11, 2**62, -(2**62)]

    actual = positional_encoding(positions, dimension, **constants)

    expected = [encoding_in_digits(n, dimension, **constants) for n in positions]
    # Rounding of an angle up to pi, and of its sine.
    assert_allclose(actual, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("start", [0, -100, 10**15], ids=str)
def test_a_range_of_positions_is_right_too(start):
    """Ranges go by products instead of sines."""
    positions = np.arange(start, start + 1000)

    actual = positional_encoding(positions, 8)

    assert actual.shape == (1000, 8)
    for i in (0, 1, 30, 31, 32, 123, 124, 500, 999):
        # A product of up to three pairs adds one rounding to each but the first.
        expected = encoding_in_digits(start + i, 8)
        assert_allclose(actual[i], expected, rtol=0, atol=2e-15)


@pytest.mark.parametrize("size", [15, 16, 17, 25, 100, 255, 256, 1023], ids=str)
def test_a_range_is_each_of_its_positions(size):
    """Lengths that are and are not squares, on both sides of where products start."""
    positions = np.arange(-7, size - 7)

    actual = positional_encoding(positions, 6)

    expected = np.stack([positional_encoding(n, 6) for n in positions])
    assert_allclose(actual, expected, rtol=0, atol=2e-15)


@pytest.mark.parametrize(
    "positions",
    [
        np.zeros((2, 0), int),
        np.arange(64).reshape(8, 8),
        np.arange(64)[::-1],
        np.r_[0:40, 39:79],
        np.r_[0:20, 21, 20, 22:64],
    ],
    ids=["empty", "square", "backwards", "with a repeat", "with a swap"],
)
def test_positions_come_in_any_order_and_shape(positions):
    actual = positional_encoding(positions, 4)

    assert actual.shape == (*positions.shape, 4)
    for index in np.ndindex(positions.shape):
        alone = positional_encoding(int(positions[index]), 4)
        assert_allclose(actual[index], alone, rtol=0, atol=1e-15)


def test_frequencies_are_the_sheets_powers():
    actual = encoding_frequencies(4, base=100, exponent_dimension=6)

    with mpmath.workdps(30):
        expected = [
            float(mpmath.mpf(100) ** (-mpmath.mpf(2 * j) / 6)) for j in range(4)
        ]
    assert_allclose(actual, expected, rtol=1e-15)
    assert_array_equal(encoding_frequencies(3, base=1), 1)
    assert_array_equal(
        encoding_frequencies(2, base=1e308, exponent_dimension=1e-308), [1, 0]
    )


def test_shift_of_one_is_the_matrix_by_hand():
    """2d = D = 4 and L = 10^4: the frequencies are 1 and 1/100."""
    c, s, c_slow, s_slow = math.cos(1), math.sin(1), math.cos(0.01), math.sin(0.01)

    expected = [
        [c, s, 0, 0],
        [-s, c, 0, 0],
        [0, 0, c_slow, s_slow],
        [0, 0, -s_slow, c_slow],
    ]
    assert_allclose(shift_matrix(1, 4), expected, rtol=1e-15)


@given(INTEGERS, INTEGERS, st.sampled_from([2, 4, 10]))
def test_one_matrix_shifts_every_position(n, k, dimension):
    """3.3 (c), with n and k of up to 61 bits."""
    shifted = shift_matrix(k, dimension) @ positional_encoding(n, dimension)

    # Two products and a sum of numbers up to 1.
    expected = positional_encoding(n + k, dimension)
    assert_allclose(shifted, expected, rtol=0, atol=2e-15)


@given(INTEGERS, INTEGERS)
def test_shifts_are_a_group_of_rotations(k, j):
    """Orthogonal of determinant 1, W_k W_j = W_{k+j}, W_{-k} is the transpose."""
    w_k, w_j = shift_matrix(k, 6), shift_matrix(j, 6)

    assert_allclose(w_k @ w_k.T, np.eye(6), rtol=0, atol=1e-15)
    assert_allclose(np.linalg.det(w_k), 1, rtol=1e-14)
    assert_allclose(w_k @ w_j, shift_matrix(k + j, 6), rtol=0, atol=2e-15)
    assert_allclose(shift_matrix(-k, 6), w_k.T, rtol=0, atol=1e-15)


def test_shift_by_nothing_is_the_identity():
    assert_array_equal(shift_matrix(0, 8), np.eye(8))


def test_shift_is_a_power_of_the_shift_by_one():
    power = np.linalg.matrix_power(shift_matrix(1, 8), 57)

    # Six squarings, each with a rounding.
    assert_allclose(shift_matrix(57, 8), power, rtol=0, atol=1e-13)


@given(INTEGERS, st.integers(-100, 100))
def test_inner_products_depend_on_the_distance_alone(n, k):
    """The product is the sum of the cosines of omega_j k, and d for k = 0."""
    product = positional_encoding(n, 8) @ positional_encoding(n + k, 8)

    expected = np.cos(encoding_frequencies(4) * k).sum()
    assert_allclose(product, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(6,), (5, 6), (2, 3, 6), (0, 6), (2000, 6)], ids=str)
def test_shifting_rows_is_the_product_with_the_matrix(rng, shape):
    rows = rng.normal(size=shape)

    actual = shift_encoding(rows, -3, base=50, exponent_dimension=5)

    matrix = shift_matrix(-3, 6, base=50, exponent_dimension=5)
    assert_allclose(actual, rows @ matrix.T, rtol=0, atol=1e-14)


def test_shifting_columns_out_of_order_in_memory(rng):
    rows = rng.normal(size=(6, 5)).T

    assert_array_equal(shift_encoding(rows, 2), shift_encoding(rows.copy(), 2))


def test_matrix_is_the_matrix_of_the_map():
    assert_allclose(
        shift_matrix(9, 6), matrix_of(lambda r: shift_encoding(r, 9), 6), rtol=1e-15
    )


@pytest.mark.parametrize("k", [1, -2, 10])
def test_the_shift_matrix_is_the_only_one(k):
    """2d consecutive encodings are independent, so least squares has one answer."""
    positions = np.arange(5, 11)
    here, there = (positional_encoding(positions + j, 6, base=20) for j in (0, k))

    only, _, rank, _ = np.linalg.lstsq(here, there)

    assert rank == 6
    # The encodings have a condition number of a few thousand.
    assert_allclose(only.T, shift_matrix(k, 6, base=20), rtol=0, atol=1e-10)


def test_equal_frequencies_leave_the_shift_matrix_open():
    """L = 1: both pairs are the same, and swapping them within W_k changes nothing."""
    r = positional_encoding(np.arange(50), 4, base=1)
    swapped = shift_matrix(3, 4, base=1)[[2, 3, 0, 1]]

    shifted = positional_encoding(np.arange(3, 53), 4, base=1)
    assert_allclose(r @ swapped.T, shifted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_determinant_of_consecutive_encodings(rng, d):
    w = random_frequencies(rng, d)
    with mpmath.workdps(40):
        rows = [
            [f(mpmath.mpf(x) * n) for x in w for f in (mpmath.sin, mpmath.cos)]
            for n in range(2 * d)
        ]
        expected = float(mpmath.det(mpmath.matrix(rows)))

    assert_allclose(encoding_determinant(w), expected, rtol=1e-12)


@pytest.mark.parametrize("m", [1, 2, 3, 6])
def test_determinant_of_consecutive_sines(rng, m):
    w = random_frequencies(rng, m)
    with mpmath.workdps(40):
        rows = [[mpmath.sin(mpmath.mpf(x) * n) for x in w] for n in range(1, m + 1)]
        expected = float(mpmath.det(mpmath.matrix(rows)))

    assert_allclose(sine_determinant(w), expected, rtol=1e-12)


def test_determinants_keep_their_digits_at_the_sheets_frequencies():
    """Cosines of small frequencies differ in their last digits only."""
    w = encoding_frequencies(4)
    with mpmath.workdps(60):
        rows = [[mpmath.sin(mpmath.mpf(x) * n) for x in w] for n in range(1, 5)]
        expected = float(mpmath.det(mpmath.matrix(rows)))

    assert_allclose(sine_determinant(w), expected, rtol=1e-12)


@pytest.mark.parametrize("m", [4, 33, 64])
def test_determinants_of_even_frequencies(m):
    """The square of the discrete sine transform is (m + 1)/2 times the identity."""
    w = np.arange(1, m + 1) * np.pi / (m + 1)

    size = abs(sine_determinant(w))
    assert_allclose(size, ((m + 1) / 2) ** (m / 2), rtol=1e-11)
    # As the sines have the product (m + 1) / 2^m.
    expected = (-1) ** m * float(m + 1) ** (m - 1)
    assert_allclose(encoding_determinant(w[::-1]), expected, rtol=1e-11)


def test_determinants_vanish_for_equal_frequencies():
    assert sine_determinant([0.3, 1.0, 0.3]) == 0
    assert encoding_determinant([0.3, 1.0, 0.3]) == 0


def test_sines_alone_are_sines():
    actual = sine_encoding([[-2, 0], [1, 5]], [0.5, 1.5])

    for (i, j), n in np.ndenumerate([[-2, 0], [1, 5]]):
        assert_allclose(actual[i, j], [math.sin(0.5 * n), math.sin(1.5 * n)])


@pytest.mark.parametrize("k", [1, -1, 2, 22, 355])
def test_position_zero_alone_forbids_a_shift_of_sines(k):
    """s_0 = 0 must go to s_k, and sin k is not 0 even at 355, close to 113 pi."""
    shift = sine_shift(encoding_frequencies(3), k, [0])

    assert_array_equal(shift.relation, [1])
    assert_allclose(shift.violation, np.sin(k * encoding_frequencies(3)), rtol=1e-12)
    assert shift.residual == pytest.approx(np.abs(shift.violation).max())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_parity_forbids_it_without_position_zero(n):
    """s_n + s_{-n} = 0 must go to 2 sin(k omega) cos(n omega)."""
    w = np.array([1.0, 0.3])

    shift = sine_shift(w, 4, [-n, n])

    assert_allclose(shift.relation, [math.sqrt(0.5)] * 2, rtol=1e-12)
    expected = math.sqrt(0.5) * 2 * np.sin(4 * w) * np.cos(n * w)
    assert_allclose(shift.violation, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("k", [1, -2, 3])
def test_sines_shift_on_a_window_if_and_only_if_it_is_no_longer_than_m(rng, m, k):
    """On 1, ..., N, for N from 1 to m + 3 and random frequencies."""
    w = random_frequencies(rng, m)
    for size in range(1, m + 4):
        n = np.arange(1, size + 1)
        shift = sine_shift(w, k, n)

        best = np.linalg.lstsq(np.sin(np.outer(n, w)), np.sin(np.outer(n + k, w)))[0]
        assert_allclose(shift.matrix, best.T, rtol=0, atol=1e-9)
        error = np.sin(np.outer(n, w)) @ best - np.sin(np.outer(n + k, w))
        assert shift.residual == pytest.approx(np.abs(error).max(), abs=1e-11)
        # Where one exists only rounding is left; else far more than that.
        assert (shift.residual < 1e-11) == (size <= m)
        assert shift.violation.any() == (size > m)


@pytest.mark.parametrize("m", [1, 2, 4])
def test_violation_just_past_the_window_is_the_polynomial_of_the_proof(rng, m):
    """P has the relation as coefficients; the violation is sin(k w) Re P(e^{iw})."""
    w = random_frequencies(rng, m)
    shift = sine_shift(w, 3, np.arange(1, m + 2))

    p = np.exp(1j * np.outer(w, np.arange(1, m + 2))) @ shift.relation
    assert_allclose(p.imag, 0, rtol=0, atol=1e-12)
    assert_allclose(shift.violation, np.sin(3 * w) * p.real, rtol=0, atol=1e-12)
    assert_allclose(np.linalg.norm(shift.relation), 1, rtol=1e-12)


def test_a_shift_by_nothing_always_exists_for_sines():
    shift = sine_shift([1.0, 0.3], 0, np.arange(-5, 6))

    assert shift.residual < 1e-14
    assert_allclose(shift.violation, 0, rtol=0, atol=1e-14)
    assert_allclose(shift.matrix, np.eye(2), rtol=0, atol=1e-13)


def test_a_phase_of_a_quarter_turn_is_a_cosine_and_has_a_shift():
    """Why "sine" means zero phase: sin(x + pi/2) = cos x would save the property."""
    n = np.arange(20)
    pairs = np.sin(n[:, None] * 0.7 + [0, math.pi / 2])
    shifted = np.sin((n[:, None] + 3) * 0.7 + [0, math.pi / 2])
    c, s = math.cos(2.1), math.sin(2.1)

    assert_allclose(pairs @ [[c, -s], [s, c]], shifted, rtol=0, atol=1e-14)


def test_many_offsets_at_once_are_a_rotary_encoding(rng):
    """Each row by its own offset; inner products then depend on the distance."""
    rows = rng.normal(size=(2, 5, 6))
    offsets = np.array([0, 3, -7, 10**12, 2**62])

    actual = shift_encoding(rows, offsets)

    expected = [[shift_encoding(a[i], offsets[i]) for i in range(5)] for a in rows]
    assert_array_equal(actual, expected)
    # The same row at many positions, and the table of Su et al. from its definition.
    q, k = rng.normal(size=(2, 6))
    n = np.arange(40)
    angles = np.outer(n, 10_000.0 ** (-np.arange(3) / 3))
    table = np.empty((40, 6))
    table[:, 0::2] = q[0::2] * np.cos(angles) + q[1::2] * np.sin(angles)
    table[:, 1::2] = q[1::2] * np.cos(angles) - q[0::2] * np.sin(angles)
    turned = shift_encoding(q, n)
    assert_allclose(turned, table, rtol=0, atol=1e-13)
    products = turned @ shift_encoding(k, n).T
    for distance in (0, 1, 17):
        diagonal = np.diagonal(products, distance)
        assert_allclose(diagonal, diagonal[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.longdouble])
def test_rows_of_other_types(dtype):
    rows = np.arange(8).reshape(2, 4).astype(dtype)

    assert_array_equal(shift_encoding(rows, 3), shift_encoding(rows.astype(float), 3))


@pytest.mark.parametrize(("base", "dimension"), [(10_000, 512), (1e300, 2), (1.7, 9)])
def test_frequencies_are_right_to_the_last_digit(base, dimension):
    actual = encoding_frequencies(256, base=base, exponent_dimension=dimension)

    with mpmath.workdps(60):
        expected = [
            float(mpmath.power(base, -2 * mpmath.mpf(j) / dimension))
            for j in range(256)
        ]
    assert_array_equal(actual, expected)


def test_any_integer_type_has_64_bits_within():
    """A position of 32 bits times a frequency in units of a turn needs 64."""
    positions = np.array([2**31 - 1, -(2**31)], dtype=np.int32)

    actual = positional_encoding(positions, 6)

    expected = [encoding_in_digits(n, 6) for n in positions]
    assert_allclose(actual, expected, rtol=0, atol=1e-15)


def test_determinants_of_distinct_frequencies_are_not_zero(rng):
    for _ in range(20):
        w = rng.uniform(0.01, 3.1, size=5)
        assert sine_determinant(w) != 0
        assert encoding_determinant(w) != 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: shift_encoding(np.ones((3, 4)), [1, 2]),
            ValueError,
            r"`encodings` \(3,\), `offset` \(2,\) do not broadcast",
        ),
        (
            lambda: shift_encoding(
                np.broadcast_to(1.0, (10**6, 1, 2)), np.broadcast_to(1, (10**6,))
            ),
            MemoryError,
            "is of shape",
        ),
        (
            lambda: sine_encoding(np.broadcast_to(1, (10**6,)), np.ones(10**7)),
            MemoryError,
            r"`positions` is of shape \(1000000,\)",
        ),
        (
            lambda: sine_shift([1.0], 1, np.broadcast_to(1, (10**6,))),
            MemoryError,
            r"`positions` is of shape \(1000000,\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_first(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_matrix_past_an_address_is_a_memory_error(monkeypatch):
    """Where integers have 32 bits: 20 000 squared numbers are more than 2^31 bytes."""
    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 2**31 - 1)
    with pytest.raises(MemoryError, match="`dimension` is 20000"):
        shift_matrix(1, 20_000)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64])
def test_positions_of_any_integer_type(dtype):
    positions = np.array([0, 5, 100], dtype=dtype)

    actual = positional_encoding(positions, 4)

    assert actual.dtype == np.float64
    assert_array_equal(actual, positional_encoding([0, 5, 100], 4))
    assert_array_equal(sine_encoding(positions, [1]), np.sin([[0.0], [5.0], [100.0]]))


def test_arguments_are_not_modified():
    rows, positions = np.eye(4, dtype=np.float32), np.arange(40)
    shift_encoding(rows, 3)
    positional_encoding(positions, 4)[:] = 7.0

    assert_array_equal(rows, np.eye(4))
    assert_array_equal(positions, np.arange(40))
    # And what one caller writes reaches no other.
    assert_array_equal(positional_encoding(0, 4), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: positional_encoding([0.5], 4), TypeError, "`positions` is of type"),
        (lambda: positional_encoding([2**63], 4), ValueError, "`positions` holds"),
        (
            lambda: positional_encoding([0], 5),
            ValueError,
            "`dimension` has dimension 5",
        ),
        (lambda: positional_encoding([0], 0), ValueError, "`dimension` is 0"),
        (lambda: positional_encoding([0], 4.0), TypeError, "`dimension` is 4.0"),
        (
            lambda: positional_encoding([0], 4, base=0.5),
            ValueError,
            "`base` is 0.5, expected >= 1",
        ),
        (
            lambda: positional_encoding([0], 4, exponent_dimension=0),
            ValueError,
            "`exponent_dimension` is 0, expected > 0",
        ),
        (
            lambda: positional_encoding([0], 2**60),
            MemoryError,
            r"`positions` is of shape \(1,\)",
        ),
        (lambda: shift_matrix(0.5, 4), TypeError, "`offset` is 0.5"),
        (lambda: shift_matrix(2**63, 4), ValueError, "`offset` is"),
        (lambda: shift_matrix(1, 2**30), MemoryError, "`dimension` is 1073741824"),
        (lambda: shift_matrix(1, 3), ValueError, "`dimension` has dimension 3"),
        (lambda: shift_encoding([1.0] * 3, 1), ValueError, "`encodings` has dimension"),
        (lambda: shift_encoding(1.0, 1), ValueError, "`encodings` has shape"),
        (lambda: shift_encoding([-1.7e308] * 2, 1), ValueError, "`encodings` makes"),
        (lambda: shift_encoding([1.7e308] * 2, -1), ValueError, "`encodings` makes"),
        (lambda: shift_encoding([0, np.nan], 1), ValueError, "`encodings` holds nan"),
        (lambda: shift_encoding([0, np.inf], 1), ValueError, "`encodings` holds inf"),
        (
            lambda: shift_encoding([1.0] * 2, 1.5),
            TypeError,
            "`offset` is of type float",
        ),
        (lambda: encoding_frequencies(0), ValueError, "`count` is 0"),
        (lambda: encoding_frequencies(10**20), MemoryError, "`count` is 1e20"),
        (lambda: sine_shift([1.0], 1, [2**62]), ValueError, "`positions` holds 4.6"),
        (lambda: sine_encoding([0.0], [1.0]), TypeError, "`positions` is of type"),
        (lambda: sine_encoding([0], [4.0]), ValueError, "`frequencies` holds 4"),
        (lambda: sine_encoding([0], 1.0), ValueError, "`frequencies` has shape"),
        (lambda: sine_shift([1.0], 1, []), ValueError, "`positions` has shape"),
        (lambda: sine_shift([1.0], 1, 3), ValueError, "`positions` has shape"),
        (lambda: sine_shift([0.0], 1, [3]), ValueError, "`frequencies` holds 0"),
        (lambda: sine_shift([1.0], 0.1, [3]), TypeError, "`offset` is 0.1"),
        (lambda: sine_determinant([]), ValueError, "`frequencies` has shape"),
        (
            lambda: sine_determinant(np.linspace(1, 2, 65)),
            ValueError,
            "`frequencies` has 65 entries, expected at most 64",
        ),
        (lambda: encoding_determinant([4.0]), ValueError, "`frequencies` holds 4"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_shifts_by_many_offsets_fit_in_memory_exactly(monkeypatch):
    """The result of three offsets and four rows of six numbers, and no byte less."""
    rows = np.ones((4, 6))
    offsets = np.arange(3)[:, None]
    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 8 * 3 * 4 * 6)
    assert shift_encoding(rows, offsets).shape == (3, 4, 6)
    monkeypatch.setattr("hw4lib._checks.memory_size", lambda: 8 * 3 * 4 * 6 - 1)
    with pytest.raises(MemoryError, match=r"^`encodings` is of shape \(4, 6\)"):
        shift_encoding(rows, offsets)
