"""Problem 3.4: graph attention, additive on the complete graph and by edges."""

import math

import numpy as np

from benchmarks import peers
from benchmarks.kernel import Kernel
from hw4lib.architecture.graph import (
    additive_graph_attention,
    graph_attention,
)

SLOPE = 0.2


def _complete(rng, N, d):
    w = rng.normal(size=(d, d)) / math.sqrt(d)
    return rng.normal(size=(N, d)), w, *rng.normal(size=(2, d)) / math.sqrt(d)


COMPLETE = Kernel(
    "additive graph attention, complete graph",
    inputs=_complete,
    sizes=[{"N": 500, "d": 64}, {"N": 2000, "d": 64}],
    small={"N": 30, "d": 4},
)


@COMPLETE.ours
def _(nodes, w, a_1, a_2):
    return lambda: additive_graph_attention(nodes, w, a_1, a_2)


@COMPLETE.peer("torch, dense")
def torch_dense(nodes, w, a_1, a_2):
    torch = peers.torch()
    nodes, w, a_1, a_2 = map(torch.tensor, (nodes, w, a_1, a_2))

    def call():
        v = nodes @ w
        scores = (v @ a_1)[:, None] + v @ a_2
        weights = torch.nn.functional.leaky_relu(scores, SLOPE).softmax(dim=-1)
        return weights @ v

    return call


@COMPLETE.peer("JAX, dense", jit=True)
def jax_dense(*arrays):
    jax = peers.jax()

    def attend(nodes, w, a_1, a_2):
        v = nodes @ w
        scores = (v @ a_1)[:, None] + v @ a_2
        return jax.nn.softmax(jax.nn.leaky_relu(scores, SLOPE), axis=-1) @ v

    arrays = tuple(map(jax.numpy.asarray, arrays))
    function = jax.jit(attend)
    return lambda: jax.block_until_ready(function(*arrays))


@COMPLETE.peer("PyG GATConv")
def pyg_complete(nodes, w, a_1, a_2):
    torch = peers.torch()
    from torch_geometric.nn import GATConv

    d, d_v = w.shape
    layer = GATConv(d, d_v, add_self_loops=False, bias=False, negative_slope=SLOPE)
    with torch.no_grad():
        layer.lin.weight.copy_(torch.tensor(w.T.copy()))
        layer.att_dst.copy_(torch.tensor(a_1)[None, None])
        layer.att_src.copy_(torch.tensor(a_2)[None, None])
    i, j = torch.meshgrid(*2 * [torch.arange(len(nodes))], indexing="ij")
    edges = torch.stack([j.ravel(), i.ravel()])
    nodes = torch.tensor(nodes)

    def call():
        with torch.no_grad():
            return layer(nodes, edges)

    return call


def _sparse(rng, N, d):
    neighbors = np.argsort(rng.random((N, 64)), axis=1)[:, :16] + np.arange(N)[:, None]
    edges = np.stack([np.repeat(np.arange(N), 16), neighbors.ravel() % N], axis=1)
    return rng.normal(size=(N, d)), edges, *rng.normal(size=(3, d, d)) / math.sqrt(d)


EDGES = Kernel(
    "graph attention, degree 16",
    inputs=_sparse,
    sizes=[{"N": 2000, "d": 64}, {"N": 20_000, "d": 64}],
    small={"N": 80, "d": 4},
)


@EDGES.ours
def _(nodes, edges, *weights):
    return lambda: graph_attention(nodes, *weights, edges=edges)


@EDGES.peer("PyG TransformerConv")
def pyg_edges(nodes, edges, *weights):
    torch = peers.torch()
    from torch_geometric.nn import TransformerConv

    d, d_v = weights[2].shape
    layer = TransformerConv(d, d_v, root_weight=False, bias=False)
    with torch.no_grad():
        for linear, w in zip(
            (layer.lin_query, layer.lin_key, layer.lin_value), weights, strict=True
        ):
            linear.weight.copy_(torch.tensor(w.T.copy()))
    edges = torch.tensor(np.ascontiguousarray(edges.T[::-1]))
    nodes = torch.tensor(nodes)

    def call():
        with torch.no_grad():
            return layer(nodes, edges)

    return call
