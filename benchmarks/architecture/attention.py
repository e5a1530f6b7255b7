"""Problem 3.3(a): self-attention and its Nd x Nd matrix."""

import math

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.architecture.attention import (
    apply_attention_matrix,
    attention_gradient,
    attention_matrix,
    scaled_dot_product_attention,
    self_attention,
)


def _inputs(rng, N, d):
    weights = rng.normal(size=(3, d, d)) / math.sqrt(d)
    return rng.normal(size=(N, d)), *weights


def _softmax_attention(xp, q, k, v):
    scores = q @ k.T / math.sqrt(q.shape[-1])
    scores = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return scores / xp.sum(scores, axis=-1, keepdims=True) @ v


def _torch_explicit(torch, q, k, v):
    return torch.softmax(q @ k.T / math.sqrt(q.shape[-1]), dim=-1) @ v


def _sdpa(torch, q, k, v):
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(q[None, None], k[None, None], v[None, None])[0, 0]


PLAIN = Kernel(
    "self-attention forward, Q = K = V",
    inputs=lambda rng, N, d: (rng.normal(size=(N, d)),),
    sizes=[{"N": 512, "d": 64}, {"N": 4096, "d": 64}],
    small={"N": 40, "d": 8},
)


@PLAIN.engines
def _(engine, x):
    return lambda: scaled_dot_product_attention(x, x, x, engine=engine)


@PLAIN.peer("naive NumPy")
def numpy_plain(x):
    return lambda: _softmax_attention(np, x, x, x)


@PLAIN.peer("torch SDPA")
def torch_sdpa(x):
    torch = peers.torch()
    x = torch.tensor(x)
    return lambda: _sdpa(torch, x, x, x)


@PLAIN.peer("JAX", jit=True)
def jax_plain(x):
    jax = peers.jax()
    x = jax.numpy.asarray(x)
    function = jax.jit(lambda x: _softmax_attention(jax.numpy, x, x, x))
    return lambda: jax.block_until_ready(function(x))


@PLAIN.peer("limit: its two products", work="limit")
def products_plain(x):
    def call():
        for start in range(0, len(x), 256):
            x[start : start + 256] @ x.T @ x
        return ()

    return call


PROJECTED = Kernel(
    "self-attention forward, with projections",
    inputs=_inputs,
    sizes=PLAIN.sizes,
    small=PLAIN.small,
)


@PROJECTED.engines
def _(engine, x, *weights):
    return lambda: self_attention(x, *weights, engine=engine)


@PROJECTED.peer("naive NumPy")
def numpy_projected(x, *weights):
    return lambda: _softmax_attention(np, *(x @ w for w in weights))


@PROJECTED.peer("torch SDPA")
def torch_projected(x, *weights):
    torch = peers.torch()
    x, *weights = map(torch.tensor, (x, *weights))
    return lambda: _sdpa(torch, *(x @ w for w in weights))


@PROJECTED.peer("torch, explicit")
def torch_explicit(x, *weights):
    torch = peers.torch()
    x, *weights = map(torch.tensor, (x, *weights))
    return lambda: _torch_explicit(torch, *(x @ w for w in weights))


@PROJECTED.peer("JAX", jit=True)
def jax_projected(x, *weights):
    jax = peers.jax()
    x, *weights = map(jax.numpy.asarray, (x, *weights))
    function = jax.jit(
        lambda x, *weights: _softmax_attention(jax.numpy, *(x @ w for w in weights))
    )
    return lambda: jax.block_until_ready(function(x, *weights))


GRADIENT = Kernel(
    "self-attention, forward and backward",
    inputs=lambda rng, N, d: (*rng.normal(size=(4, N, d)),),
    sizes=PLAIN.sizes,
    small=PLAIN.small,
)


@GRADIENT.engines
def _(engine, *arrays):
    def call():
        gradient = attention_gradient(*arrays, engine=engine)
        return gradient.queries, gradient.keys, gradient.values

    return call


@GRADIENT.peer("naive NumPy")
def numpy_gradient(q, k, v, g):
    def call():
        root = math.sqrt(q.shape[-1])
        scores = np.exp(q @ k.T / root)
        a = scores / scores.sum(axis=-1, keepdims=True)
        by_weight = g @ v.T
        by_score = a * (by_weight - (a * by_weight).sum(axis=-1, keepdims=True)) / root
        return by_score @ k, by_score.T @ q, a.T @ g

    return call


@GRADIENT.peer("torch SDPA")
def torch_gradient(*arrays):
    torch = peers.torch()
    *operands, g = map(torch.tensor, arrays)
    for operand in operands:
        operand.requires_grad_()
    return lambda: torch.autograd.grad(_sdpa(torch, *operands), operands, g)


@GRADIENT.peer("JAX", jit=True)
def jax_gradient(*arrays):
    jax = peers.jax()
    arrays = tuple(map(jax.numpy.asarray, arrays))

    def attend(q, k, v):
        return _softmax_attention(jax.numpy, q, k, v)

    function = jax.jit(lambda q, k, v, g: jax.vjp(attend, q, k, v)[1](g))
    return lambda: jax.block_until_ready(function(*arrays))


@GRADIENT.peer("limit: its five products", work="limit")
def products_gradient(q, k, v, g):
    def call():
        dk, dv = np.zeros(k.shape), np.zeros(v.shape)
        for start in range(0, len(q), 256):
            some = slice(start, start + 256)
            scores, by_weight = q[some] @ k.T, g[some] @ v.T
            by_weight @ k
            dk += by_weight.T @ q[some]
            dv += scores.T @ g[some]
        return ()

    return call


def _heads(rng, N, d):
    weights = rng.random((N, N))
    return weights / weights.sum(axis=1, keepdims=True), rng.normal(size=(d, d))


MATRIX = Kernel(
    "the Nd × Nd matrix of attention",
    inputs=_heads,
    sizes=[{"N": 32, "d": 32}, {"N": 128, "d": 32}],
    small={"N": 5, "d": 3},
)


@MATRIX.ours
def _(a, w_v):
    return lambda: attention_matrix(a, w_v)


@MATRIX.peer("np.kron")
def numpy_kron(a, w_v):
    return lambda: np.kron(a, w_v.T)


@MATRIX.peer("torch.kron")
def torch_kron(a, w_v):
    torch = peers.torch()
    a, w_v = torch.tensor(a), torch.tensor(w_v)
    transposed = w_v.T.contiguous()
    return lambda: torch.kron(a, transposed)


@MATRIX.peer("JAX", jit=True)
def jax_kron(a, w_v):
    jax = peers.jax()
    a, w_v = jax.numpy.asarray(a), jax.numpy.asarray(w_v)
    function = jax.jit(lambda a, w_v: jax.numpy.kron(a, w_v.T))
    return lambda: jax.block_until_ready(function(a, w_v))


MATRIX.limit()

APPLY = Kernel(
    "applying that matrix",
    inputs=lambda rng, N, d: (*_heads(rng, N, d), rng.normal(size=N * d)),
    sizes=MATRIX.sizes,
    small=MATRIX.small,
)


@APPLY.ours
def _(a, w_v, x):
    return lambda: apply_attention_matrix(x, a, w_v)


@APPLY.peer("NumPy, dense", work="the matrix is made before")
def dense(a, w_v, x):
    matrix = np.kron(a, w_v.T)
    return lambda: matrix @ x
