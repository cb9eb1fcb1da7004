# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""How often a loop adds to a sum of its own: gradients of parts of a batch are gathered so.

What a loop carries is evaluated once around. That is enough for a network that
is unrolled over time, whose gradient is one loss's however many uses of a
weight it adds up; a sum over losses has to be counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tb_regloss.analysis.graph import whole_numbers
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of
from tb_regloss.analysis.graph.whole_numbers import Found
from tb_regloss.analysis.ops import op_semantics, sampled
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.ops.sampled import Sampled, elementwise

LOOPED = ("Merge", "RefMerge", "_LoopVar")
_AROUND = ("NextIteration", "RefNextIteration")
_EXITS = ("Exit", "RefExit")
_SUMMED = (Kind.ADD, Kind.SUBTRACT, Kind.PASS)
# They give back what a loop kept of its rounds: this one goes back through that one.
_POPS = ("StackPop", "StackPopV2", "TensorListPopBack")
_REACH = 20_000  # ops of one round
_NEAR = 256  # ops that a sum, or a condition, is made of
_MOST_ROUNDS = 256


class Rounds:
    """The loops of one graph."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._sums: dict[int, sampled.Array | None] = {}

    def of_sum(self, node: int) -> sampled.Array | None:
        """Returns how often a loop adds to a variable of its own, a symbol where that varies.

        Args:
          node: the variable, as it is in each round.

        Returns:
          `None` where the variable is no sum over rounds.
        """
        if node not in self._sums:
            self._sums[node] = self._count(node) if self._is_sum(node) else None
        return self._sums[node]

    def summed(self, node: int, before: Sampled, once: Sampled) -> Sampled:
        """Returns what a loop's variable is in the end, given what it is after one round."""
        count = self.of_sum(node)
        if count is None:
            return once
        added = elementwise(np.subtract, once, before)
        added = elementwise(np.multiply, added, Sampled((), count))
        return elementwise(np.add, before, added)

    def varying(self) -> list[sampled.Array]:
        """Returns the symbols that were given so far."""
        return [count for count in self._sums.values() if count is not None and count.size > 1]

    def fixed(self) -> list[int]:
        """Returns the numbers that were given so far and do not vary."""
        counts = [count for count in self._sums.values() if count is not None and count.size == 1]
        return [round(count.item().real) for count in counts]

    def _count(self, node: int) -> sampled.Array:
        graph = self._flow.graph
        loop = graph.loops.get(node)
        count = self._of_frame(node) if loop is None else loop.rounds
        if count is None:
            return sampled.random_numbers((node if loop is None else loop.first) * 2 + 1)
        return np.full(1, count, np.complex128)

    def after(self, node: int) -> int | None:
        """Returns what a variable of a loop is after a round, `None` where it is none."""
        graph = self._flow.graph
        if graph.ops[node] == "_LoopVar":
            return graph.inputs[node][-1]
        return next((v for v in graph.inputs[node] if graph.ops[node_of(v)] in _AROUND), None)

    def _is_sum(self, node: int) -> bool:
        """Whether a round only adds to a variable, and nothing that earlier rounds made."""
        addends = self._addends(node)
        stack, seen = list(addends), set(addends)
        while stack and len(seen) < _REACH:
            current = stack.pop()
            op = self._flow.graph.ops[current]
            if op in _POPS or self._is_carried(current, node):
                return False
            if op in LOOPED or op in _EXITS:
                continue
            for operand in map(node_of, self._flow.value_inputs(current)):
                if operand not in seen and self._flow.data[operand]:
                    seen.add(operand)
                    stack.append(operand)
        return bool(addends)

    def _addends(self, node: int) -> list[int]:
        """Returns what a round adds to a variable, nothing where it does more."""
        graph, found, value = self._flow.graph, list[int](), self.after(node)
        for _ in range(_NEAR):
            if value is None or node_of(value) == node:
                return found
            op, inputs = graph.ops[node_of(value)], graph.inputs[node_of(value)]
            if op_semantics.row(op).kind not in _SUMMED:
                return []
            operands = op_semantics.value_inputs(op, inputs)
            leading = [v for v in operands if self._leads(node_of(v), node)]
            if len(leading) != 1 or (op == "Sub" and leading[0] != operands[0]):
                return []
            found += [node_of(v) for v in operands if v != leading[0]]
            value = leading[0]
        return []

    def _leads(self, start: int, end: int) -> bool:
        """Whether a value is another one with something added."""
        graph, stack, seen = self._flow.graph, [start], {start}
        while stack and len(seen) < _NEAR:
            node = stack.pop()
            if node == end:
                return True
            op = graph.ops[node]
            if op_semantics.row(op).kind in _SUMMED and op not in _EXITS:
                operands = map(node_of, op_semantics.value_inputs(op, graph.inputs[node]))
                new = set(operands) - seen
                seen |= new
                stack.extend(new)
        return False

    def _is_carried(self, node: int, other: int) -> bool:
        """Whether a value is carried through a loop, and changes, beside another one."""
        graph = self._flow.graph
        if graph.ops[node] not in LOOPED or not self._flow.data[node]:
            return False
        end = self.after(node)
        if end is None or node_of(end) == node:
            return False
        loop = graph.loops.get(other)
        return graph.loops.get(node) is loop if loop is not None else True

    def _of_frame(self, node: int) -> int | None:
        """Returns how often a loop of TensorFlow 1 goes around, `None` where that varies."""
        graph = self._flow.graph
        readers = (edge >> PORT_BITS for edge in graph.readers(node))
        switches = (graph.inputs[n][1] for n in readers if graph.ops[n] == "Switch")
        condition = next((v for v in switches if graph.ops[node_of(v)] == "LoopCond"), None)
        if condition is None:
            return None
        state = self._counters(condition)
        for count in range(_MOST_ROUNDS + 1):
            going = self._fold(condition, state)
            if not going:
                return None if going is None else count
            ends = {merge: self.after(merge) for merge in state}
            state = {
                merge: None if end is None else self._fold(end, state)
                for merge, end in ends.items()
            }
        return None

    def _counters(self, condition: int) -> dict[int, int | None]:
        """Returns what a loop's condition is made of, as it is before the first round."""
        graph, found = self._flow.graph, dict[int, int | None]()
        stack, seen = [condition], {condition}
        while stack and len(seen) < _NEAR:
            value = stack.pop()
            node = node_of(value)
            op, inputs = graph.ops[node], graph.inputs[node]
            if op in LOOPED:
                end = self.after(node)
                begin = next((v for v in inputs if v != end), None)
                found[node] = None if begin is None else self._fold(begin, {})
                operands = [] if end is None else [end]
            else:
                operands = list(inputs) if self._flow.data[node] == 0 else []
            stack.extend(v for v in operands if v not in seen)
            seen.update(operands)
        return found

    def _fold(self, value: int, state: Mapping[int, int | None]) -> int | None:
        graph = self._flow.graph

        def look(value: int) -> Found[int]:
            node = node_of(value)
            op, inputs = graph.ops[node], graph.inputs[node]
            if node in state:
                return state[node]
            if op == "Const":
                return whole_numbers.of_constant(graph.attrs.constant(node))
            if op_semantics.row(op).kind is Kind.PASS or op == "LoopCond":
                return "Identity", inputs[:1]
            return (op, inputs) if whole_numbers.is_foldable(op) else None

        return whole_numbers.fold(value, look, {})
