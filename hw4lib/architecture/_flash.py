"""Attention without its matrix, as Numba compiles it: one tile of scores at a time.

A block of queries meets the keys tile by tile. In a tile, each query is a column: every
innermost loop runs along the queries, and none sums along a row, so that all of them
compile to vector instructions. Beyond the result this takes a few megabytes, and in the
backward direction gradients of keys and values for each part of the queries.
"""

import math
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hw4lib._engine import on_all_processors, with_numbers

_Array: TypeAlias = NDArray[np.float64]
_Operands: TypeAlias = tuple[_Array, _Array, _Array]
_Masking: TypeAlias = tuple[NDArray[np.bool_], _Array, bool]
_Task: TypeAlias = tuple[tuple[int, ...], tuple[int, int, int]]

# Queries in a block and keys in a tile: their scores take 128 KiB.
_QUERIES, _KEYS = 256, 64
_LOWEST = -sys.float_info.max


# The compiled loops.


def add_product(c: _Array, a: _Array, b: _Array) -> None:
    """Add the product a b to c, in squares of four by four entries of a."""
    rows, inner = a.shape
    whole_rows, whole = rows - rows % 4, inner - inner % 4
    for j in range(0, whole_rows, 4):
        c0, c1, c2, c3 = c[j], c[j + 1], c[j + 2], c[j + 3]
        a0, a1, a2, a3 = a[j], a[j + 1], a[j + 2], a[j + 3]
        for k in range(0, whole, 4):
            b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
            p0, p1, p2, p3 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
            q0, q1, q2, q3 = a1[k], a1[k + 1], a1[k + 2], a1[k + 3]
            r0, r1, r2, r3 = a2[k], a2[k + 1], a2[k + 2], a2[k + 3]
            s0, s1, s2, s3 = a3[k], a3[k + 1], a3[k + 2], a3[k + 3]
            for i in range(c.shape[1]):
                # Read before anything is written, so that each is read once.
                x0, x1, x2, x3 = b0[i], b1[i], b2[i], b3[i]
                y0 = c0[i] + p0 * x0 + p1 * x1 + p2 * x2 + p3 * x3
                y1 = c1[i] + q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3
                y2 = c2[i] + r0 * x0 + r1 * x1 + r2 * x2 + r3 * x3
                y3 = c3[i] + s0 * x0 + s1 * x1 + s2 * x2 + s3 * x3
                c0[i], c1[i], c2[i], c3[i] = y0, y1, y2, y3
    for j in range(rows):
        for k in range(whole if j < whole_rows else 0, inner):
            factor = a[j, k]
            for i in range(c.shape[1]):
                c[j, i] += factor * b[k, i]


def seen(allowed: NDArray[np.bool_]) -> bool:
    """Return whether any query may attend to any key."""
    for i in range(allowed.shape[0]):
        for j in range(allowed.shape[1]):
            if allowed[i, j]:
                return True
    return False


def fill_scores(s: _Array, k: _Array, queries: _Array, masking: _Masking) -> None:
    """Fill in the scores of a tile, -inf where a query may not attend to a key."""
    allowed, bias, masked = masking
    s[:] = 0.0
    add_product(s, k, queries)
    if masked:
        # Eight queries at a time, so that their lines of mask and bias stay cached.
        for start in range(0, s.shape[1], 8):
            for j in range(s.shape[0]):
                for i in range(start, min(start + 8, s.shape[1])):
                    s[j, i] = s[j, i] + bias[i, j] if allowed[i, j] else -np.inf


def take_in(s: _Array, top: _Array, total: _Array, u: _Array) -> None:
    """Turn a tile of scores into exponentials, and update the sums so far.

    So far, m is the largest of the scores s_j of a query, l the sum of exp(s_j - m),
    and u that of exp(s_j - m) v_j. For a larger m', both are multiplied by exp(m - m').
    The softmax's mean is u / l, whatever m is.

    Args:
        s: The scores, a column each query, overwritten by exp(s - m').
        top: The m of each query, overwritten by m'.
        total: The l of each query, which gets the tile's exponentials.
        u: The u of each query as columns, to which their product is still to be added.
    """
    before = top.copy()
    for j in range(s.shape[0]):
        for i in range(s.shape[1]):
            top[i] = max(top[i], s[j, i])
    for i in range(s.shape[1]):
        before[i] = np.exp(before[i] - top[i])
        total[i] *= before[i]
    for e in range(u.shape[0]):
        for i in range(u.shape[1]):
            u[e, i] *= before[i]
    for j in range(s.shape[0]):
        for i in range(s.shape[1]):
            s[j, i] = np.exp(s[j, i] - top[i])
            total[i] += s[j, i]


