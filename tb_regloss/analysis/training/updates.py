# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which writes train a variable, and through which input the gradient comes in.

A fused optimizer op names its gradient. An optimizer written out in small ops
does not; there a write trains a variable if what it writes depends on the
products of a computation that used that very variable together with data.
Running statistics of batch normalization, averages of losses, metrics, shadow
copies, restores and clipped weights fail that test: nothing that was computed
*from* them comes back.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from tb_regloss.analysis.graph import replicas
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of, port_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training import gradient_ports, moves, unfused

FUSED = re.compile(r"^(?:Resource)?(Sparse)?Apply([A-Z]\w*)$")
# Position of the gradient where it is not the last input (dense) or the last
# but one (sparse): `tensorflow/core/ops/training_ops.cc`.
_GRADIENT_AT = {"GradientDescent": 2, "Momentum": 3, "KerasMomentum": 3, "Ftrl": 3}
_GRADIENT_AT |= {"FtrlV2": 3, "AdagradDA": 3}


@dataclasses.dataclass(frozen=True)
class Update:
    """One write that trains a variable.

    Attributes:
      node: the op that writes.
      variable: the variable's node.
      ports: the gradient ports; more than one only where an unfused optimizer
        reads differently prepared gradients.
      rule: what tells optimizers apart: the op's type, for an unfused one `""`.
      sparse: whether the gradient is one of some rows only.
    """

    node: int
    variable: int
    ports: tuple[int, ...]
    rule: str
    sparse: bool = False


@dataclasses.dataclass(frozen=True)
class Training:
    """How a graph trains.

    Attributes:
      updates: by the variable's node, in graph order.
      state: what is written to untrained state that gradients pass through.
      decays: variables that the optimizer itself shrinks.
    """

    updates: dict[int, list[Update]]
    state: dict[int, list[int]]
    decays: frozenset[int]

    def without(self, copies: Mapping[int, int]) -> Training:
        """Returns the same training of one variable for all its copies."""
        kept = {v: found for v, found in self.updates.items() if v not in copies}
        decays = frozenset(copies.get(v, v) for v in self.decays)
        return Training(kept, self.state, decays)


def find_training(flow: Flow, trainable: frozenset[int] | None) -> Training:
    """Returns how a graph trains, and lets its state carry data from then on.

    Args:
      flow: the graph; its state links are added.
      trainable: the variables in collection `trainable_variables`, `None`
        where the collection is not known.
    """
    updates = _fused(flow)
    candidates = unfused.candidates(flow, updates)
    forward = unfused.used_forward(flow, candidates, trainable)
    state = {
        variable: [write.value for write in writes]
        for variable, writes in candidates.items()
        if variable not in forward
    }
    if state:
        flow.set_state(state)
    written_out, passed = unfused.trained(flow, candidates, state, trainable)
    state = {variable: values for variable, values in state.items() if variable not in written_out}
    slots = flow.propagate(node for node in passed if unfused.owner(flow, node) not in written_out)
    decays = set(gradient_ports.separate_decays(flow, {*updates, *written_out}))
    for variable, writes in written_out.items():
        for write in moves.lasting(flow, writes):
            ports, decayed = gradient_ports.gradient_ports(flow, write, slots)
            if decayed:
                decays.add(variable)
            if ports:
                update = Update(write.node, variable, ports, "", write.sparse)
                updates.setdefault(variable, []).append(update)
    for found in updates.values():
        found.sort(key=lambda update: update.node)
    return Training(updates, state, frozenset(decays & set(updates)))


def mirrored(flow: Flow, training: Training) -> dict[int, int]:
    """Returns the variables that are other variables' copies on further replicas.

    All replicas of a variable are updated with the one gradient that came out
    of the reduction over them.
    """
    firsts: dict[object, int] = {}
    found: dict[int, int] = {}
    for variable, updates in training.updates.items():
        shape = (
            flow.variables.by_node[variable].shape if variable in flow.variables.by_node else None
        )
        sources = {_reduced(flow, port) for update in updates for port in update.ports}
        if None in sources:
            continue
        first = firsts.setdefault((shape, frozenset(sources)), variable)
        if first != variable:
            found[variable] = first
    return found


def _reduced(flow: Flow, value: int) -> object:
    """Returns what tells a reduction over replicas, `None` where a value comes from none."""
    graph, parts = flow.graph, list[int]()
    for _ in range(32):
        node = node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        kind = op_semantics.row(op).kind
        if kind is Kind.ALL_REDUCE:
            return (replicas.group(graph, node), *parts)
        if op == "AddN" and len(inputs) > 1:
            return (node, *parts)
        if op in ("Split", "SplitV", "Unpack"):
            parts.append(port_of(value))
        elif op in ("Slice", "StridedSlice"):
            start = graph.attrs.constant(node_of(inputs[1])) if len(inputs) > 1 else None
            if start is None or start.array is None:
                return None
            parts.append(int(start.array.flat[0]))
        elif kind not in (Kind.PASS, Kind.MULTIPLY, Kind.DIVIDE) or not inputs:
            return None
        value = next((v for v in inputs if flow.data[node_of(v)]), inputs[0])
    return None


def _fused(flow: Flow) -> dict[int, list[Update]]:
    found: dict[int, list[Update]] = {}
    for op, nodes in flow.graph.op_types.items():
        match = FUSED.match(op)
        if match is None:
            continue
        sparse, rule = match.groups()
        position = _GRADIENT_AT.get(rule, -2 if sparse else -1)
        for node in nodes:
            inputs = flow.graph.inputs[node]
            if len(inputs) < 3 or position >= len(inputs):
                continue
            variable = flow.variables.root(inputs[0])
            update = Update(node, variable, (inputs[position],), rule, bool(sparse))
            found.setdefault(variable, []).append(update)
    return found
