"""What the benchmarks compare is equal: all sides at small sizes, without a clock."""

import pytest

from benchmarks.kernel import Kernel, Side, compare, kernels

CASES = [
    pytest.param(kernel, side, id=f"{kernel.name}: {side.name}")
    for kernel in kernels()
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
    if side.agrees:
        compare(kernel, ours, theirs)


def test_a_difference_is_noticed() -> None:
    """The comparison is of values: one that is off by a millionth fails."""
    kernel = kernels("noisy_targets")[0]

    compare(kernel, (1.0, 2.0), (1.0, 2.0))
    compare(kernel, (1.0, 2.0), 1.0)
    with pytest.raises(AssertionError):
        compare(kernel, (1.0, 2.0), (1.0, 2.000002))


@pytest.mark.parametrize("kernel", kernels(), ids=lambda kernel: kernel.name)
def test_every_kernel_has_peers_and_a_limit(kernel: Kernel) -> None:
    """Ours comes first, and no two sides share a name."""
    kinds = [side.kind for side in kernel.sides]
    assert kinds[0] == "ours"
    assert {"peer", "limit"} <= set(kinds)
    assert len({side.name for side in kernel.sides}) == len(kinds)
