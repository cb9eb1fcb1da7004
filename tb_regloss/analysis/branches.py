# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which predicate a merge of branches belongs to, and which replicas a reduction joins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tb_regloss.analysis import op_semantics, sampled
from tb_regloss.analysis.flow import Flow
from tb_regloss.analysis.numbering import Numbering
from tb_regloss.analysis.op_graph import node_of, port_of, value_of

_SWITCHES = ("Switch", "RefSwitch")
_REACH = 200  # ops to look back from a Merge for its Switch


class Branches:
    """Weights of branches and members of reductions, in one graph."""

    def __init__(self, flow: Flow, numbering: Numbering) -> None:
        self._flow, self._numbering = flow, numbering
        self._siblings: dict[tuple[str, object], list[int]] = {}

    def weights(self, node: int, values: Sequence[int]) -> list[sampled.Array]:
        """Returns a symbolic weight for each branch; they add up to one.

        The same predicate gives the same weights wherever it decides, so what
        stands under the same condition keeps a constant ratio.
        """
        graph = self._flow.graph
        op, inputs = graph.ops[node], graph.inputs[node]
        if op == "_If":
            weight = self._weight(inputs[-1])
            if len(values) == 2:
                return [weight, 1 - weight]
            parts = [self._weight(inputs[-1], k + 1) for k in range(len(values))]
            return [part / sampled.sum_arrays(parts) for part in parts]
        if op in ("Select", "SelectV2"):
            weight = self._weight(inputs[0])
            return [weight, 1 - weight]
        if len(values) == 1:
            return [np.ones(1, np.complex128)]
        sides = [self._side(value) for value in values[:2]]
        known = next((side for side in sides if side is not None), None)
        if len(values) > 2 or known is None:
            parts = [self._weight(value_of(node), k + 1) for k in range(len(values))]
            return [part / sampled.sum_arrays(parts) for part in parts]
        weight = self._weight(known[0])
        first_is_true = sides[0][1] if sides[0] is not None else not known[1]
        return [weight, 1 - weight] if first_is_true else [1 - weight, weight]

    def _weight(self, predicate: int, salt: int = 0) -> sampled.Array:
        number = self._numbering.number(predicate)
        return sampled.random_numbers(number * 31 + salt) / 2

    def _side(self, value: int) -> tuple[int, bool] | None:
        """Returns the predicate that guards a value, and whether on its true side."""
        graph = self._flow.graph
        queue, seen = [value], {value}
        for current in queue:
            node = node_of(current)
            if graph.ops[node] in _SWITCHES:
                return graph.inputs[node][1], port_of(current) == 1
            if len(queue) > _REACH:
                break
            waits = [value_of(waited) for waited in graph.controls.get(node, ())]
            for operand in (*waits, *graph.inputs[node]):
                if operand not in seen:
                    seen.add(operand)
                    queue.append(operand)
        return None

    def replicas(self, node: int) -> list[int]:
        """Returns the inputs of all reductions in the graph that exchange with this one."""
        graph = self._flow.graph
        members = self._members(node)
        return [
            value
            for member in members
            for value in op_semantics.value_inputs(graph.ops[member], graph.inputs[member])[:1]
        ]

    def replica_factor(self, node: int, seen: int) -> float:
        """Returns what the sum over the replicas in the graph has to be multiplied by.

        A graph of one worker shows one of `group_size` equal replicas; a mean
        over replicas divides by their number.
        """
        attrs = self._flow.graph.attrs
        size = attrs.attr(node, "group_size") or attrs.attr(node, "num_devices")
        if size is None and self._flow.graph.ops[node] == "CollectiveReduceV2":
            size = self._constant_input(node, 1)
        size = size if isinstance(size, int) and size > 0 else seen
        averaged = (
            attrs.attr(node, "final_op") == b"Div" or attrs.attr(node, "reduction") == b"mean"
        )
        factor = max(size, seen) / seen
        return factor / max(size, seen) if averaged else factor

    def _constant_input(self, node: int, position: int) -> int | None:
        graph = self._flow.graph
        if len(graph.inputs[node]) <= position:
            return None
        source = node_of(graph.inputs[node][position])
        constant = graph.attrs.constant(source) if graph.ops[source] == "Const" else None
        if constant is None or constant.array is None or constant.array.ndim:
            return None
        return int(constant.array)

    def _members(self, node: int) -> list[int]:
        graph = self._flow.graph
        op = graph.ops[node]
        if not self._siblings:
            for name in (
                "CollectiveReduce",
                "CollectiveReduceV2",
                "CollectiveReduceV3",
                "NcclAllReduce",
            ):
                for member in graph.nodes_with_op(name):
                    self._siblings.setdefault((name, self._group(member)), []).append(member)
        return self._siblings.get((op, self._group(node)), [node])

    def _group(self, node: int) -> object:
        graph, attrs = self._flow.graph, self._flow.graph.attrs
        op = graph.ops[node]
        if op == "CollectiveReduceV2" and len(graph.inputs[node]) > 3:
            # input, group_size, group_key, instance_key: equal keys meet.
            return tuple(self._numbering.number(v) for v in graph.inputs[node][2:4])
        if op == "CollectiveReduce":
            return (attrs.attr(node, "group_key"), attrs.attr(node, "instance_key"))
        if op == "NcclAllReduce":
            return attrs.attr(node, "shared_name")
        return node
