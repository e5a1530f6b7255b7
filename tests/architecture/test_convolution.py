import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from oracles import difference_quotient, matrix_of

from hw4lib import _engine
from hw4lib.architecture.convolution import (
    conv1d,
    conv1d_gradient,
    conv1d_output_length,
    convolution_matrix,
    shared_weight_gradient,
    weight_counts,
    weight_pattern,
)


@st.composite
def layers(draw):
    """Draw a layer whose window fits at least once."""
    width, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    reach = dilation * (width - 1) + 1
    padding = draw(st.integers(0, 7))
    length = max(reach - 2 * padding, 1) + draw(st.integers(0, 9))
    options = {
        "stride": draw(st.integers(1, 4)),
        "padding": padding,
        "dilation": dilation,
    }
    return width, length, options


def slow_conv(x, kernel, *, stride=1, padding=0, dilation=1):
    """The definition in loops, for one input with channels."""
    out, into, width = kernel.shape
    x = np.concatenate(
        [np.zeros((into, padding)), x, np.zeros((into, padding))], axis=1
    )
    columns, start = [], 0
    while start + dilation * (width - 1) < x.shape[1]:
        z = np.zeros(out)
        for o in range(out):
            for c in range(into):
                for t in range(width):
                    z[o] += kernel[o, c, t] * x[c, start + dilation * t]
        columns.append(z)
        start += stride
    return np.stack(columns, axis=1)


LAYERS = [
    {"stride": s, "dilation": d, "padding": p}
    for s, d, p in [(1, 1, 0), (1, 1, 2), (3, 1, 0), (2, 3, 1), (1, 2, 0), (7, 1, 4)]
]


