# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a gradient was before it was multiplied by something that was computed from it.

Clipping by a norm does so, and so does LARS. The factor is another number at
each point, but scales all of a gradient alike: what is before it holds the
same penalties, with constants.
"""

from __future__ import annotations

import dataclasses

from tb_regloss.analysis import op_semantics
from tb_regloss.analysis.flow import Flow
from tb_regloss.analysis.op_graph import node_of
from tb_regloss.analysis.op_semantics import Kind
from tb_regloss.analysis.scales import REDUCERS, Scales
from tb_regloss.analysis.update_arithmetic import is_arithmetic
from tb_regloss.analysis.updates import Update

_FACTORS = 16  # more than any optimizer multiplies a gradient by
_REACH = 20_000  # ops to look at between a factor and the gradients that it is made of


class Clipping:
    """Takes what was made of the gradients themselves off the gradients of one graph."""

    def __init__(self, flow: Flow) -> None:
        self._flow, self._scales = flow, Scales(flow)
        self._made_of: dict[int, set[int]] = {}

    def before(self, update: Update) -> Update | None:
        """Returns an update as if its gradient was not clipped, `None` where it is not."""
        ports = tuple(map(self._before, update.ports))
        return None if ports == update.ports else dataclasses.replace(update, ports=ports)

    def _before(self, port: int) -> int:
        graph, found, value, factors = self._flow.graph, port, port, list[int]()
        for _ in range(_FACTORS):
            node = node_of(value)
            kind, inputs = op_semantics.row(graph.ops[node]).kind, graph.inputs[node]
            if kind is Kind.PASS and inputs:
                value = inputs[0]
            elif kind in (Kind.MULTIPLY, Kind.DIVIDE) and len(inputs) == 2:
                scale, rest = self._scales.split(kind, inputs)
                if scale is None or rest is None:
                    break
                value = rest
                if self._flow.data[node_of(scale)]:
                    factors.append(node_of(scale))
            else:
                break
            # A constant before that is a mean over towers, or a loss scale taken off.
            if factors and all(node_of(value) in self._sources(factor) for factor in factors):
                found, factors = value, []
        return found

    def _sources(self, factor: int) -> set[int]:
        """Returns what a factor is computed from, as far as it is made as norms are."""
        if factor not in self._made_of:
            flow, graph = self._flow, self._flow.graph
            stack, seen = [factor], {factor}
            while stack and len(seen) < _REACH:
                node = stack.pop()
                if not (is_arithmetic(graph.ops[node]) or graph.ops[node] in REDUCERS):
                    continue
                for operand in map(node_of, flow.graph.inputs[node]):
                    if operand not in seen and flow.data[operand]:
                        seen.add(operand)
                        stack.append(operand)
            self._made_of[factor] = seen
        return self._made_of[factor]
