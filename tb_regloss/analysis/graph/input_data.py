# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where input data enters a graph: readers, placeholders, data sets kept as constants."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tb_regloss.analysis.graph import variables
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, OpGraph, node_of
from tb_regloss.analysis.graph.shapes import Ranks
from tb_regloss.analysis.graph.variables import Variables
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

# More elements than a strength or a mask of a few axes has.
_SMALL = 1
_MOST_LOOKED_THROUGH = 64
_AVERAGES = ("Sum", "Mean")  # of rows as they are: no penalty, nor its gradient, is made of them
_CARRIED = (Kind.CHOICE, Kind.PUSH)
_ARRANGED = (
    "ConcatV2",
    "Pack",
    "Unpack",
    "Split",
    "SplitV",
    "Slice",
    "StridedSlice",
    "Mean",
    "Sum",
)
_JOINS = (Kind.MULTIPLY, Kind.SUBTRACT, Kind.ADD)
# Positions of the inputs that say where, and what.
_PLACED = {"ScatterNd": (0, 1), "UnsortedSegmentSum": (1, 0)}
_LOOKED_THROUGH = ("Identity", "Cast", "Reshape", "Slice", "StridedSlice", "GatherV2")


def sources(graph: OpGraph, known: Variables, ranks: Ranks) -> list[int]:
    """Returns the nodes at which input data enters a graph from outside."""
    found = []
    for op, nodes in graph.op_types.items():
        kind = op_semantics.row(op).kind
        if kind is Kind.DATA and not op.startswith("Restore"):
            found.extend(nodes)
        elif kind is Kind.PLACEHOLDER:
            found.extend(node for node in nodes if _is_fed_data(graph, known, ranks, node))
    return found


def row_products(
    graph: OpGraph, data: Sequence[int], parameters: Sequence[int], ranks: Ranks
) -> list[int]:
    """Returns ops that join rows which data picked with other parameters.

    A penalty on gathered rows still reads only the variable. But where rows
    meet each other or other parameters, the pick is the data: word2vec has
    no other.

    Args:
      graph: the graph.
      data: 1 for each node whose value depends on data.
      parameters: 1 for each node whose value depends on a variable.
      ranks: numbers of dimensions.
    """
    found = []
    for op in ("Gather", "GatherV2", "ResourceGather"):
        for node in graph.nodes_with_op(op):
            picks = graph.inputs[node][1:2]
            if data[node] or not picks or not data[node_of(picks[0])]:
                continue
            found.extend(_joined_with_others(graph, node, parameters, ranks))
    return found


def placed(graph: OpGraph, data: Sequence[int], parameters: Sequence[int]) -> list[int]:
    """Returns ops that put numbers, which depend on nothing, where data says: they count it.

    The gradient of the sum of a table's entries that data picked is of that kind.
    """
    found = []
    for op, (places, values) in _PLACED.items():
        for node in graph.nodes_with_op(op):
            inputs = [node_of(value) for value in graph.inputs[node]]
            if max(places, values) < len(inputs) and data[inputs[places]]:
                value = inputs[values]
                if not data[value] and not parameters[value]:
                    found.append(node)
    return found


def _joined_with_others(
    graph: OpGraph, rows: int, parameters: Sequence[int], ranks: Ranks
) -> list[int]:
    found = []
    # Multiples of them, or they among others, meet parameters in sums of gradients too; there
    # only a contraction tells: a layer of a network that reads words.
    values = op_semantics.value_inputs
    is_multiple = {rows: False}
    stack = [rows]
    while stack:
        current = stack.pop()
        for edge in graph.readers(current):
            reader = edge >> PORT_BITS
            op, inputs = graph.ops[reader], graph.inputs[reader]
            kind = op_semantics.row(op).kind
            if op in op_semantics.CONTRACTIONS:
                found.append(reader)
            elif reader in is_multiple or inputs[edge & PORT_MASK] not in values(op, inputs):
                continue
            elif kind is Kind.PASS or op in _AVERAGES or _is_held(graph, reader):
                is_multiple[reader] = is_multiple[current]
                stack.append(reader)
            elif kind in _CARRIED or op in _ARRANGED:
                is_multiple[reader] = True
                stack.append(reader)
            elif kind in _JOINS and len(inputs) == 2:
                other = inputs[1 - (edge & PORT_MASK)]
                if not parameters[node_of(other)]:
                    is_multiple[reader] = True
                    stack.append(reader)
                elif not is_multiple[current] and not _is_own(graph, ranks, kind, other, rows):
                    found.append(reader)
    return found


