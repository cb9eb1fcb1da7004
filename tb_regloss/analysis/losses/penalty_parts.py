# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which penalties a term of a loss adds up."""

from __future__ import annotations

from collections.abc import Container

from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.graph.op_graph import node_of, value_of
from tb_regloss.analysis.losses import penalties, strengths
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind


def parts(flow: Flow, numbering: Numbering, node: int, known: Container[int]) -> list[int]:
    """Returns the penalties that a term of a loss adds up.

    A penalty is the innermost product of a strength with a norm (or with a
    sum of bare norms), or a sum of such over one and the same variable; what
    scales it further out is no strength of its own.

    Args:
      flow: the graph.
      numbering: its value numbers.
      node: the term.
      known: nodes that are known to be penalties.
    """
    found: list[int] = []
    stack, seen = [node], {node}
    while stack:
        current = stack.pop()
        parts = [] if current in known else _inner_parts(flow, numbering, current)
        if not parts and current not in known:
            found.append(current)
        for part in parts:
            if part not in seen and flow.parameters[part]:
                seen.add(part)
                stack.append(part)
    return found


def _inner_parts(flow: Flow, numbering: Numbering, node: int) -> list[int]:
    """Returns what a scalar adds up or scales, nothing where it is one penalty."""
    graph = flow.graph
    op, inputs = graph.ops[node], graph.inputs[node]
    kind = op_semantics.row(op).kind
    if op in strengths.PRODUCTS and len(inputs) == 2:
        scaled = [node_of(v) for v in inputs if flow.parameters[node_of(v)]]
        return scaled if len(scaled) == 1 and strengths.is_scaled(flow, node, scaled[0]) else []
    if op in op_semantics.NOT_DIFFERENTIABLE and len(inputs) == 1:
        return [node_of(inputs[0])]
    if op == "Neg":
        negated = [node_of(v) for v in inputs]
        return [] if strengths.inside(flow, negated[0]) is None else negated
    is_stack = (op in loss_vectors.TOTALS or op in loss_vectors.PICKS) and loss_vectors.is_vector(
        flow, node_of(op_semantics.value_inputs(op, inputs)[0])
    )
    if kind in (Kind.PASS, Kind.CUT) or op in loss_vectors.JOINS or is_stack:
        return [node_of(v) for v in op_semantics.value_inputs(op, inputs)]
    if kind is Kind.ADD:
        parts = _summands(flow, node)
        if len(parts) == 1 and not flow.ranks.is_scalar(value_of(node)):
            return parts  # Zeros for each example, to which penalties are added.
        numbers = {numbering.number(value_of(part)) for part in parts}
        is_one = len({penalties.read_variables(flow, part) for part in parts}) == 1
        if is_one and len(numbers) == len(parts):
            return parts if len(parts) == 1 else []  # A constant that is added changes nothing.
        return parts
    return []


def _summands(flow: Flow, node: int) -> list[int]:
    """Returns what a sum adds up of parameters, each without the numbers added to it.

    Python's `sum()` begins with 0: what it adds first is no other penalty for that.
    """
    found = []
    for part in map(node_of, flow.graph.inputs[node]):
        inner = [part] if flow.parameters[part] else []
        while len(inner) == 1 and op_semantics.row(flow.graph.ops[inner[0]]).kind is Kind.ADD:
            part = inner[0]
            inner = [n for n in map(node_of, flow.graph.inputs[part]) if flow.parameters[n]]
        found += inner if len(inner) == 1 else [part] if inner else []
    return found
