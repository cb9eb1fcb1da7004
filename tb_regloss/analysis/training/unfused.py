# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Variables that are trained by optimizers written out in small ops.

A write trains a variable if what it writes depends on the products of a
computation that used that very variable together with data.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable

from tb_regloss.analysis.graph.flow import WRITES, Flow, Write
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, node_of, value_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.gradient_ports import NORMS
from tb_regloss.analysis.training.own_products import OwnProducts
from tb_regloss.analysis.training.update_arithmetic import is_arithmetic

_GATHERS = ("Gather", "GatherV2", "ResourceGather")
_ROUNDS = 8  # loops nested deeper than any program's


def candidates(flow: Flow, fused: Container[int]) -> dict[int, list[Write]]:
    """Returns writes to float variables that may be training or its state."""
    found: dict[int, list[Write]] = {}
    for root, writes in flow.writes.items():
        variable = flow.variables.by_node.get(root)
        if variable is None or not variable.is_float or root in fused:
            continue
        kept = [write for write in writes if _is_no_initializer(flow, write)]
        if kept:
            found[root] = kept
    return found


def used_forward(
    flow: Flow, writes_of: dict[int, list[Write]], trainable: frozenset[int] | None
) -> set[int]:
    """Returns the variables that a model computes with, as against slots and accumulators.

    Both are added to data and reduced to a number, one in a loss, the other for
    the norm of a gradient; but only what a model computes with comes back in
    its own update. Of rows that data picks no norm of a gradient is made: those
    are a model's, be they only added to a prediction.
    """
    reduced = {v for v in writes_of if is_used_with_data(flow, v)}
    forward = {v for v in reduced if is_used_with_data(flow, v, NORMS)}
    forward |= {v for v in reduced - forward if _meets_data(flow, picked_rows(flow, v))}
    unsure = {v: writes_of[v] for v in reduced - forward}
    return forward | set(trained(flow, unsure, {}, trainable)[0])


def is_used_with_data(flow: Flow, variable: int, besides: Container[str] = ()) -> bool:
    """Whether a variable is computed with, not only updated: its value meets data in a product.

    Slots and accumulators meet data in elementwise arithmetic only.

    Args:
      flow: the graph.
      variable: the variable's node.
      besides: further ops that do not count where they make a scalar.
    """
    return _meets_data(flow, flow.reads.get(variable, ()), besides)


def picked_rows(flow: Flow, variable: int) -> list[int]:
    """Returns the reads of rows of a variable that data picks."""
    graph, found = flow.graph, []
    for read in flow.reads.get(variable, ()):
        nodes = (read, *(edge >> PORT_BITS for edge in graph.readers(read)))
        found += [node for node in nodes if _picks_rows(flow, node)]
    return found


def _picks_rows(flow: Flow, node: int) -> bool:
    if flow.graph.ops[node] not in _GATHERS:
        return False
    return any(flow.data[node_of(picks)] for picks in flow.graph.inputs[node][1:2])


def _meets_data(flow: Flow, reads: Iterable[int], besides: Container[str] = ()) -> bool:
    """Whether what is read meets data in a product; for `besides` see `is_used_with_data`."""
    graph, products = flow.graph, OwnProducts(flow)
    stack = list(reads)
    seen = set(stack)
    while stack:
        for edge in graph.readers(stack.pop()):
            reader, position = edge >> PORT_BITS, edge & PORT_MASK
            op, inputs = graph.ops[reader], graph.inputs[reader]
            if reader in seen or inputs[position] not in op_semantics.value_inputs(op, inputs):
                continue
            if op in WRITES or op in op_semantics.COMPARISONS or op_semantics.is_summary(op):
                continue
            is_harmless = is_arithmetic(op) or (op in besides and _is_reduced(flow, reader))
            if flow.data[reader] and not (is_harmless or products.has(reader)):
                return True
            seen.add(reader)
            stack.append(reader)
    return False


def _is_reduced(flow: Flow, node: int) -> bool:
    """Whether a norm may be a scalar, or one with all its dimensions kept, as in `tf.norm`."""
    rank, graph = flow.ranks.rank(value_of(node)), flow.graph
    if rank in (0, None):
        return True
    axes = graph.inputs[node][1:]
    constant = graph.attrs.constant(node_of(axes[0])) if axes else None
    count = 0 if constant is None else math.prod(constant.shape)
    return bool(graph.attrs.attr(node, "keep_dims")) and count == rank