class TestConvolutionMatrix:
    """The layer written out as a fully connected one."""

    def test_sheet(self):
        """Length 5, width 3, stride 1: the matrix that the question asks for."""
        expected = [[2, 3, 5, 0, 0], [0, 2, 3, 5, 0], [0, 0, 2, 3, 5]]
        assert_array_equal(convolution_matrix([2, 3, 5], 5), expected)

    @pytest.mark.parametrize(
        ("width", "length", "stride"),
        [(3, 5, 1), (1, 4, 1), (4, 4, 1), (2, 9, 3), (3, 8, 2), (2, 3, 7)],
        ids=[
            "homework",
            "width one",
            "one window",
            "gaps",
            "leftover input",
            "long stride",
        ],
    )
    def test_is_the_map_numpy_computes(self, rng, width, length, stride):
        """`numpy.correlate`, which shares no code with ours, is the same linear map."""
        kernel = rng.normal(size=width)
        expected = matrix_of(
            lambda x: np.correlate(x, kernel, "valid")[::stride], length
        )
        # Both only copy the weights, so nothing is rounded.
        assert_array_equal(convolution_matrix(kernel, length, stride=stride), expected)

    def test_flipped_kernel_is_the_convolution_of_mathematics(self, rng):
        """`numpy.convolve` with full padding is the layer of the reversed kernel."""
        kernel = rng.normal(size=3)
        expected = matrix_of(lambda x: np.convolve(x, kernel), 5)
        assert_array_equal(convolution_matrix(kernel[::-1], 5, padding=2), expected)

    def test_stride_one_is_toeplitz(self, rng):
        """First column and row make the whole matrix, by `scipy.linalg.toeplitz`."""
        w = rng.normal(size=4)
        expected = scipy.linalg.toeplitz(
            np.r_[w[1], w[0], np.zeros(6)], np.r_[w[1:], np.zeros(6)]
        )
        assert_array_equal(convolution_matrix(w, 9, padding=1), expected)

    @given(layer=layers())
    def test_every_layer_by_loops(self, layer):
        """Any width, length, stride, padding and dilation: the slow loops' matrix."""
        width, length, options = layer
        kernel = np.arange(1.0, width + 1)
        expected = matrix_of(
            lambda x: slow_conv(x[None], kernel[None, None], **options), length
        )
        assert_array_equal(convolution_matrix(kernel, length, **options), expected)

    @given(layer=layers(), out=st.integers(1, 3), into=st.integers(1, 3))
    def test_channels_by_loops(self, layer, out, into):
        """Block (o, c) is the matrix of w^oc, on the channels one after the other."""
        width, length, options = layer
        kernel = np.arange(1.0, out * into * width + 1).reshape(out, into, width)
        expected = matrix_of(
            lambda x: slow_conv(x.reshape(into, length), kernel, **options),
            into * length,
        )
        assert_array_equal(convolution_matrix(kernel, length, **options), expected)

    def test_is_a_view_of_linear_size(self):
        """Ten thousand inputs: 8 * 10^8 bytes of entries from a few 10^5 bytes."""
        tracemalloc.start()
        matrix = convolution_matrix([1, 2, 3], 10_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert matrix.shape == (9_998, 10_000)
        assert peak < 1_000_000

    @pytest.mark.parametrize("kernel", [[1, 2, 3], [[[1, 2, 3]], [[4, 5, 6]]]])
    def test_is_read_only_and_its_copy_is_not(self, kernel):
        """Writing to shared memory would change other entries, so it is refused."""
        matrix = convolution_matrix(kernel, 5)
        with pytest.raises(ValueError, match="read-only"):
            matrix[0, 0] = 7.0
        copy = matrix.copy()
        copy[0, 0] = 7.0
        assert (copy != matrix).sum() == 1

    def test_does_not_alias_its_kernel(self):
        """A kernel that changes later does not change the matrix."""
        kernel = np.array([1.0, 2.0])
        matrix = convolution_matrix(kernel, 3)
        kernel[0] = 9.0
        assert_array_equal(matrix, [[1, 2, 0], [0, 1, 2]])

    def test_exact_types(self):
        """Integers and float32 come out as float64."""
        for dtype in (np.int8, np.float32, bool):
            assert convolution_matrix(np.ones(2, dtype), 3).dtype == np.float64


class TestOutputLength:
    """How often the window fits."""

    @given(layer=layers())
    def test_counts_the_windows(self, layer):
        """As many as starting points from which the last weight is inside."""
        width, length, options = layer
        stride, padding, dilation = options.values()
        last = length + 2 * padding - dilation * (width - 1)
        assert conv1d_output_length(length, width, **options) == len(
            range(0, last, stride)
        )

    def test_named_paddings(self):
        """The sheet's 3; `same` keeps 5; `full` has 7."""
        lengths = [conv1d_output_length(5, 3, padding=p) for p in (0, 1, 2)]
        assert lengths == [3, 5, 7]


class TestWeightPattern:
    """Which weight stands where, and how many there are."""

    @given(layer=layers())
    def test_picks_the_matrix_out_of_the_kernel(self, layer):
        """Indexing the kernel, with a 0 at its end for -1, is the matrix."""
        width, length, options = layer
        kernel = np.random.default_rng(width).normal(size=width)
        pattern = weight_pattern(width, length, **options)
        assert_array_equal(
            np.append(kernel, 0.0)[pattern],
            convolution_matrix(kernel, length, **options),
        )

    def test_picks_the_channels(self, rng):
        """The same with channels, numbered in the order of `kernel.ravel()`."""
        kernel = rng.normal(size=(2, 3, 4))
        pattern = weight_pattern(4, 6, channels=(2, 3), padding=1)
        assert pattern.dtype == np.int64
        assert_array_equal(
            np.append(kernel, 0.0)[pattern], convolution_matrix(kernel, 6, padding=1)
        )

    @given(layer=layers(), out=st.integers(1, 3), into=st.integers(1, 3))
    def test_counts_are_those_of_the_pattern(self, layer, out, into):
        """Counting entries of the pattern gives the numbers counted without it."""
        width, length, options = layer
        pattern = weight_pattern(width, length, channels=(out, into), **options)
        counts = weight_counts(width, length, channels=(out, into), **options)
        assert counts.entries == pattern.size
        assert counts.connections == (pattern >= 0).sum()
        assert counts.zeros == (pattern < 0).sum()
        assert counts.parameters == out * into * width

    def test_sheet(self):
        """15 entries, 9 of them connections, 3 distinct; 13 of 25 with one zero."""
        counts = weight_counts(3, 5)
        assert (counts.entries, counts.connections) == (15, 9)
        assert (counts.zeros, counts.parameters) == (6, 3)
        assert weight_counts(3, 5, padding=1).connections == 13

    def test_counts_of_a_layer_that_no_memory_holds(self):
        """Integers of any size: a million million inputs, width 3."""
        counts = weight_counts(3, 10**12)
        assert counts.entries == (10**12 - 2) * 10**12
        assert counts.connections == 3 * (10**12 - 2)
        assert weight_counts(3, 10**20).connections == 3 * (10**20 - 2)

    def test_channels_are_any_pair(self):
        """An array of two is a pair; nothing else is no channels."""
        counts = weight_counts(3, 5, channels=np.array([2, 1]))
        assert counts.connections == 18
        for wrong in (0, (), (1,)):
            with pytest.raises(ValueError, match="`channels` is"):
                weight_counts(3, 5, channels=wrong)


class TestConv1d:
    """The layer applied."""

    @given(layer=layers(), out=st.integers(1, 3), into=st.integers(1, 3))
    def test_is_the_slow_loop(self, layer, out, into):
        """Any layer with channels."""
        width, length, options = layer
        rng = np.random.default_rng(length)
        kernel = rng.normal(size=(out, into, width))
        x = rng.normal(size=(into, length))
        assert_allclose(
            conv1d(x, kernel, **options),
            slow_conv(x, kernel, **options),
            rtol=1e-12,
            atol=1e-12,
        )

    @pytest.mark.parametrize("width", [1, 3, 31, 32, 33, 63, 300])
    @pytest.mark.parametrize("length", [300, 1000, 4500, 8192, 20_011])
    @pytest.mark.parametrize("stride", [1, 3])
    def test_is_numpy_for_long_inputs(self, rng, width, length, stride):
        """Whole pieces and a broken one, short kernels and long, alone and in pairs."""
        x, kernel = rng.normal(size=(2, length)), rng.normal(size=width)
        expected = [np.correlate(signal, kernel, "valid")[::stride] for signal in x]
        # Sums of `width` products of size 1.
        for actual in (
            conv1d(x, kernel, stride=stride),
            [conv1d(signal, kernel, stride=stride) for signal in x],
        ):
            assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)

    def test_long_inputs_that_overflow(self):
        """Too large is said, also where infinities of both signs would meet."""
        x = np.full(5000, 1e200)
        for kernel in (np.full(40, 1e200), np.tile([1e200, -1e200], 20)):
            with pytest.raises(
                ValueError, match="`x` and `kernel` make the result too large"
            ):
                conv1d(x, kernel)

    @pytest.mark.parametrize("x", [[1.0, 2.0, 3.0], [[1.0, 2.0, 3.0]] * 2])
    def test_does_not_alias_its_input(self, x):
        """Even the identity gives an array of its own."""
        x = np.array(x)
        z = conv1d(x, [1.0])
        z += 1.0
        assert_array_equal(z, x + 1.0)

    def test_more_than_a_cache_at_a_time(self, rng):
        """Long input with many channels takes several steps."""
        x, kernel = rng.normal(size=(2, 8, 20_000)), rng.normal(size=(3, 8, 5))
        expected = [
            [
                sum(np.correlate(a, w, "valid") for a, w in zip(one, ws, strict=True))
                for ws in kernel
            ]
            for one in x
        ]
        assert_allclose(conv1d(x, kernel), expected, rtol=1e-12, atol=1e-12)

    @given(layer=layers())
    def test_is_the_matrix(self, layer):
        """The definition of the matrix: A x, with and without channels."""
        width, length, options = layer
        rng = np.random.default_rng(length)
        x, kernel = rng.normal(size=length), rng.normal(size=width)
        expected = convolution_matrix(kernel, length, **options) @ x
        assert_allclose(conv1d(x, kernel, **options), expected, rtol=1e-12, atol=1e-12)
        for batch in (x[None], np.stack([x, x])):
            assert_allclose(
                conv1d(batch, kernel, **options)[-1], expected, rtol=1e-12, atol=1e-12
            )
            assert_allclose(
                conv1d(batch[..., None, :], kernel[None, None], **options)[-1, 0],
                expected,
                rtol=1e-12,
                atol=1e-12,
            )

    @pytest.mark.parametrize("batch", [(), (1,), (4,), (2, 3), (0,), (2, 0, 3)])
    def test_batches(self, rng, batch):
        """Any leading axes, none of them long or empty ones excluded."""
        x, kernel = rng.normal(size=(*batch, 2, 9)), rng.normal(size=(3, 2, 4))
        z = conv1d(x, kernel, stride=2, padding=1)
        assert z.shape == (*batch, 3, 4)
        for index in np.ndindex(batch):
            assert_allclose(
                z[index], slow_conv(x[index], kernel, stride=2, padding=1), rtol=1e-12
            )

    @pytest.mark.usefixtures("numba")
    @pytest.mark.parametrize("channels", [(1, 1), (1, 4), (3, 2)])
    @pytest.mark.parametrize("options", LAYERS, ids=str)
    def test_the_compiled_loop_is_the_slow_loop(self, rng, options, channels):
        """Groups of eight weights, whole and not, windows with gaps and padding."""
        for length, width in ((1, 1), (9, 4), (40, 7), (60, 8)):
            x, kernel = rng.normal(size=(channels[1], length)), rng.normal(size=width)
            kernel = kernel * rng.normal(size=(*channels, 1))
            z = conv1d(x, kernel, **options, engine="numba")
            assert_allclose(z, slow_conv(x, kernel, **options), rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("stride", [1, 3])
    def test_the_compiled_loop_is_numpy_in_any_threads(
        self, rng, numba, monkeypatch, stride
    ):
        """Three blocks of outputs, the last broken; the same bits by one thread."""
        x, kernel = rng.normal(size=(2, 2500 * stride)), rng.normal(size=6)
        run = partial(conv1d, x, kernel, stride=stride, bias=0.5, engine="numba")
        alone = run()
        expected = [np.correlate(row, kernel, "valid")[::stride] + 0.5 for row in x]
        assert_allclose(alone, expected, rtol=1e-12, atol=1e-12)
        monkeypatch.setattr(_engine, "_SHARE", 20)
        monkeypatch.setattr(numba, "get_num_threads", lambda: 2)
        assert_array_equal(run(), alone)

    @pytest.mark.usefixtures("numba")
    @pytest.mark.parametrize("place", [0, 1500, 2999])
    def test_the_compiled_loop_refuses_one_output_past_the_largest_float(self, place):
        """In any block, by the weights or by the bias alone."""
        x = np.zeros(3000)
        x[place] = 1e308
        with pytest.raises(ValueError, match="`x` makes the result too large"):
            conv1d(x, [10.0], engine="numba")
        with pytest.raises(ValueError, match="`x` and `bias` make the result too"):
            conv1d(x, [1.0], bias=1e308, engine="numba")

    @pytest.mark.usefixtures("numba")
    @pytest.mark.parametrize("batch", [(), (2, 3), (0,), (2, 0, 3)])
    def test_the_compiled_loop_takes_any_batch(self, rng, batch):
        """Of any memory: every second input, numbers in the middle of others."""
        x, kernel = rng.normal(size=(*batch, 2, 18))[..., ::2], np.ones((3, 2, 4))
        memory = np.zeros(8 * kernel.size + 1, np.uint8)
        unaligned = memory[1:].view(float).reshape(kernel.shape)
        unaligned[...] = kernel
        z = conv1d(x, unaligned, engine="numba")
        assert z.shape == (*batch, 3, 6)
        assert_allclose(z, conv1d(x, kernel), rtol=1e-12, atol=1e-12)

    def test_commutes_with_shifts(self, rng):
        """Equivariance: away from the ends, a shifted input gives shifted outputs."""
        x, kernel = rng.normal(size=50), rng.normal(size=3)
        assert_allclose(
            conv1d(np.roll(x, 4), kernel)[4:], conv1d(x, kernel)[:-4], rtol=1e-12
        )

    def test_integers(self):
        """Small integers are exact; arguments are not written to."""
        x, kernel = np.arange(5, dtype=np.int32), np.array([1, 2, 3], dtype=np.float32)
        z = conv1d(x, kernel, padding=1)
        assert z.dtype == np.float64
        assert_array_equal(z, [3, 8, 14, 20, 11])
        assert_array_equal(x, np.arange(5))
        assert_array_equal(kernel, [1, 2, 3])


class TestGradients:
    """The gradient of tied weights, with a matrix and without."""

    @given(layer=layers(), out=st.integers(1, 2), into=st.integers(1, 3))
    def test_are_difference_quotients(self, layer, out, into):
        """Both gradients of E = sum of g times z."""
        width, length, options = layer
        rng = np.random.default_rng(length)
        kernel = rng.normal(size=(out, into, width))
        x = rng.normal(size=(2, into, length))
        g = rng.normal(size=conv1d(x, kernel, **options).shape)
        gradient = conv1d_gradient(x, kernel, g, **options)
        by_kernel = difference_quotient(
            lambda w: np.sum(g * conv1d(x, w, **options)), kernel
        )
        by_x = difference_quotient(
            lambda x: np.sum(g * conv1d(x, kernel, **options)), x
        )
        assert_allclose(gradient.kernel, by_kernel, rtol=1e-8, atol=1e-8)
        assert_allclose(gradient.x, by_x, rtol=1e-8, atol=1e-8)

    @given(layer=layers())
    def test_shared_weights_sum_the_free_ones(self, layer):
        """The gradient of a free matrix, summed over equal numbers of the pattern."""
        width, length, options = layer
        rng = np.random.default_rng(length)
        pattern = weight_pattern(width, length, **options)
        free = rng.normal(size=pattern.shape)
        expected = [free[pattern == t].sum() for t in range(width)]
        actual = shared_weight_gradient(free, width, **options)
        assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)

    def test_shared_weights_of_channels(self, rng):
        """The same with channels, and for a batch of gradients."""
        options = {"stride": 2, "padding": 1}
        pattern = weight_pattern(3, 6, channels=(2, 4), **options)
        free = rng.normal(size=(5, *pattern.shape))
        actual = shared_weight_gradient(free, 3, channels=(2, 4), **options)
        expected = [free[:, pattern == t].sum(axis=1) for t in range(2 * 4 * 3)]
        assert actual.shape == (5, 2, 4, 3)
        assert_allclose(actual.reshape(5, -1).T, expected, rtol=1e-12, atol=1e-12)

    def test_the_two_ways_agree(self, rng):
        """Through the matrix and without it, one vector and no channels."""
        x, kernel, g = rng.normal(size=9), rng.normal(size=3), rng.normal(size=7)
        gradient = conv1d_gradient(x, kernel, g)
        assert_allclose(
            gradient.kernel, shared_weight_gradient(np.outer(g, x), 3), rtol=1e-12
        )
        assert_allclose(gradient.x, convolution_matrix(kernel, 9).T @ g, rtol=1e-12)

    def test_a_weight_that_only_meets_padding_has_none(self):
        """Its gradient is 0, an empty sum."""
        assert_array_equal(
            shared_weight_gradient([[4.0]], 3, padding=1), [0.0, 4.0, 0.0]
        )

    def test_empty_batch(self):
        """No samples: a gradient of 0 in the kernel, and none in the input."""
        gradient = conv1d_gradient(np.ones((0, 5)), [1, 2, 3], np.ones((0, 3)))
        assert_array_equal(gradient.kernel, [0, 0, 0])
        assert gradient.x.shape == (0, 5)


