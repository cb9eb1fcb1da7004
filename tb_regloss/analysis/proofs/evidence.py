# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The graph's evidence in words a person can follow: paths, frontiers, cuts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.losses.penalties import Penalty
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.training.updates import Update
from tb_regloss.analysis.verdict_types import Status

if TYPE_CHECKING:
    from tb_regloss.analysis.proofs.reach import Reach
    from tb_regloss.analysis.proofs.settle import Settler

_REACH = 50_000
# What they compute is Python, or elsewhere.
_HIDING = ("PyFunc", "PyFuncStateless", "EagerPyFunc", "RemoteCall")


def explain(
    flow: Flow,
    penalty: Penalty,
    status: Status,
    value: float | None,
    reaches: dict[int, Reach],
    chosen: dict[int, list[Update]],
    cut: int | None,
    settler: Settler,
) -> tuple[str, tuple[str, ...]]:
    """Returns one sentence on a regularization loss and the ops that it rests on."""
    graph = flow.graph
    if status is Status.UNKNOWN:
        obstacle = next(reach.obstacle for reach in reaches.values() if reach.is_unknown)
        return f"Cannot tell: {obstacle}.", ()
    if status is Status.BLOCKED and cut is not None:
        kind, name = graph.ops[cut], graph.names[cut]
        return (
            f"Its value is in the loss, but {name!r} ({kind}) lets no gradient through.",
            path_to(flow, penalty.node, {cut}),
        )
    if status is Status.BLOCKED:
        return (
            "Its value is in the optimized loss, but its gradient enters no update: "
            "it was computed outside of what was differentiated.",
            (),
        )
    if status is Status.MISSING:
        ends = frontier(flow, penalty.node)
        return _missing_text(flow, ends, settler, penalty), tuple(
            graph.names[node] for node in ends
        )
    if status is Status.PARTIAL:
        by_node = flow.variables.by_node
        lost = [by_node[v].name for v, reach in reaches.items() if not reach.is_reached]
        return f"Its gradient does not enter the update of {', '.join(map(repr, lost))}.", ()
    updates = {u.node for v, r in reaches.items() if r.is_reached for u in chosen[v]}
    update = min(updates)
    factor = "" if value is None or abs(value - 1) < 1e-5 else f" {value:g} times"
    text = f"Its gradient enters the update {graph.names[update]!r}{factor}."
    loss = _loss_of(flow, penalty, settler)
    return text, (graph.names[penalty.node], *loss, graph.names[update])


def absent(flow: Flow, tensor: str | None) -> str:
    """Returns why the graph shows no variables behind a declared tensor."""
    graph = flow.graph
    start = graph.index.get((tensor or "").partition(":")[0])
    stack = [] if start is None else [start]
    seen = set(stack)
    while stack and len(seen) < _REACH:
        node = stack.pop()
        if graph.ops[node] in _HIDING:
            op = f"{graph.names[node]!r} ({graph.ops[node]})"
            return f"Cannot tell: what {op} computes of its inputs is not in the graph."
        following = set(map(node_of, graph.inputs[node])) - seen
        seen |= following
        stack.extend(following)
    return "The graph has no such tensor."


def _loss_of(flow: Flow, penalty: Penalty, settler: Settler) -> tuple[str, ...]:
    if not settler.forms_with(settler.number(penalty)):
        return ()
    return path_to(flow, penalty.node, settler.losses)[1:]


def _missing_text(flow: Flow, ends: list[int], settler: Settler, penalty: Penalty) -> str:
    graph = flow.graph
    if ends == [penalty.node]:
        return "Nothing reads it: its tensor has no consumer."
    names = ", ".join(repr(graph.names[node]) for node in ends[:2])
    shown = all(op_semantics.is_summary(graph.ops[node]) for node in ends)
    if shown:
        return "Nothing adds it to a loss: it goes into summaries only."
    if settler.is_in_value(settler.number(penalty)):
        return f"It is added to {names}, but that is not what is differentiated for its variables."
    return f"Its value ends at {names} and enters no update's gradient."


def frontier(flow: Flow, node: int) -> list[int]:
    """Returns the last ops that a value reaches; the node itself where nothing reads it."""
    queue, seen, ends = deque([node]), {node}, []
    while queue and len(seen) < _REACH:
        current = queue.popleft()
        readers = flow.value_readers(current)
        if not readers:
            ends.append(current)
        for reader in readers:
            if reader not in seen:
                seen.add(reader)
                queue.append(reader)
    return ends or [node]


def path_to(flow: Flow, start: int, goals: set[int]) -> tuple[str, ...]:
    """Returns the names of the ops on a shortest way of a value to one of `goals`."""
    before: dict[int, int] = {start: start}
    queue = deque([start])
    while queue and len(before) < _REACH:
        current = queue.popleft()
        if current in goals:
            names = []
            while current != before[current]:
                names.append(flow.graph.names[current])
                current = before[current]
            return (flow.graph.names[start], *reversed(names))
        for reader in flow.value_readers(current):
            if reader not in before:
                before[reader] = current
                queue.append(reader)
    return (flow.graph.names[start],)


def kind(flow: Flow, node: int) -> str | None:
    """Returns the form of a penalty: `"l2"`, `"l1"`, `"l1_l2"` or `"other"`."""
    graph, stack, seen = flow.graph, [node], {node}
    ops = set()
    while stack and len(seen) < 300:
        current = stack.pop()
        ops.add(graph.ops[current])
        for value in op_semantics.value_inputs(graph.ops[current], graph.inputs[current]):
            operand = node_of(value)
            if operand not in seen and flow.parameters[operand]:
                seen.add(operand)
                stack.append(operand)
    if ops & {"MatMul", "BatchMatMul", "BatchMatMulV2", "Sqrt", "Svd", "EuclideanNorm"}:
        return "other"
    squares, sizes = bool(ops & {"L2Loss", "Square"}), "Abs" in ops
    if squares and sizes:
        return "l1_l2"
    return "l2" if squares else "l1" if sizes else "other"


def unpenalized(flow: Flow, trained: set[int], penalized: set[int]) -> tuple[str, ...]:
    """Returns trained variables of the kind (end of the name, rank) of penalized ones."""
    by_node = flow.variables.by_node

    def alike(node: int) -> tuple[str, int | None]:
        variable = by_node[node]
        shape = variable.shape
        return variable.name.rsplit("/", 1)[-1].rstrip(
            "0123456789_"
        ), None if shape is None else len(shape)

    kinds = {alike(node) for node in penalized & trained if node in by_node}
    rest = sorted(trained - penalized)
    return tuple(by_node[n].name for n in rest if n in by_node and alike(n) in kinds)


def fingerprint(names: Sequence[str]) -> str:
    """Returns what tells names of graphs' ops apart, as long as this process runs."""
    # Their hashes are known, since they were looked up: a tenth of the time of a digest.
    return f"{len(names)}:{hash(tuple(names)):x}"


def train_ops(flow: Flow, chosen: dict[int, list[Update]]) -> list[str]:
    """Returns names of the updates that count, one of each optimizer."""
    seen: dict[str, str] = {}
    for found in chosen.values():
        for update in found:
            name = flow.graph.names[update.node]
            seen.setdefault(name.split("/update", 1)[0], name)
    return list(seen)[:8]
