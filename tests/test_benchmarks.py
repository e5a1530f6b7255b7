"""What the benchmarks compare is equal: all sides at small sizes, without a clock."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.__main__ import joined
from benchmarks.kernel import Kernel, Side, compare, kernels

KERNELS = [kernel for group in kernels().values() for kernel in group]
CASES = [
    pytest.param(kernel, side, id=f"{kernel.name}: {side.name}")
    for kernel in KERNELS
    for side in kernel.sides[1:]
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kernel", "side"), CASES)
def test_sides_agree(kernel: Kernel, side: Side) -> None:
    """Each peer gives what we give; a peer that is not installed is left out."""
    arguments = kernel.arguments(kernel.small)
    ours = kernel.sides[0].prepare(*arguments)()
    try:
        theirs = side.prepare(*arguments)()
    except ImportError as missing:
        pytest.skip(str(missing))
    compare(kernel, ours, theirs)


def test_a_difference_is_noticed() -> None:
    """The comparison is of values: one that is off by a millionth fails."""
    (kernel,) = kernels("noisy_targets")["noisy_targets"]

    compare(kernel, (1.0, 2.0), (1.0, 2.0))
    compare(kernel, (1.0, 2.0), 1.0)
    with pytest.raises(AssertionError):
        compare(kernel, (1.0, 2.0), (1.0, 2.000002))


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_every_kernel_has_peers(kernel: Kernel) -> None:
    """Ours comes first, NumPy's before Numba's, and no two sides share a name."""
    own = [side.name for side in kernel.sides if side.ours]
    assert own in (["numpy"], ["numpy", "numba"])
    assert own == [side.name for side in kernel.sides[: len(own)]]
    assert len({side.name for side in kernel.sides}) == len(kernel.sides) > len(own)
    assert len(kernel.sizes) in (1, 2)


def loop_in_c(name: str) -> Callable[..., None]:
    """Return a loop of `loops.c`, where there is a compiler."""
    try:
        return peers.c(name)
    except ImportError as missing:
        pytest.skip(str(missing))


def test_a_limit_reads_takes_exponentials_and_writes(rng: np.random.Generator) -> None:
    """All entries of all arrays, also in the last block and in several threads."""
    loop, n = loop_in_c("limit"), 2**15 + 65
    x, t, first, second = rng.normal(size=(4, n))

    loop(n, 2, [x, t], 1, 2, [first, second])

    np.testing.assert_allclose(first, np.exp(-np.abs(x + t)), rtol=1e-14)
    np.testing.assert_array_equal(first, second)


def test_c_leaves_subnormal_numbers_to_others() -> None:
    """A library for fast math may turn them off for the process that loads it."""
    loop_in_c("limit")
    assert np.float64(1e-200) * np.float64(1e-112) > 0.0


def test_without_a_compiler_c_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a library that is missing: the reason names what to install."""
    monkeypatch.setattr(peers, "COMPILER", "no-such-compiler")
    peers.library.cache_clear()

    with pytest.raises(ImportError, match="no-such-compiler") as missing:
        peers.c("limit")

    assert missing.value.name == "C compiler with OpenMP"


def test_the_fastest_turn_counts() -> None:
    """Other programs make a turn slower, and never faster."""

    def run(ours: list[float], theirs: list[float], **state: object) -> list[dict]:
        plain = {"work": "", "status": "ran"}
        own = {**plain, "compile": ours[0] / 2.0}
        return [
            {
                "problem": "p",
                "kernel": "k",
                "size": {"n": 1},
                "sides": [
                    {**own, "name": "numpy", "ours": True, "times": ours},
                    {**plain, "name": "peer", "ours": False, "times": theirs, **state},
                    {"name": "gone", "ours": False, "work": "", "status": "missing"},
                ],
            }
        ]

    runs = [
        run([1.0, 10.0, 100.0], [3.0, 30.0], compile=5.0),
        run([2.0], [5.0], compile=4.0),
        run([9.0, 1.5], [7.0, 6.0], compile=9.0),
    ]
    (row,) = joined(runs)
    assert row["seconds"] == {"numpy": 1.0}
    assert row["compile"] == {"numpy": 0.5}
    peer, gone = row["peers"]
    assert peer["ratios"] == {"numpy": 3.0}
    assert peer["spread"] == {"numpy": 1.6}  # of 3, 2.5 and 4
    assert peer["compile"] == 4.0
    assert gone == {"name": "gone", "work": "", "status": "missing"}