class TestPaddingAndBias:
    """Unequal padding is an input with zeros at its ends; a bias is added."""

    @given(layer=layers(), after=st.integers(0, 5))
    def test_unequal_padding_is_padding_by_hand(self, layer, after):
        """Every function of a layer, in front and behind by other numbers."""
        width, length, options = layer
        before = options.pop("padding") + 8
        pair = (before, after)
        rng = np.random.default_rng(length)
        x, kernel = rng.normal(size=length), rng.normal(size=width)
        by_hand = np.concatenate([np.zeros(before), x, np.zeros(after)])
        expected = conv1d(by_hand, kernel, **options)

        z = conv1d(x, kernel, padding=pair, **options)
        assert_allclose(z, expected, rtol=1e-12, atol=1e-14)
        assert conv1d_output_length(length, width, padding=pair, **options) == len(z)
        matrix = convolution_matrix(kernel, length, padding=list(pair), **options)
        whole = convolution_matrix(kernel, len(by_hand), **options)
        assert_array_equal(matrix, whole[:, before : before + length])
        pattern = weight_pattern(width, length, padding=np.array(pair), **options)
        assert_array_equal(pattern >= 0, matrix != 0)
        counts = weight_counts(width, length, padding=pair, **options)
        assert counts.connections == (pattern >= 0).sum()
        free = rng.normal(size=matrix.shape)
        sums = shared_weight_gradient(free, width, padding=pair, **options)
        expected = [free[pattern == t].sum() for t in range(width)]
        assert_allclose(sums, expected, rtol=1e-12, atol=1e-13)
        gradient = conv1d_gradient(x, kernel, np.ones(len(z)), padding=pair, **options)
        assert_allclose(gradient.x, matrix.sum(axis=0), rtol=1e-12, atol=1e-13)

    @pytest.mark.parametrize("length", [9, 5000])
    def test_bias(self, rng, length):
        """A number, or one for each channel; its gradient is a sum."""
        x, kernel = rng.normal(size=(4, 1, length)), rng.normal(size=(3, 1, 2))
        bias = np.array([1.0, -2.0, 0.5])
        plain = conv1d(x, kernel)
        expected = plain + bias[:, None]
        assert_array_equal(conv1d(x, kernel, bias=bias), expected)
        assert_array_equal(conv1d(x, kernel, bias=2.5), plain + 2.5)
        one = conv1d(x[0, 0], kernel[0, 0], bias=bias[0])
        assert_allclose(one, expected[0, 0], rtol=1e-12, atol=1e-13)
        g = rng.normal(size=plain.shape)
        gradient = conv1d_gradient(x, kernel, g)
        assert_allclose(gradient.bias, g.sum(axis=(0, 2)), rtol=1e-12)
        single = conv1d_gradient(x[:, 0], kernel[0, 0], g[:, 0])
        assert_allclose(single.bias, g[:, 0].sum(), rtol=1e-11)

    def test_bias_keeps_the_channel_of_a_long_signal(self, rng):
        """One output channel of a kernel with channels stays an axis."""
        x, kernel = rng.normal(size=(2, 1, 6000)), rng.normal(size=(1, 1, 40))
        z = conv1d(x, kernel, bias=[3.0])
        assert z.shape == (2, 1, 5961)
        expected = np.correlate(x[1, 0], kernel[0, 0], "valid") + 3.0
        assert_allclose(z[1, 0], expected, rtol=1e-12, atol=1e-12)


