# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Norms of variables: which of those that nothing adds to a loss can only be penalties."""

from __future__ import annotations

from collections.abc import Collection

from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import WRITES, Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of, value_of
from tb_regloss.analysis.losses.penalties import joins, norm_root, read_variables
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_SUMS = (*loss_vectors.JOINS, *loss_vectors.TOTALS, "Neg")
# What arrives at a product in a gradient went through such ops alone.
_HANDED_ON = (Kind.PASS, Kind.CUT, Kind.ADD, Kind.SUBTRACT, Kind.MULTIPLY, Kind.DIVIDE, Kind.CHOICE)
_REDUCTIONS = ("L2Loss", "Sum", "Mean")
_SMALL = 64  # ops between a term of a loss and what it reduces, at most
_STRENGTH = 24  # ops that a strength is computed with, at most


def unused(flow: Flow, trained: frozenset[int]) -> list[int]:
    """Returns scalars that nothing adds to a loss, though they can be nothing but penalties.

    A constant times the sum of squares (or of absolute values) of a trained
    variable, read by nothing or only by sums of its like that end nowhere. Of
    those that are shown or compared, only a constant times an `L2Loss` counts,
    and what is summed with its like: other norms are made for charts.
    """
    graph, found = flow.graph, []
    for op in ("Mul", "RealDiv", "Div"):
        for node in graph.nodes_with_op(op):
            if flow.data[node] or not flow.parameters[node]:
                continue
            if flow.ranks.rank(value_of(node)) not in (0, None):
                continue  # Weights of the parts of a norm.
            root = norm_root(flow, node)
            if root is None or root == node or not _has_plain_strength(flow, node):
                continue
            may_be_shown = graph.ops[root] == "L2Loss" or _is_summed_with_like(flow, node)
            if _ends_nowhere(flow, node, may_be_shown) and _behind_trained(flow, node, trained):
                found.append(node)
    return list(dict.fromkeys(_whole(flow, node) for node in found))


def _is_summed_with_like(flow: Flow, node: int) -> bool:
    """Whether a scaled norm is added to scaled norms of other variables, and to nothing else."""
    graph = flow.graph
    for reader in {edge >> PORT_BITS for edge in graph.readers(node)}:
        if op_semantics.row(graph.ops[reader]).kind is not Kind.ADD:
            continue
        terms = [node_of(value) for value in graph.inputs[reader]]
        roots = [norm_root(flow, term) for term in terms]
        if all(
            root not in (None, term) and _has_plain_strength(flow, term)
            for term, root in zip(terms, roots, strict=True)
        ):
            return len({read_variables(flow, term) for term in terms}) > 1
    return False


def _whole(flow: Flow, node: int) -> int:
    """Returns the sum or multiple that a part of a penalty on one variable belongs to."""
    graph, variables = flow.graph, read_variables(flow, node)
    for _ in range(16):
        readers = {edge >> PORT_BITS for edge in graph.readers(node)}
        sums = [
            reader
            for reader in readers
            if (op_semantics.row(graph.ops[reader]).kind is Kind.ADD or _is_scaled(flow, reader))
            and not flow.data[reader]
            and read_variables(flow, reader) == variables
            and flow.ranks.is_scalar(value_of(reader))
        ]
        if len(readers) != 1 or not sums:
            return node
        node = sums[0]
    return node