def _is_held(graph: OpGraph, node: int) -> bool:
    """Whether a loop hands a value to all of its rounds as it is."""
    return graph.ops[node] == "_LoopVar" and node_of(graph.inputs[node][-1]) == node


def _is_own(graph: OpGraph, ranks: Ranks, kind: Kind, other: int, rows: int) -> bool:
    """Whether rows are multiplied by a strength, or meet the gradient of a norm of them."""
    is_scale = kind is Kind.MULTIPLY and ranks.is_scalar(other)
    return is_scale or _is_made_of(graph, node_of(other), rows)


def _is_made_of(graph: OpGraph, node: int, rows: int) -> bool:
    """Whether a value, as far as it is followed, is computed from some rows."""
    stack, seen = [node], {node}
    while stack and len(seen) < _MOST_LOOKED_THROUGH:
        current = stack.pop()
        if current == rows:
            return True
        if graph.ops[current] in op_semantics.CONTRACTIONS:
            continue  # What makes a prediction of rows is no norm of them.
        for value in op_semantics.value_inputs(graph.ops[current], graph.inputs[current]):
            if node_of(value) not in seen:
                seen.add(node_of(value))
                stack.append(node_of(value))
    return False


def _is_fed_data(graph: OpGraph, known: Variables, ranks: Ranks, node: int) -> bool:
    dtype = variables.placeholder_type(graph, node)
    if dtype in (variables.DT_RESOURCE, variables.DT_VARIANT, variables.DT_BOOL):
        return False
    rank = ranks.rank(node << PORT_BITS)
    if rank is None:
        return not _looks_like_hyperparameter(graph, known, ranks, node)
    return rank > 0


def _looks_like_hyperparameter(graph: OpGraph, known: Variables, ranks: Ranks, node: int) -> bool:
    """Whether a placeholder of unknown shape is only ever used as a factor.

    People write `tf.placeholder(tf.float32)` for a learning rate, a keep
    probability or a strength; all of these multiply scalars, or go to an
    optimizer, or are compared with noise.
    """
    stack, seen = [node], {node}
    used = False
    while stack:
        current = stack.pop()
        for edge in graph.readers(current):
            reader, position = edge >> PORT_BITS, edge & PORT_MASK
            if graph.ops[reader] in ("Identity", "Cast", "Neg", "Switch", "Enter", "Exit"):
                if reader not in seen:
                    seen.add(reader)
                    stack.append(reader)
                continue
            if not _is_factor_use(graph, known, ranks, reader, position):
                return False
            used = True
    return used


def _is_factor_use(
    graph: OpGraph, known: Variables, ranks: Ranks, reader: int, position: int
) -> bool:
    op, inputs = graph.ops[reader], graph.inputs[reader]
    if "Apply" in op or op_semantics.is_summary(op) or op in ("Pow", "Fill", "Less", "Greater"):
        return True
    if op in ("Add", "AddV2", "Sub", "Div", "RealDiv", "Mul", "GreaterEqual") and len(inputs) == 2:
        other = inputs[1 - position]
        if op_semantics.row(graph.ops[node_of(other)]).kind is Kind.DATA:
            return True
        return known.behind(other) is None and ranks.is_scalar(other)
    return False


def stored(graph: OpGraph, data: Sequence[int], partners: Sequence[int]) -> list[int]:
    """Returns the constants that are a data set kept in the graph: they meet others in products.

    What meets data there is a filter, or the weights of a vector of losses.

    Args:
      graph: the graph.
      data: 1 for each node whose value depends on data that is known so far.
      partners: 1 for each node that they may meet.
    """
    found: set[int] = set()
    for op in op_semantics.CONTRACTIONS:
        for node in graph.nodes_with_op(op):
            operands = [node_of(value) for value in graph.inputs[node]]
            if any(data[n] for n in operands) or not any(partners[n] for n in operands):
                continue
            origins = (_origin(graph, operand) for operand in operands)
            found.update(origin for origin in origins if _is_stored(graph, origin))
    return list(found)


def _origin(graph: OpGraph, node: int) -> int:
    """Returns what stands before the ops that only pick or arrange elements."""
    for _ in range(_MOST_LOOKED_THROUGH):
        if graph.ops[node] not in _LOOKED_THROUGH or not graph.inputs[node]:
            break
        node = node_of(graph.inputs[node][0])
    return node


def _is_stored(graph: OpGraph, node: int) -> bool:
    if graph.ops[node] != "Const":
        return False
    constant = graph.attrs.constant(node)
    return constant is not None and constant.is_float and math.prod(constant.shape) > _SMALL