class TestForeignCode:
    """SciPy computes the same numbers."""

    @pytest.mark.parametrize("width", [1, 2, 5, 70])
    @pytest.mark.parametrize("mode", ["valid", "full", "same"])
    def test_scipy_correlate(self, rng, width, mode):
        """Its three modes are three paddings; "same" is unequal for even widths."""
        x, kernel = rng.normal(size=300), rng.normal(size=width)
        padding = {
            "valid": 0,
            "full": width - 1,
            "same": (width // 2, (width - 1) // 2),
        }[mode]
        expected = scipy.signal.correlate(x, kernel, mode, method="direct")
        assert_allclose(
            conv1d(x, kernel, padding=padding), expected, rtol=1e-12, atol=1e-12
        )

    def test_scipy_circulant(self, rng):
        """An input that is continued periodically meets a circulant matrix."""
        x, kernel = rng.normal(size=8), rng.normal(size=3)
        row = np.concatenate([kernel, np.zeros(5)])
        circulant = scipy.linalg.circulant(row).T
        actual = conv1d(np.concatenate([x, x[:2]]), kernel)
        assert_allclose(actual, circulant @ x, rtol=1e-12, atol=1e-13)


class TestClosedForm:
    """Counts of layers of any size."""

    def test_a_thousand_million_weights(self):
        """At once, and exact."""
        n = 10**9
        counts = weight_counts(n, n)
        assert (counts.entries, counts.connections) == (n, n)
        counts = weight_counts(n, n, padding=n - 1)
        # Window i of 2n - 1 meets min(i + 1, 2n - 1 - i) inputs.
        assert counts.connections == n * n
        assert counts.entries == n * (2 * n - 1)

    @pytest.mark.parametrize("seed", range(20))
    def test_is_the_sum_over_the_weights(self, seed):
        """Long strides and dilations, against the loop over the weights."""
        rng = np.random.default_rng(seed)
        k, s, d = rng.integers(1, 60, size=3).tolist()
        before, after = rng.integers(0, 900, size=2).tolist()
        n = max(1, d * (k - 1) + 1 - before - after) + int(rng.integers(0, 500))
        m = (n + before + after - d * (k - 1) - 1) // s + 1
        met = sum(0 <= i * s - before + d * t < n for i in range(m) for t in range(k))
        counts = weight_counts(k, n, stride=s, padding=(before, after), dilation=d)
        assert counts.connections == met
        assert isinstance(counts.connections, int)

    def test_a_length_is_an_integer_of_64_bits(self):
        """By declaration, wherever it runs."""
        assert conv1d_output_length(5, 3).dtype == np.int64
        assert weight_pattern(3, 5).dtype == np.int64


def test_more_entries_than_an_address_counts(monkeypatch):
    """Where integers have 32 bits even a view of so many is refused."""
    monkeypatch.setattr("sys.maxsize", 2**31 - 1)
    with pytest.raises(MemoryError, match="`input_length` is 20000: a matrix of shape"):
        convolution_matrix([1, 2, 3], 20_000)
    assert convolution_matrix([1, 2, 3], 2000).shape == (1998, 2000)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: conv1d([1, 2], [1], padding=(1, 2, 3)),
            ValueError,
            r"`padding` is \(1, 2, 3\), expected an integer or a pair",
        ),
        (lambda: conv1d([1, 2], [1], padding=(1, -2)), ValueError, "`padding` is -2"),
        (lambda: conv1d([1, 2], [1], padding=(1, 0.5)), TypeError, "`padding` is 0.5"),
        (lambda: conv1d([1, 2], [1], padding="same"), TypeError, "`padding` is 'same'"),
        (lambda: conv1d([1, 2], [1], bias=[1, 2]), ValueError, r"`bias` has shape"),
        (lambda: conv1d([1, 2], [1], bias="b"), TypeError, "`bias` is of type str"),
        (
            lambda: conv1d([[1, 2]], [[[1]], [[2]]], bias=[1, 2, 3]),
            ValueError,
            r"`bias` has shape \(3,\), expected \(2\)",
        ),
        (lambda: conv1d([1, 2], [1], bias=math.nan), ValueError, "`bias` holds nan"),
        (
            lambda: conv1d(
                np.broadcast_to(1.0, (3000, 1, 3000)), np.ones((10**5, 1, 1))
            ),
            MemoryError,
            r"`x` is of shape \(3000, 1, 3000\)",
        ),
    ],
)
def test_bad_padding_and_bias_are_named(call, error, message):
    """As the caller gave them."""
    with pytest.raises(error, match=message):
        call()


