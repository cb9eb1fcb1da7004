# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a gradient was before something was done to all of it.

Clipping by a norm multiplies a gradient by a number that was computed from it,
and so does LARS: another number at each point, but what is before it holds the
same penalties, with constants. So does what is before noise or a decay was
added, or its own mean subtracted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Set

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.graph.scales import REDUCERS, Scales
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.update_arithmetic import is_arithmetic
from tb_regloss.analysis.training.updates import Update

_STEPS = 24  # more than is done to any gradient
_DECAY = 32  # more ops than a decay is made of
_REACH = 20_000  # ops to look at between a factor and the gradients that it is made of


@dataclasses.dataclass(frozen=True)
class Before:
    """An update as if nothing was done to its gradient.

    Attributes:
      update: the update.
      is_decayed: whether a multiple of variables was added to the gradient.
      is_own: whether that was added after factors were computed from the
        gradient, so that it is the optimizer's own decay and no penalty's.
    """

    update: Update
    is_decayed: bool = False
    is_own: bool = False


class Clipping:
    """Takes off the gradients of one graph what was done to them."""

    def __init__(self, flow: Flow) -> None:
        self._flow, self._scales = flow, Scales(flow)
        self._made_of: dict[int, set[int]] = {}

    def before(self, update: Update, strengths: Set[int]) -> Before | None:
        """Returns an update as if nothing was done to its gradient, `None` where nothing was.

        Args:
          update: the update.
          strengths: what a penalty is made of beside its variable; what is added to a
            gradient and made of that is the penalty's gradient, no decay.
        """
        found = [self._before(port, strengths) for port in update.ports]
        ports = tuple(port for port, _, _ in found)
        if ports == update.ports:
            return None
        return Before(
            dataclasses.replace(update, ports=ports),
            any(is_decayed for _, is_decayed, _ in found),
            any(is_own for _, _, is_own in found),
        )

    def _before(self, port: int, strengths: Set[int]) -> tuple[int, bool, bool]:
        """Returns a port before all that was done, and what `Before` says of decay."""
        found, is_decayed, is_own = port, False, False
        value, factors, decays, is_changed = port, list[int](), list[bool](), False
        for _ in range(_STEPS):
            graph, node = self._flow.graph, node_of(value)
            kind, inputs = op_semantics.row(graph.ops[node]).kind, list(graph.inputs[node])
            if kind is Kind.PASS and inputs:
                value = inputs[0]
            elif kind in (Kind.MULTIPLY, Kind.DIVIDE) and len(inputs) == 2:
                scale, rest = self._scales.split(kind, inputs)
                if scale is None or rest is None:
                    break
                value = rest
                if self._flow.data[node_of(scale)]:
                    factors.append(node_of(scale))
            elif kind in (Kind.ADD, Kind.SUBTRACT):
                beside = self._beside(kind, inputs, strengths)
                if beside is None:
                    break
                value, decay = beside
                is_changed = True
                if decay:
                    decays.append(bool(factors))
            else:
                break
            # A constant before that is a mean over towers, or a loss scale taken off.
            is_made_of = all(node_of(value) in self._sources(factor) for factor in factors)
            if (factors or is_changed) and is_made_of:
                is_decayed, is_own = is_decayed or bool(decays), is_own or any(decays)
                found, factors, decays, is_changed = value, [], [], False
        return found, is_decayed, is_own

    def _beside(
        self, kind: Kind, inputs: list[int], strengths: Set[int]
    ) -> tuple[int, bool] | None:
        """Returns the gradient in a sum of a gradient and something else, and whether that decays.

        The other is noise, a multiple of variables, or made of the gradient alone.
        """
        flow = self._flow
        gradients = [v for v in inputs if flow.data[node_of(v)] and flow.parameters[node_of(v)]]
        if kind is Kind.SUBTRACT:
            is_own = len(gradients) == 2 and self._is_of(gradients[1], node_of(gradients[0]))
            return (gradients[0], False) if is_own else None
        if len(gradients) != 1:
            return None
        others = [node_of(v) for v in inputs if v is not gradients[0]]
        plain = [node for node in others if not flow.data[node]]
        return None if self._holds(plain, strengths) else (gradients[0], bool(plain))

    def _holds(self, nodes: list[int], strengths: Set[int]) -> bool:
        """Whether values are made of something, or of too much to tell."""
        stack, seen = list(nodes), set(nodes)
        while stack:
            node = stack.pop()
            if node in strengths or len(seen) > _DECAY:
                return True
            for operand in map(node_of, self._flow.graph.inputs[node]):
                if operand not in seen:
                    seen.add(operand)
                    stack.append(operand)
        return False

    def _is_of(self, value: int, gradient: int) -> bool:
        """Whether all data that a value is made of comes through one gradient."""
        graph, stack, seen = self._flow.graph, [node_of(value)], {node_of(value)}
        while stack:
            node = stack.pop()
            if node == gradient:
                continue
            if not self._is_norms(node) or len(seen) > _DECAY:
                return False
            for operand in map(node_of, graph.inputs[node]):
                if operand not in seen and self._flow.data[operand]:
                    seen.add(operand)
                    stack.append(operand)
        return True

    def _sources(self, factor: int) -> set[int]:
        """Returns what a factor is computed from, as far as it is made as norms are."""
        if factor not in self._made_of:
            stack, seen = [factor], {factor}
            while stack and len(seen) < _REACH:
                node = stack.pop()
                for operand in map(node_of, self._flow.graph.inputs[node]):
                    if operand not in seen and self._flow.data[operand] and self._is_norms(node):
                        seen.add(operand)
                        stack.append(operand)
            self._made_of[factor] = seen
        return self._made_of[factor]

    def _is_norms(self, node: int) -> bool:
        """Whether an op is one that norms are made of."""
        op = self._flow.graph.ops[node]
        return op in REDUCERS or is_arithmetic(op) or op in op_semantics.COMPARISONS
