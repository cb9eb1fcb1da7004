# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that are moved for a while and moved back: no training.

Sharpness-aware steps take their gradient a little way off, and differences of
losses are taken on both sides.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence, Set

from tb_regloss.analysis.graph.flow import Flow, Write
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.update_arithmetic import behind

_SIGNS = {"add": 1.0, "subtract": -1.0}
_REACH = 20_000  # ops to look at between two writes
_STEPS = 16  # more ops than stand between a write and what it adds
_Source = tuple[str, int]


def lasting(flow: Flow, writes: Sequence[Write]) -> list[Write]:
    """Returns the writes to one variable without those that are taken back.

    If no other is left, a step may be taken back only sometimes: then they all count.
    """
    if len(writes) < 2:
        return list(writes)
    moves = {write.node: _move(flow, write) for write in writes}
    totals: dict[_Source, float] = collections.defaultdict(float)
    for source, factor in filter(None, moves.values()):
        totals[source] += factor
    gone = {source for source, total in totals.items() if abs(total) < 1e-9}
    restored = _restored(flow, writes[0].variable, {write.node for write in writes})
    kept = [
        write
        for write in writes
        if write.node not in restored
        and ((move := moves[write.node]) is None or move[0] not in gone)
    ]
    return kept or list(writes)


def _restored(flow: Flow, variable: int, moved: Set[int]) -> set[int]:
    """Returns the writes between a read of a variable and a write of what was read."""
    found, own = set[int](), set(flow.reads.get(variable, ()))
    for write in flow.writes.get(variable, ()):
        read = behind(flow, write.value)
        if write.how == "set" and read in own:
            before = waited_for(flow, write.node)
            found |= {node for node in moved & before if read in waited_for(flow, node)}
    return found


def all_run(flow: Flow, writes: Sequence[int]) -> bool:
    """Whether one of several writes runs after all the others, so that a step runs them all."""
    others = set(writes)
    return any(others - {node} <= waited_for(flow, node) for node in writes)


def waited_for(flow: Flow, node: int) -> set[int]:
    """Returns what runs before an op, as far as it is near."""
    graph, queue, seen = flow.graph, collections.deque([node]), {node}
    while queue and len(seen) < _REACH:
        current = queue.popleft()
        operands = map(node_of, graph.inputs[current])
        for operand in (*graph.controls.get(current, ()), *operands):
            if operand not in seen:
                seen.add(operand)
                queue.append(operand)
    return seen - {node}


def _move(flow: Flow, write: Write) -> tuple[_Source, float] | None:
    """Returns what a write adds to its variable, a value or what a slot holds, and how often."""
    graph, value = flow.graph, write.value
    if write.sparse:
        return None
    factor = _SIGNS.get(write.how)
    if factor is None:
        node = node_of(value)
        kind, inputs = op_semantics.row(graph.ops[node]).kind, graph.inputs[node]
        if kind not in (Kind.ADD, Kind.SUBTRACT) or len(inputs) != 2:
            return None
        if node_of(inputs[0]) not in flow.reads.get(write.variable, ()):
            return None
        factor, value = -1.0 if kind is Kind.SUBTRACT else 1.0, inputs[1]
    for _ in range(_STEPS):
        node = node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        if op_semantics.row(op).kind is Kind.READ:
            return ("slot", flow.variables.root(inputs[0])), factor
        if op in ("Identity", "Cast", "Neg"):
            value, scale = inputs[0], -1.0 if op == "Neg" else 1.0
        elif op == "Mul" and (scale := _constant(flow, inputs[0])):
            value = inputs[1]
        elif op == "Mul" and (scale := _constant(flow, inputs[1])):
            value = inputs[0]
        else:
            break
        factor *= scale
    return ("value", value), factor


def _constant(flow: Flow, value: int) -> float:
    """Returns a constant factor, 0 where it is none."""
    constant = flow.graph.attrs.constant(node_of(value))
    if constant is None or constant.array is None or constant.array.size != 1:
        return 0.0
    return float(constant.array.flat[0])