def _has_plain_strength(flow: Flow, node: int) -> bool:
    """Whether a product's factor is made of constants and hyperparameters as written.

    What has the same form in a gradient is scaled by what arrives there, which
    starts with a tensor of ones.
    """
    graph = flow.graph
    factor = next((v for v in graph.inputs[node] if not flow.parameters[node_of(v)]), None)
    if factor is None:
        return False
    # With whether what is looked at is a factor, or an operand of something else.
    stack, seen = [(node_of(factor), True)], set[tuple[int, bool]]()
    while stack:
        source, is_factor = current = stack.pop()
        op = graph.ops[source]
        kind = op_semantics.row(op).kind
        if current in seen or kind in (Kind.VARIABLE, Kind.PLACEHOLDER):
            continue
        seen.add(current)
        if op == "Const":
            constant = graph.attrs.constant(source)
            if constant is None or constant.array is None:
                return False
            # A schedule has ones as well: its first step, or a bound.
            if is_factor and constant.is_float and (constant.array == 1).all():
                return False
        elif len(seen) > _STRENGTH or op in ("Fill", "OnesLike", "ZerosLike", "Reshape", "Tile"):
            return False
        is_factor = is_factor and (kind in _HANDED_ON or op == "Neg")
        stack.extend((node_of(v), is_factor) for v in graph.inputs[source])
    return True


def _ends_nowhere(flow: Flow, node: int, may_be_shown: bool) -> bool:
    """Whether a scalar goes into sums only, and at most into what shows or compares it."""
    graph, stack, seen = flow.graph, [node], {node}
    while stack:
        for edge in graph.readers(stack.pop()):
            reader = edge >> PORT_BITS
            op = graph.ops[reader]
            kind = op_semantics.row(op).kind
            # Of a Keras 3 step, or an average over the steps (cifar10's `_add_loss_summaries`).
            is_output = op == "OptionalFromValue" or op in WRITES
            if op_semantics.is_summary(op) or op in op_semantics.NOT_DIFFERENTIABLE or is_output:
                if not may_be_shown:
                    return False
                continue
            if flow.data[reader]:
                return False
            is_sum = kind in (Kind.ADD, Kind.PASS, Kind.CHOICE, Kind.SHAPE) or op in _SUMS
            if not (is_sum or _is_scaled(flow, reader) or _is_averaged(flow, reader)):
                return False
            if reader not in seen and kind is not Kind.SHAPE:
                seen.add(reader)
                stack.append(reader)
    return True


def _is_scaled(flow: Flow, node: int) -> bool:
    """Whether a product has a factor that depends on no variable."""
    kind = op_semantics.row(flow.graph.ops[node]).kind
    if kind not in (Kind.MULTIPLY, Kind.DIVIDE):
        return False
    return sum(bool(flow.parameters[node_of(v)]) for v in flow.graph.inputs[node]) == 1


def may_be_added(flow: Flow, variables: Collection[int]) -> bool:
    """Whether a reduction of some of these variables, whatever its rank, is added to data.

    What the optimizer adds to a gradient is a multiple of the variable as it is.
    """
    for node, reader in joins(flow):
        if op_semantics.row(flow.graph.ops[reader]).kind is not Kind.ADD:
            continue
        if flow.ranks.rank(value_of(node)) in (0, None) and _reduces(flow, node, variables):
            return True
    return False


def _reduces(flow: Flow, node: int, variables: Collection[int]) -> bool:
    graph, stack, seen = flow.graph, [node], {node}
    while stack and len(seen) < _SMALL:
        current = stack.pop()
        if graph.ops[current] in _REDUCTIONS:
            return any(v in variables for v in read_variables(flow, current))
        operands = map(
            node_of, op_semantics.value_inputs(graph.ops[current], graph.inputs[current])
        )
        following = {n for n in operands if flow.parameters[n]} - seen
        seen |= following
        stack.extend(following)
    return False


def _is_averaged(flow: Flow, node: int) -> bool:
    """Whether a scalar is subtracted from, or from it, what an untrained scalar keeps of it."""
    if op_semantics.row(flow.graph.ops[node]).kind is not Kind.SUBTRACT:
        return False
    reads = {read for kept in flow.hyperparameters for read in flow.reads.get(kept, ())}
    return any(node_of(value) in reads for value in flow.graph.inputs[node])


def _behind_trained(flow: Flow, node: int, trained: frozenset[int]) -> bool:
    found = read_variables(flow, node, 200)
    return bool(found) and any(variable in trained for variable in found)
