# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which captured variables can only be scalars, where a log tells no shapes.

RunMetadata says nothing of the shape of a variable that a step captures. A
strength that is kept in one would pass for a tensor, and its product with a
norm for no loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tb_regloss.analysis.graph.op_graph import PORT_BITS, OpGraph, node_of
from tb_regloss.analysis.graph.shapes import Ranks
from tb_regloss.analysis.graph.variables import Variables
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_SCALED = (Kind.MULTIPLY, Kind.DIVIDE)
_BOUNDED = (Kind.ADD, Kind.SUBTRACT, Kind.CLIP)
_MOST_STEPS = 64


def scalars(
    graph: OpGraph,
    variables: Variables,
    ranks: Ranks,
    reads: Mapping[int, Sequence[int]],
    written: Mapping[int, Sequence[int]],
) -> list[int]:
    """Returns the variables of unknown shape that can only be scalars.

    Args:
      graph: the graph.
      variables: its variables.
      ranks: numbers of dimensions.
      reads: the ops that read each variable.
      written: the values that are written to each variable.
    """
    found = []
    for node, variable in variables.by_node.items():
        is_guess = variable.is_assumed and len(variable.shape or ()) == 1
        if node not in reads or not (variable.shape is None or is_guess):
            continue
        values = written.get(node, ())
        # What a step never writes is no weight and no slot of an optimizer's.
        is_factor = not values and not is_guess and _scales_scalars(graph, ranks, reads[node])
        is_count = any(_is_counted(graph, ranks, value, reads[node]) for value in values)
        if is_factor or is_count or any(map(ranks.is_scalar, values)):
            found.append(node)
    return found


def _is_counted(graph: OpGraph, ranks: Ranks, value: int, reads: Sequence[int]) -> bool:
    """Whether a scalar is added to what was read, as a count of steps grows."""
    node = node_of(value)
    if op_semantics.row(graph.ops[node]).kind is not Kind.ADD:
        return False
    others = [v for v in graph.inputs[node] if node_of(v) not in reads]
    return len(others) == 1 and ranks.is_scalar(others[0])


def _scales_scalars(graph: OpGraph, ranks: Ranks, reads: Sequence[int]) -> bool:
    """Whether a value, with constants added or multiplied, is a factor of a computed scalar."""
    stack, seen = list(reads), set(reads)
    while stack and len(seen) < _MOST_STEPS:
        current = stack.pop()
        for edge in graph.readers(current):
            reader = edge >> PORT_BITS
            kind, inputs = op_semantics.row(graph.ops[reader]).kind, graph.inputs[reader]
            others = [v for v in inputs if node_of(v) != current]
            if kind is not Kind.PASS and not all(map(ranks.is_scalar, others)):
                continue
            computed = [v for v in others if graph.ops[node_of(v)] != "Const"]
            if computed and kind in _SCALED:
                return True
            if reader not in seen and (kind is Kind.PASS or kind in (*_SCALED, *_BOUNDED)):
                seen.add(reader)
                stack.append(reader)
    return False
