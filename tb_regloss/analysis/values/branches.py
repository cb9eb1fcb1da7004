# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which predicate a merge of branches belongs to, and which replicas a reduction joins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tb_regloss.analysis.graph import replicas
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.graph.op_graph import node_of, port_of, value_of
from tb_regloss.analysis.ops import sampled

_SWITCHES = ("Switch", "RefSwitch")
_REACH = 200  # ops to look back from a Merge for its Switch


class Branches:
    """Weights of branches and members of reductions, in one graph."""

    def __init__(self, flow: Flow, numbering: Numbering) -> None:
        self._flow, self._numbering = flow, numbering

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

    def is_guard(self, node: int) -> bool:
        """Whether data chooses between scalars that depend on none, as a guard of a loss does.

        Between tensors, as the gradient of a sigmoid cross entropy chooses, it is data.
        """
        graph, flow = self._flow.graph, self._flow
        inputs = graph.inputs[node]
        if graph.ops[node] not in ("Select", "SelectV2") or len(inputs) != 3:
            return False
        return bool(flow.data[node_of(inputs[0])]) and all(map(flow.ranks.is_scalar, inputs))

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
        return [graph.inputs[n][0] for n in replicas.members(graph, node) if graph.inputs[n]]

    def replica_factor(self, node: int, seen: int) -> float:
        """Returns what the sum over the replicas in the graph has to be multiplied by.

        A graph of one worker shows one of `group_size` equal replicas; a mean
        over replicas divides by their number.
        """
        attrs = self._flow.graph.attrs
        count = max(replicas.size(self._flow.graph, node) or seen, seen)
        averaged = (
            attrs.attr(node, "final_op") == b"Div" or attrs.attr(node, "reduction") == b"mean"
        )
        return 1 / seen if averaged else count / seen