def attend(
    operands: _Operands,
    masking: _Masking,
    part: tuple[int, int, int],
    y: _Array,
    sums: _Array,
) -> None:
    """Fill in the means of the values, and what turns scores into weights.

    Args:
        operands: Queries, keys and values of one head.
        masking: Which query may attend to which key and what is added to the scores,
            both `(N, M)`, and whether either was given.
        part: The first query, the number of queries in a block, and the distance from
            one block to the next.
        y: Filled with the means, shape `(N, d_v)`.
        sums: Filled with m and l of each query, shape `(2, N)`: a key with score s has
            weight exp(s - m) / l. They stay apart, because m + log l rounds to m if m
            is large.
    """
    (q, k, v), (allowed, bias, masked), (first, size, step) = operands, masking, part
    for start in range(first, len(q), step):
        stop = min(start + size, len(q))
        queries, n = q[start:stop].T / math.sqrt(q.shape[1]), stop - start
        u, total, top = np.zeros((v.shape[1], n)), np.zeros(n), np.full(n, _LOWEST)
        tile = np.empty((_KEYS, n))
        for low in range(0, len(k), _KEYS):
            high = min(low + _KEYS, len(k))
            own, added = allowed[start:stop, low:high], bias[start:stop, low:high]
            if not masked or seen(own):
                s = tile[: high - low]
                fill_scores(s, k[low:high], queries, (own, added, masked))
                take_in(s, top, total, u)
                add_product(u, v[low:high].T, s)
        y[start:stop] = (u / total).T
        sums[0, start:stop], sums[1, start:stop] = top, total


def slope(p: _Array, ds: _Array, sums: _Array, mean: _Array) -> None:
    """Turn scores into weights P, and dP into the gradient of the scores."""
    top, share = sums[0].copy(), 1.0 / sums[1]  # vectors need numbers side by side
    for j in range(p.shape[0]):
        for i in range(p.shape[1]):
            p[j, i] = np.exp(p[j, i] - top[i]) * share[i]
            ds[j, i] = p[j, i] * (ds[j, i] - mean[i])


def attend_backward(
    operands: _Operands,
    masking: _Masking,
    part: tuple[int, int, int],
    outputs: _Operands,
    gradients: _Operands,
) -> None:
    """Fill in the gradient of the queries, and add to those of keys and values.

    The weights P are computed again from the scores. The row sums of dP * P come from
    the outputs: dP = g v' and y = P v, so they are those of g * y.

    Args:
        operands: As for `attend`.
        masking: As for `attend`.
        part: As for `attend`.
        outputs: The `y` of `attend`, the gradient g with respect to it, and the `sums`.
        gradients: The gradients of the operands.
    """
    (q, k, v), (allowed, bias, masked), (first, size, step) = operands, masking, part
    (y, g, sums), (dq, dk, dv) = outputs, gradients
    root = math.sqrt(q.shape[1])
    for start in range(first, len(q), step):
        stop = min(start + size, len(q))
        n = stop - start
        own_q, own_g = q[start:stop] / root, g[start:stop].copy()
        queries, slopes, own_sums = own_q.T.copy(), own_g.T.copy(), sums[:, start:stop]
        mean, back = (own_g * y[start:stop]).sum(axis=1), np.zeros((q.shape[1], n))
        tiles = np.empty((2, _KEYS, n))
        for low in range(0, len(k), _KEYS):
            high = min(low + _KEYS, len(k))
            own, added = allowed[start:stop, low:high], bias[start:stop, low:high]
            if not masked or seen(own):
                p, ds = tiles[0, : high - low], tiles[1, : high - low]
                fill_scores(p, k[low:high], queries, (own, added, masked))
                ds[:] = 0.0
                add_product(ds, v[low:high], slopes)
                slope(p, ds, own_sums, mean)
                add_product(dv[low:high], p, own_g)
                add_product(dk[low:high], ds, own_q)
                add_product(back, k[low:high].T, ds)
        dq[start:stop] = back.T / root