def test_a_stride_of_any_size_is_one_window():
    """Strides that no int64 holds leave one output, everywhere."""
    stride = 10**30
    assert_array_equal(convolution_matrix([1, 2], 3, stride=stride), [[1, 2, 0]])
    assert_array_equal(conv1d([1, 2, 3], [1, 2], stride=stride), [5])
    gradient = conv1d_gradient([1, 2, 3], [1, 2], [1], stride=stride)
    assert_array_equal(gradient.x, [1, 2, 0])
    free = shared_weight_gradient([[4, 5, 6]], 2, stride=stride)
    assert_array_equal(free, [4, 5])


LARGE = 1e300
EVERY_LAYER = [
    (conv1d_output_length, "width"),
    (lambda n, k, **options: convolution_matrix(np.ones(k), n, **options), "kernel"),
    (lambda n, k, **options: weight_pattern(k, n, **options), "width"),
    (lambda n, k, **options: weight_counts(k, n, **options), "width"),
    (lambda n, k, **options: conv1d(np.ones(n), np.ones(k), **options), "kernel"),
    (
        lambda n, k, **options: shared_weight_gradient(np.ones((1, n)), k, **options),
        "width",
    ),
]


@pytest.mark.parametrize(("f", "width"), EVERY_LAYER)
def test_every_layer_names_bad_arguments(f, width):
    """One test for what all functions of a layer have in common."""
    with pytest.raises(ValueError, match="`stride` is 0, expected >= 1"):
        f(5, 3, stride=0)
    with pytest.raises(ValueError, match="`padding` is -1, expected >= 0"):
        f(5, 3, padding=-1)
    with pytest.raises(ValueError, match="`dilation` is 0, expected >= 1"):
        f(5, 3, dilation=0)
    with pytest.raises(TypeError, match=r"`stride` is 1\.0, expected an integer"):
        f(5, 3, stride=1.0)
    with pytest.raises(
        ValueError, match=f"`{width}` 6 reaches over 6 inputs, expected at most 5"
    ):
        f(5, 6)
    with pytest.raises(
        ValueError, match=f"`{width}` 3 reaches over 9 inputs, expected at most 7"
    ):
        f(5, 3, padding=1, dilation=4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: convolution_matrix([[1, 2], [3, 4]], 5),
            ValueError,
            r"`kernel` has shape \(2, 2\), expected \(k\) or \(out, in, k\)",
        ),
        (
            lambda: convolution_matrix([], 5),
            ValueError,
            r"`kernel` has shape \(0,\), expected \(k\)",
        ),
        (
            lambda: convolution_matrix([1, math.nan], 5),
            ValueError,
            "`kernel` holds nan, expected finite numbers",
        ),
        (
            lambda: convolution_matrix(["a"], 5),
            TypeError,
            "`kernel` is of type .*, expected real numbers",
        ),
        (
            lambda: convolution_matrix([1], 0),
            ValueError,
            "`input_length` is 0, expected >= 1",
        ),
        (
            lambda: convolution_matrix([1], 5.0),
            TypeError,
            r"`input_length` is 5\.0, expected an integer",
        ),
        (
            lambda: convolution_matrix([1], 10**13),
            MemoryError,
            "`input_length` is 10000000000000: a result of shape",
        ),
        (
            lambda: convolution_matrix([[[1.0]]], 10**6),
            MemoryError,
            r"`input_length` is 1000000: a result of shape \(1000000, 1000000\)",
        ),
        (
            lambda: conv1d_output_length(5, 0),
            ValueError,
            "`width` is 0, expected >= 1",
        ),
        (
            lambda: weight_pattern(3, 5, channels=(0, 1)),
            ValueError,
            "`channels` is 0, expected >= 1",
        ),
        (
            lambda: weight_pattern(10**14, 10**14),
            MemoryError,
            "`width` is 100000000000000",
        ),
        (
            lambda: weight_counts(3, 5, channels=(1, 1.5)),
            TypeError,
            r"`channels` is 1\.5, expected an integer",
        ),
        (
            lambda: weight_counts(3, 5, channels=3),
            ValueError,
            r"`channels` is 3, expected \(out, in\)",
        ),
        (
            lambda: conv1d([1.0, math.inf], [1.0]),
            ValueError,
            "`x` holds inf, expected finite numbers",
        ),
        (
            lambda: conv1d(3.0, [1.0]),
            ValueError,
            r"`x` has shape \(\), expected \(\.\.\., n\)",
        ),
        (
            lambda: conv1d([[1, 2]], [[[1], [1]]]),
            ValueError,
            r"`x` has shape \(1, 2\), expected \(\.\.\., 2, n\)",
        ),
        (
            lambda: conv1d([LARGE, LARGE], [LARGE, -LARGE]),
            ValueError,
            "`x` and `kernel` make the result too large for a float",
        ),
        (
            lambda: convolution_matrix([1.0], 5, padding=10**14),
            MemoryError,
            "`padding` is 100000000000000: a result of shape",
        ),
        (
            lambda: conv1d([1.0], [1.0], padding=10**14),
            MemoryError,
            "`padding` is 100000000000000: a result of shape",
        ),
        (
            lambda: conv1d_gradient([1, 2, 3], [1, 2], [1, 2, 3]),
            ValueError,
            r"`output_gradient` has shape \(3,\), expected \(2,\)",
        ),
        (
            lambda: conv1d_gradient([LARGE] * 3, [1, 1], [LARGE] * 2),
            ValueError,
            "`x` and `output_gradient` make the result too large for a float",
        ),
        (
            lambda: conv1d_gradient([1, 1, 1], [LARGE] * 2, [LARGE] * 2),
            ValueError,
            "`kernel` and `output_gradient` make the result too large for a float",
        ),
        (
            lambda: shared_weight_gradient(np.ones((3, 4)), 3),
            ValueError,
            r"`matrix_gradient` has shape \(3, 4\), expected \(\.\.\., 2, 4\)",
        ),
        (
            lambda: shared_weight_gradient(np.ones((6, 5)), 3, channels=(2, 2)),
            ValueError,
            "`width` 3 reaches over 3 inputs, expected at most 2",
        ),
        (
            lambda: shared_weight_gradient(np.ones((6, 11)), 3, channels=(2, 2)),
            ValueError,
            r"has shape \(6, 11\), expected \(\.\.\., 6, 10\)",
        ),
        (
            lambda: shared_weight_gradient([1, 2], 1),
            ValueError,
            r"`matrix_gradient` has shape \(2,\), expected \(\.\.\., m, n\)",
        ),
        (
            lambda: shared_weight_gradient(np.full((2, 3), 1.7e308), 2),
            ValueError,
            "`matrix_gradient` makes the result too large for a float",
        ),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    """Each message names the argument, what it is and what it should be."""
    with pytest.raises(error, match=message):
        call()
