"""What the benchmarks compare is equal: all sides at small sizes, without a clock."""

import pytest

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


def test_the_fastest_turn_counts() -> None:
    """Other programs make a turn slower, and never faster."""

    def run(ours: list[float], theirs: list[float], **state: object) -> list[dict]:
        plain = {"work": "", "status": "ran"}
        return [
            {
                "problem": "p",
                "kernel": "k",
                "size": {"n": 1},
                "sides": [
                    {**plain, "name": "numpy", "ours": True, "times": ours},
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
    peer, gone = row["peers"]
    assert peer["ratios"] == {"numpy": 3.0}
    assert peer["spread"] == {"numpy": 1.6}  # of 3, 2.5 and 4
    assert peer["compile"] == 4.0
    assert gone == {"name": "gone", "work": "", "status": "missing"}
