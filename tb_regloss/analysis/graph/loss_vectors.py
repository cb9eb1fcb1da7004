# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Losses that programs put into one vector, to pick from it, to weigh it, and to sum it up."""

from __future__ import annotations

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

JOINS = ("Pack", "ConcatV2", "Concat")
TOTALS = ("Sum", "Mean")
# They move elements about, or leave some out.
PICKS = frozenset(
    ["Reshape", "ExpandDims", "Squeeze", "Cast", "Gather", "GatherV2", "GatherNd", "Slice"]
)
PICKS |= {"StridedSlice", "Unpack", "Split", "SplitV", "Cumsum"}
_SUMS = frozenset([*TOTALS, "Mul", "Unpack", "StridedSlice", "SegmentSum", "UnsortedSegmentSum"])
_SUMS |= op_semantics.CONTRACTIONS
_MOST_STEPS = 64
# What they make of tensors of equal elements has equal elements.
_ALIKE = (Kind.ADD, Kind.SUBTRACT, Kind.MULTIPLY, Kind.DIVIDE, Kind.PASS, Kind.CUT)
_FILLS = ("Fill", "ZerosLike", "OnesLike")


def is_vector(flow: Flow, node: int) -> bool:
    """Whether a tensor was put together from others, with elements left out or moved about."""
    return joint(flow, node) is not None


def joint(flow: Flow, node: int) -> int | None:
    """Returns the op that put a tensor together from others, or that made one of a scalar."""
    graph = flow.graph
    for _ in range(_MOST_STEPS):
        op = graph.ops[node]
        if op in JOINS:
            return node
        source = op_semantics.value_inputs(op, graph.inputs[node]) if op in PICKS else ()
        if not source:
            return None
        if flow.ranks.is_scalar(source[0]):
            return node
        node = node_of(source[0])
    return None


def is_spread(flow: Flow, node: int) -> bool:
    """Whether a tensor is a scalar made of variables that was given to each example.

    A sum that begins with zeros for each example is one. With other factors for
    some examples than for others it is none.
    """
    graph, stack, seen = flow.graph, [node], {node}
    while stack and len(seen) < _MOST_STEPS:
        current = stack.pop()
        op = graph.ops[current]
        if op_semantics.row(op).kind not in _ALIKE and op not in (*_FILLS, "Neg"):
            return False
        for value in op_semantics.value_inputs(op, graph.inputs[current]):
            operand = node_of(value)
            if flow.ranks.is_scalar(value) or operand in seen:
                continue
            if not flow.parameters[operand] and not _is_filled(flow, operand):
                return False
            if flow.parameters[operand]:
                seen.add(operand)
                stack.append(operand)
    return not stack


def _is_filled(flow: Flow, node: int) -> bool:
    """Whether all elements of a tensor without variables are equal."""
    graph = flow.graph
    constant = graph.attrs.constant(node) if graph.ops[node] == "Const" else None
    if constant is not None and constant.array is not None:
        return bool((constant.array == constant.array.flat[:1]).all())  # It may be empty.
    return graph.ops[node] in _FILLS


def is_summand(flow: Flow, value: int) -> bool:
    """Whether a value is a scalar, or scalars put together to be summed."""
    return flow.ranks.is_scalar(value) or is_vector(flow, node_of(value))


def is_summed(flow: Flow, node: int) -> bool:
    """Whether a tensor that was put together is summed later, or taken apart.

    Programs also put losses together to show them, which adds nothing up.
    """
    graph, stack, seen = flow.graph, [node], {node}
    while stack and len(seen) < _MOST_STEPS:
        for edge in graph.readers(stack.pop()):
            reader, position = edge >> PORT_BITS, edge & PORT_MASK
            op, inputs = graph.ops[reader], graph.inputs[reader]
            is_added = op_semantics.row(op).kind is Kind.ADD
            if op in _SUMS or (is_added and flow.ranks.is_scalar(inputs[position])):
                return True
            carries = inputs[position] in op_semantics.value_inputs(op, inputs)
            moves = op in PICKS or op in JOINS or is_added
            if carries and moves and reader not in seen:
                seen.add(reader)
                stack.append(reader)
    return False