def _is_no_initializer(flow: Flow, write: Write) -> bool:
    # What is restored or drawn at random depends on no variable.
    return write.how != "set" or bool(flow.parameters[node_of(write.value)])


def trained(
    flow: Flow,
    writes_of: dict[int, list[Write]],
    state: dict[int, list[int]],
    trainable: frozenset[int] | None,
) -> tuple[dict[int, list[Write]], set[int]]:
    """Returns the variables that are trained, and the reads of state that their updates pass."""
    of_data = {
        variable: [write for write in writes if flow.data[node_of(write.value)]]
        for variable, writes in writes_of.items()
        if trainable is None or variable in trainable
    }
    of_data = {variable: writes for variable, writes in of_data.items() if writes}
    if not of_data:
        return {}, set()
    bits = {variable: 1 << place for place, variable in enumerate(of_data)}
    ends, passed = {}, {}
    for variable, writes in of_data.items():
        ends[variable], passed[variable] = leaves(flow, writes, state)
    used = ancestors(flow, bits, {leaf for found in ends.values() for leaf in found})
    found = {}
    for variable, writes in of_data.items():
        if any(used.get(leaf, 0) & bits[variable] for leaf in ends[variable]):
            found[variable] = writes
    return found, {node for variable in found for node in passed[variable]}


def leaves(
    flow: Flow, writes: list[Write], state: dict[int, list[int]]
) -> tuple[set[int], set[int]]:
    """Returns where an update's arithmetic ends, and which reads of state it passes."""
    graph, products = flow.graph, OwnProducts(flow)
    ends: set[int] = set()
    passed: set[int] = set()
    stack = [node_of(write.value) for write in writes]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if not flow.data[node] or node in flow.row_products:
            # What a model makes of rows alone is no arithmetic of an update.
            if node in flow.row_products or _picks_rows(flow, node):
                ends.add(node)
            continue
        op = graph.ops[node]
        kind = op_semantics.row(op).kind
        operands: list[int] = []
        if kind in (Kind.READ, Kind.VARIABLE):
            if owner(flow, node) in state:
                passed.add(node)
                operands = flow.value_inputs(node)
        elif is_arithmetic(op) or products.has(node):
            operands = flow.value_inputs(node)
        else:
            ends.add(node)
        for operand in operands:
            if node_of(operand) not in seen:
                seen.add(node_of(operand))
                stack.append(node_of(operand))
    return ends, passed


def owner(flow: Flow, read: int) -> int:
    """Returns the variable that a node reads."""
    inputs = flow.graph.inputs[read]
    return flow.variables.root(inputs[0] if inputs else value_of(read))


def ancestors(flow: Flow, bits: dict[int, int], wanted: set[int]) -> dict[int, int]:
    """Returns for each wanted node which variables it was computed from, as bits.

    Only what ops compute counts, not what state carried there.
    """
    graph = flow.graph
    own: dict[int, int] = {}
    for variable, bit in bits.items():
        for read in flow.reads.get(variable, ()):
            own[read] = own.get(read, 0) | bit
    known, order = dict(own), list[int]()
    stack = list(wanted)
    waiting: set[int] = set()
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        operands = _operand_nodes(flow, node)
        missing = [operand for operand in operands if operand not in known]
        if missing and node not in waiting:
            waiting.add(node)
            stack.extend(missing)
            continue
        known[node] = 0
        for operand in operands:
            known[node] |= known.get(operand, 0)
        order.append(node)
        stack.pop()
    has_loops = any(op in graph.op_types for op in op_semantics.LOOPS)
    for _ in range(_ROUNDS if has_loops else 0):
        # What comes around in a loop was not known when it was asked for.
        changed = False
        for node in order:
            total = known[node]
            for operand in _operand_nodes(flow, node):
                total |= known.get(operand, 0)
            changed |= total != known[node]
            known[node] = total
        if not changed:
            break
    return known


def _operand_nodes(flow: Flow, node: int) -> list[int]:
    graph = flow.graph
    return [node_of(v) for v in op_semantics.value_inputs(graph.ops[node], graph.inputs[node])]
