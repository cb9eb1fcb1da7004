# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which penalties a term of a loss adds up, and which scale is a penalty's own strength."""

from __future__ import annotations

import math
from collections.abc import Container

from tb_regloss.analysis import loss_vectors, op_semantics, penalties
from tb_regloss.analysis.flow import Flow
from tb_regloss.analysis.loss_vectors import is_summand
from tb_regloss.analysis.numbering import Numbering
from tb_regloss.analysis.op_graph import node_of, value_of
from tb_regloss.analysis.op_semantics import Kind

_MOST_COPIES = 16  # towers that a penalty is divided by, at most
_SMALL = 64  # ops that one penalty is made of, at most
_PRODUCTS = ("Mul", "RealDiv", "Div")


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
    if op in _PRODUCTS and len(inputs) == 2:
        scaled = [node_of(v) for v in inputs if flow.parameters[node_of(v)]]
        if len(scaled) != 1 or _is_average(flow, node):
            return []
        return scaled if _has_strength(flow, scaled[0]) else []
    if op in op_semantics.NOT_DIFFERENTIABLE and len(inputs) == 1:
        return [node_of(inputs[0])]
    if op == "Neg":
        negated = [node_of(v) for v in inputs]
        return negated if _has_strength(flow, negated[0]) else []
    is_stack = (op == "Sum" or op in loss_vectors.PICKS) and loss_vectors.is_vector(
        flow, node_of(op_semantics.value_inputs(op, inputs)[0])
    )
    if kind in (Kind.PASS, Kind.CUT) or op in loss_vectors.JOINS or is_stack:
        return [node_of(v) for v in op_semantics.value_inputs(op, inputs)]
    if kind is Kind.ADD:
        parts = [node_of(v) for v in inputs if flow.parameters[node_of(v)]]
        if len(parts) == 1 and not flow.ranks.is_scalar(value_of(node)):
            return parts  # Zeros for each example, to which penalties are added.
        numbers = {numbering.number(value_of(part)) for part in parts}
        is_one = len({penalties.read_variables(flow, part) for part in parts}) == 1
        if is_one and len(numbers) == len(parts):
            return parts if len(parts) == 1 and len(inputs) == 1 else []
        return parts
    return []


def _is_average(flow: Flow, node: int) -> bool:
    """Whether a penalty is divided by a number of its own, not by one over towers, as a scale is.

    So is a mean over all elements (Mask R-CNN's `l2(w) / size(w)`), and an
    orthogonal penalty by the number of pairs of its rows (`OrthogonalRegularizer`
    of Keras, `keras/src/regularizers/regularizers.py`).
    """
    graph = flow.graph
    if graph.ops[node] == "Mul":
        return False
    source = graph.source(node_of(graph.inputs[node][1]))
    is_cast = graph.ops[source] == "Cast"
    divisor = graph.attrs.constant(
        graph.source(node_of(graph.inputs[source][0])) if is_cast else source
    )
    if divisor is None or divisor.array is None or divisor.array.size != 1:
        return False
    variables = penalties.read_variables(flow, node)
    if len(variables) != 1:
        return False
    number = float(divisor.array.flat[0])
    variable = flow.variables.by_node[variables[0]]
    sizes = [size for size in variable.shape or () if size]
    if variable.is_assumed:
        is_count = is_cast
    else:
        may_be_copies = not is_cast and len(sizes) < 2 and number <= _MOST_COPIES
        is_count = number == math.prod(sizes) and not may_be_copies
    if is_count:
        return True  # The mean over all elements, written as a sum over their number.
    return _multiplies_rows(flow, node) and number in {s * (s - 1) / 2 for s in sizes if s > 2}


def _is_half(flow: Flow, node: int) -> bool:
    """Whether a product is half a sum of squares, as `tf.nn.l2_loss` is."""
    graph = flow.graph
    inputs = graph.inputs[node]
    factors = [graph.source(node_of(v)) for v in inputs if not flow.parameters[node_of(v)]]
    norms = [graph.source(node_of(v)) for v in inputs if flow.parameters[node_of(v)]]
    constant = graph.attrs.constant(factors[0]) if len(factors) == 1 else None
    if constant is None or constant.array is None or constant.array.size != 1:
        return False
    half = 0.5 if graph.ops[node] == "Mul" else 2.0
    return float(constant.array.flat[0]) == half and graph.ops[norms[0]] == "Sum"


def _multiplies_rows(flow: Flow, node: int) -> bool:
    graph, stack, seen = flow.graph, [node], {node}
    while stack and len(seen) < _SMALL:
        current = stack.pop()
        if graph.ops[current] in op_semantics.CONTRACTIONS:
            return True
        for operand in map(node_of, graph.inputs[current]):
            if operand not in seen and flow.parameters[operand]:
                seen.add(operand)
                stack.append(operand)
    return False


def _has_strength(flow: Flow, node: int) -> bool:
    """Whether a scalar is made of norms that all have a strength already.

    One of them may have a factor of its own, and what is in front of their sum
    is the strength of all nevertheless.
    """
    graph, stack, seen = flow.graph, [node], {node}
    factors: dict[tuple[int, ...], list[float | None]] = {}
    while stack:
        current = stack.pop()
        op, inputs = graph.ops[current], graph.inputs[current]
        kind = op_semantics.row(op).kind
        following: list[int] = []
        if op in _PRODUCTS:
            scaled = [v for v in inputs if flow.parameters[node_of(v)]]
            if len(scaled) < len(inputs):
                if not _is_half(flow, current) and not _is_average(flow, current):
                    variables = penalties.read_variables(flow, current)
                    factors.setdefault(variables, []).append(_factor(flow, current))
                    continue
                following = scaled
        elif op == "Neg" or op in op_semantics.NOT_DIFFERENTIABLE:
            following = list(inputs[:1])
        elif (
            kind in (Kind.ADD, Kind.PASS, Kind.CUT)
            or op in loss_vectors.JOINS
            or ((op == "Sum" or op in loss_vectors.PICKS) and is_summand(flow, inputs[0]))
        ):
            following = [v for v in inputs if is_summand(flow, v)]
        following = [v for v in following if flow.parameters[node_of(v)]]
        if not following:
            return False  # A norm as it is (or a ratio of norms, which is one).
        stack.extend(n for n in map(node_of, following) if n not in seen)
        seen.update(map(node_of, following))
    # Shares of one, as an elastic net has them, are no strengths.
    return not all(map(_are_shares, factors.values()))


def _are_shares(factors: list[float | None]) -> bool:
    known = [factor for factor in factors if factor is not None]
    return len(known) == len(factors) > 1 and abs(sum(known) - 1) < 1e-5


def _factor(flow: Flow, node: int) -> float | None:
    """Returns the constant that a product is made with, `None` where it is none."""
    graph = flow.graph
    if graph.ops[node] != "Mul":
        return None
    plain = [v for v in graph.inputs[node] if not flow.parameters[node_of(v)]]
    constant = graph.attrs.constant(graph.source(node_of(plain[0])))
    if constant is None or constant.array is None or constant.array.size != 1:
        return None
    return float(constant.array.flat[0])
