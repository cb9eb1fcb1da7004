# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of which optimizers are written out."""

from __future__ import annotations

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

# Ops of which optimizers are written, beside those that the table knows as
# linear: elementwise, so that they mix no two elements of a gradient.
_ARITHMETIC = frozenset(
    [
        "Square",
        "Sqrt",
        "Rsqrt",
        "Abs",
        "Sign",
        "Pow",
        "Maximum",
        "Minimum",
        "Reciprocal",
        "Inv",
        "Exp",
        "Log",
        "Neg",
        "Tanh",
        "Select",
        "SelectV2",
        "SquaredDifference",
        "Assign",
        "AssignAdd",
        "AssignSub",
        "ScatterAdd",
        "ScatterSub",
        "ScatterUpdate",
    ]
)
_TRANSPARENT = (
    Kind.PASS,
    Kind.PORTS,
    Kind.ADD,
    Kind.SUBTRACT,
    Kind.MULTIPLY,
    Kind.DIVIDE,
    Kind.CHOICE,
    Kind.CLIP,
    Kind.ALL_REDUCE,
    Kind.CUT,
)
_MOVES = frozenset(
    [
        "Pack",
        "Unpack",
        "Split",
        "SplitV",
        "ConcatV2",
        "Concat",
        "Slice",
        "StridedSlice",
        "UnsortedSegmentSum",
    ]
)


def is_arithmetic(op: str) -> bool:
    """Whether an op is one that updates are made of."""
    return op_semantics.row(op).kind in _TRANSPARENT or op in _ARITHMETIC or op in _MOVES


def behind(flow: Flow, value: int) -> int:
    """Returns the node of a value with identity ops and casts taken off."""
    graph, node = flow.graph, node_of(value)
    for _ in range(16):
        if graph.ops[node] in ("Identity", "Cast") and graph.inputs[node]:
            node = node_of(graph.inputs[node][0])
    return node
