# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which factors in front of a norm are its strength, and which are a scale of the loss.

The innermost number that is no part of the norm's own form (half a sum of
squares, a mean written as a sum over a count) is the strength, and what stands
in front of it scales the penalty. Inner numbers of one and more are weights, as
the roots of group sizes are: in front of these, a small number is the strength.
"""

from __future__ import annotations

import math

from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.loss_vectors import is_summand
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.losses import penalties
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.closeness import close
from tb_regloss.analysis.ops.op_semantics import Kind

PRODUCTS = ("Mul", "RealDiv", "Div")
_MOST_COPIES = 16  # towers that a penalty is divided by, at most
_SMALL = 64  # ops that one penalty is made of, at most
_SQUARES = ("Sum", "Mean", "Square", "Pow")


def is_scaled(flow: Flow, node: int, penalty: int) -> bool:
    """Whether a product scales penalties that have their strengths, and is none of them itself."""
    if _is_average(flow, node) or _is_half_at_last(flow, node, penalty):
        return False
    found = inside(flow, penalty)
    if found is None:
        return False
    numbers = (number for those in found.values() for number in those)
    # Such as the roots of group sizes; strengths are less than one.
    are_weights = all(number is not None and number >= 1 for number in numbers)
    return not are_weights or _is_scale(flow, node)


def inside(flow: Flow, node: int) -> dict[tuple[int, ...], list[float | None]] | None:
    """Returns the strengths of the norms that a scalar is made of, by the variables they penalize.

    `None` stands for a strength that is not a constant. One norm of a sum may
    have a factor of its own, and what is in front of the sum is the strength
    of all nevertheless.

    Returns:
      `None` where a norm has no strength yet.
    """
    graph, stack, seen = flow.graph, [node], {node}
    found: dict[tuple[int, ...], list[float | None]] = {}
    while stack:
        current = stack.pop()
        op, inputs = graph.ops[current], graph.inputs[current]
        kind = op_semantics.row(op).kind
        following: list[int] = []
        if op in PRODUCTS:
            scaled = [v for v in inputs if flow.parameters[node_of(v)]]
            if len(scaled) < len(inputs):
                if not _is_of_the_norm(flow, current):
                    variables = penalties.read_variables(flow, current)
                    found.setdefault(variables, []).append(_factor(flow, current))
                    continue
                following = scaled
        elif op == "Neg" or op in op_semantics.NOT_DIFFERENTIABLE:
            following = list(inputs[:1])
        elif kind is Kind.CHOICE:
            following = list(op_semantics.value_inputs(op, inputs))
        elif (
            kind in (Kind.ADD, Kind.PASS, Kind.CUT)
            or op in loss_vectors.JOINS
            or (
                (op in loss_vectors.TOTALS or op in loss_vectors.PICKS)
                and is_summand(flow, inputs[0])
            )
        ):
            following = [v for v in op_semantics.value_inputs(op, inputs) if is_summand(flow, v)]
        following = [v for v in following if flow.parameters[node_of(v)]]
        if not following:
            return None  # A norm as it is (or a ratio of norms, which is one).
        stack.extend(n for n in map(node_of, following) if n not in seen)
        seen.update(map(node_of, following))
    # Shares of one, as an elastic net has them, are no strengths.
    return None if all(map(_are_shares, found.values())) else found


def _is_scale(flow: Flow, node: int) -> bool:
    """Whether what stands in front of a norm with a weight is not its strength."""
    factor = _factor(flow, node)
    if factor is None or factor <= 0 or factor >= 1:
        return True
    is_share = flow.graph.ops[node] != "Mul" or 1 / factor < _MOST_COPIES + 0.5
    return is_share and close(1 / factor, round(1 / factor))


def _are_shares(factors: list[float | None]) -> bool:
    known = [factor for factor in factors if factor is not None]
    if len(known) < len(factors) or len(known) < 2:
        return False
    # Of a sum of squares, which counts twice, half of the share stands there.
    return any(close(sum(known) + more, 1) for more in (0, *known))


def _is_of_the_norm(flow: Flow, node: int) -> bool:
    """Whether a product makes a norm of another one, so that it has no strength yet."""
    if _factor(flow, node) == 1:
        return True
    return _is_half(flow, node) or _is_average(flow, node) or _is_by_count(flow, node)


def _is_by_count(flow: Flow, node: int) -> bool:
    """Whether a norm as it is is divided by some number of elements, or a group's root of it.

    So is what is summed over a part of a variable, and group lasso's weight.
    """
    factor = _factor(flow, node)
    if factor is None or factor <= 0:
        return False
    if flow.graph.ops[node] != "Mul":
        return factor < 1 and close(1 / factor, round(1 / factor))
    variables = penalties.read_variables(flow, node)
    if len(variables) != 1 or flow.variables.by_node[variables[0]].is_assumed:
        return False
    sizes = [size for size in flow.variables.by_node[variables[0]].shape or () if size]
    counts = {*sizes, math.prod(sizes)} - {1}
    return any(close(factor, n) or close(factor * factor, n) for n in counts)


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
    number = _constant(flow, source)
    if number is None:
        return False
    variables = penalties.read_variables(flow, node)
    if len(variables) != 1:
        return False
    is_cast = graph.ops[source] == "Cast"
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
    norms = [v for v in flow.graph.inputs[node] if flow.parameters[node_of(v)]]
    is_square = flow.graph.ops[flow.graph.source(node_of(norms[0]))] in _SQUARES
    return is_square and _factor(flow, node) == 0.5


def _is_half_at_last(flow: Flow, node: int, penalty: int) -> bool:
    """Whether a strength times a sum of squares is halved, as formulas end in it."""
    graph, product = flow.graph, flow.graph.source(penalty)
    if graph.ops[node] == "Mul" or _factor(flow, node) != 0.5 or graph.ops[product] != "Mul":
        return False
    norms = [node_of(v) for v in graph.inputs[product] if flow.parameters[node_of(v)]]
    return len(norms) == 1 and graph.ops[graph.source(norms[0])] in _SQUARES


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


def _factor(flow: Flow, node: int) -> float | None:
    """Returns the constant that a product is made with, `None` where it is none."""
    graph = flow.graph
    plain = [node_of(v) for v in graph.inputs[node] if not flow.parameters[node_of(v)]]
    number = _constant(flow, plain[0]) if plain else None
    if number is None or graph.ops[node] == "Mul":
        return number
    is_divisor = plain[0] == node_of(graph.inputs[node][1])
    return 1 / number if is_divisor and number else None


def _constant(flow: Flow, node: int) -> float | None:
    """Returns the number that a scalar is, cast or not, `None` where it is no constant."""
    graph = flow.graph
    source = graph.source(node)
    if graph.ops[source] == "Cast":
        source = graph.source(node_of(graph.inputs[source][0]))
    constant = graph.attrs.constant(source)
    if constant is None or constant.array is None or constant.array.size != 1:
        return None
    return float(constant.array.flat[0])


__all__ = ["PRODUCTS", "inside", "is_scaled"]
