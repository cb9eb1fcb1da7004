# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that may be trained from outside: gradients are fetched, and new values fed.

So do interfaces to SciPy's optimizers, and algorithms that step along a flat
vector of all weights.
"""

from __future__ import annotations

from collections.abc import Collection

from tb_regloss.analysis.graph.flow import Flow, Write
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_STEPS = 16  # more ops than stand between what is fed and the write of it
_PARTS = ("Slice", "StridedSlice", "Split", "SplitV", "Unpack")


def fed(flow: Flow, trained: Collection[int]) -> dict[int, int]:
    """Returns the ops that write what is fed, by the variable, where its gradient is computed.

    A model of which weights are only loaded in this way has no such gradient.
    """
    found = {}
    for variable, writes in flow.writes.items():
        if variable in trained:
            continue
        writer = next((write.node for write in writes if _is_fed(flow, write)), None)
        if writer is not None and _has_gradient(flow, variable):
            found[variable] = writer
    return found


def _is_fed(flow: Flow, write: Write) -> bool:
    graph, value = flow.graph, write.value
    for _ in range(_STEPS if write.how == "set" else 0):
        node = node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        kind = op_semantics.row(op).kind
        if kind is Kind.PLACEHOLDER:
            return True
        carrying = op_semantics.value_inputs(op, inputs)
        if not carrying or not (kind is Kind.PASS or op in _PARTS):
            return False
        value = carrying[0]
    return False


def _has_gradient(flow: Flow, variable: int) -> bool:
    """Whether something meets what a variable was multiplied with, as its gradient does.

    The gradient of `x @ w` is `transpose(x) @ dy`.
    """
    graph = flow.graph
    for read in flow.reads.get(variable, ()):
        for product in (edge >> PORT_BITS for edge in graph.readers(read)):
            if graph.ops[product] not in op_semantics.CONTRACTIONS:
                continue
            operands = [n for n in map(node_of, graph.inputs[product]) if flow.data[n]]
            readers = {edge >> PORT_BITS for n in operands for edge in graph.readers(n)}
            if any(_is_gradient(flow, reader) for reader in readers - {product}):
                return True
    return False


def _is_gradient(flow: Flow, node: int) -> bool:
    graph = flow.graph
    op = graph.ops[node]
    if "BackpropFilter" in op:
        return True
    is_turned = bool(graph.attrs.attr(node, "transpose_a") or graph.attrs.attr(node, "adj_x"))
    inputs = op_semantics.value_inputs(op, graph.inputs[node])
    both = all(flow.data[n] and flow.parameters[n] for n in map(node_of, inputs[1:]))
    return op in op_semantics.CONTRACTIONS and is_turned and both