# Their callers.

_READ = "Array(float64, 2, 'A', True)"
_ARGUMENTS = (
    f"UniTuple({_READ}, 3), "
    f"Tuple((Array(boolean, 2, 'A', True), {_READ}, boolean)), "
    "UniTuple(int64, 3), "
)
_FORWARD = f"void({_ARGUMENTS}float64[:,::1], float64[:,::1])"
_BACKWARD = f"void({_ARGUMENTS}UniTuple({_READ}, 3), UniTuple(float64[:,::1], 3))"


def kernel_of(loop: Callable[..., None], signature: str) -> Callable[..., None]:
    """Return a loop, compiled with the exponential that takes many numbers at once."""
    others = add_product, seen, fill_scores
    return with_numbers(loop, signature, (take_in, slope), *others, reorder=True)


def means(operands: _Operands, masking: _Masking) -> tuple[_Array, _Array]:
    """Return the means of the values, and the sums that `attend` fills in.

    Args:
        operands: Queries, keys and values of all heads.
        masking: Which query may attend to which key and what is added to the scores,
            both of the shape of the scores, and whether either was given.
    """
    q, _, v = operands
    kernel = kernel_of(attend, _FORWARD)
    y = np.empty((*q.shape[:-1], v.shape[-1]))
    sums = np.empty((*q.shape[:-2], 2, q.shape[-2]))

    def run(task: _Task) -> None:
        head, part = task
        kernel(*_of_head(head, operands, masking), part, y[head], sums[head])

    on_all_processors(run, _parts(q.shape))
    return y, sums


def gradients(operands: _Operands, masking: _Masking, g: _Array) -> _Operands:
    """Return the gradients of the operands from that of the means.

    Args:
        operands: As for `means`.
        masking: As for `means`.
        g: The gradient with respect to the means, in their shape.
    """
    g = np.require(g, None, "A")
    y, sums = means(operands, masking)
    kernel = kernel_of(attend_backward, _BACKWARD)
    dq, dk, dv = (np.zeros(a.shape) for a in operands)

    def run(task: _Task) -> tuple[tuple[int, ...], _Array, _Array]:
        head, part = task
        own = (
            np.zeros(k.shape[-2:]),
            np.zeros(v.shape[-2:]),
        )  # other parts add to these, too
        outputs = y[head], g[head], sums[head]
        kernel(*_of_head(head, operands, masking), part, outputs, (dq[head], *own))
        return head, *own

    _, k, v = operands
    for head, own_dk, own_dv in on_all_processors(run, _parts(dq.shape)):
        dk[head] += own_dk
        dv[head] += own_dv
    return dq, dk, dv


def _of_head(
    head: tuple[int, ...], operands: _Operands, masking: _Masking
) -> tuple[Any, Any]:
    allowed, bias, masked = masking
    # Numba's loops read numbers at addresses that are multiples of their size.
    q, k, v, added = (np.require(a[head], None, "A") for a in (*operands, bias))
    return (q, k, v), (allowed[head], added, masked)


def _parts(shape: tuple[int, ...]) -> list[_Task]:
    """Return the heads, each with some parts of its queries, for `on_all_processors`.

    A part takes blocks at equal distances, because a causal mask leaves more keys to
    the last ones.
    """
    import numba  # noqa: PLC0415

    *lead, n, _ = shape
    heads, threads = math.prod(lead), numba.get_num_threads()
    parts = min(-(-2 * threads // max(1, heads)), -(-n // _KEYS))
    size = min(_QUERIES, -(-n // parts))
    return [
        (head, (i * size, size, parts * size))
        for head in np.ndindex(*lead)
        for i in range(parts)
    ]
