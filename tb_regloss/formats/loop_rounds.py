# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""How often While loops go around, and which of them are worth being written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tb_regloss.analysis.graph import flow, whole_numbers
from tb_regloss.analysis.graph.whole_numbers import Found, is_foldable
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.formats import light_graph
from tb_regloss.formats.node_attrs import NodeAttrs

# Steps that people gather gradients over; loops over time go around more often, and
# nothing depends on their number.
_MOST_ROUNDS = 256
_MOST_WRITTEN_OUT = 32
_MOST_NODES = 4096  # of all loops that are written out, together
_BODIES = ("f", "then_branch", "else_branch", "body", "cond", "branches")
_CALLING = ("Call", "If", "Case", "While", "Dataset")


class Rounds:
    """Decides about loops by their functions.

    Args:
      functions: the graph's functions by name.
    """

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self._functions = functions
        self._bodies: dict[str, _Body] = {}
        self._left = _MOST_NODES

    def count(self, cond: str, body: str, initial: Sequence[int | None]) -> int | None:
        """Returns how often a loop goes around, `None` where that is not fixed.

        Args:
          cond: the function that tells whether to go on.
          body: the function that is called for each round.
          initial: the loop variables that are numbers; `None` for all others.
        """
        if cond not in self._functions or body not in self._functions:
            return None
        state = {place: number for place, number in enumerate(initial) if number is not None}
        for count in range(_MOST_ROUNDS + 1):
            going = self._outputs(cond, state, (0,)).get(0)
            if not going:
                return None if going is None else count
            state = self._outputs(body, state, state)
        return None

    def may_write_out(self, body: str, rounds: int) -> bool:
        """Whether to write a loop out; if so, its ops count."""
        if not 0 < rounds <= _MOST_WRITTEN_OUT:
            return False
        ops = self._ops(body)
        cost = rounds * len(ops)
        if cost > self._left or not all(map(_may_repeat, ops)):
            return False
        self._left -= cost
        return True

    def _ops(self, name: str) -> list[str]:
        """Returns the op types in a function and in those that it calls."""
        found: list[str] = []
        stack, seen = [name], {name}
        while stack and len(found) <= _MOST_NODES:
            body = self._body(stack.pop())
            found += body.ops
            called = self._functions.keys() & body.called() - seen
            seen |= called
            stack.extend(called)
        return found

    def _body(self, name: str) -> _Body:
        if name not in self._bodies:
            self._bodies[name] = _Body(self._functions[name].node_def)
        return self._bodies[name]

    def _outputs(
        self, name: str, state: Mapping[int, int], wanted: Iterable[int]
    ) -> dict[int, int]:
        """Returns those of a function's wanted outputs that are fixed numbers."""
        function, look = self._functions[name], self._body(name).look
        arguments = [argument.name for argument in function.signature.input_arg]
        known: dict[str, int | None] = {
            argument: state.get(place) for place, argument in enumerate(arguments)
        }
        sources = {result.key: result.value for result in function.ret}
        outputs = [sources.get(output.name, "") for output in function.signature.output_arg]
        found = {
            place: whole_numbers.fold(outputs[place], look, known)
            for place in wanted
            if place < len(outputs)
        }
        return {place: number for place, number in found.items() if number is not None}


class _Body:
    """The nodes of a function."""

    def __init__(self, nodes: Sequence[bytes]) -> None:
        self._attrs = NodeAttrs()
        self._attrs.add(0, nodes)
        self._places: dict[str, int] = {}
        self._inputs: list[list[str]] = []
        self.ops: list[str] = []
        for names, ops, texts in light_graph.columns(nodes):
            self._places |= dict(zip(names, range(len(self.ops), len(nodes)), strict=False))
            self.ops += ops
            ends = [place for place, text in enumerate(texts) if text == light_graph.END]
            for begin, end in zip([0, *(end + 1 for end in ends)], ends, strict=False):
                self._inputs.append([text for text in texts[begin:end] if text[:1] != "^"])

    def look(self, text: str) -> Found[str]:
        """Returns what an output of a node stands for."""
        node = self._places.get(text.partition(":")[0])
        if node is None:
            return None
        if self.ops[node] == "Const":
            return whole_numbers.of_constant(self._attrs.constant(node))
        return (self.ops[node], self._inputs[node]) if is_foldable(self.ops[node]) else None

    def called(self) -> set[str]:
        """Returns the functions that the nodes name."""
        found = set(self.ops)
        for node, op in enumerate(self.ops):
            for attr in _BODIES if op.endswith(_CALLING) else ():
                value = self._attrs.value(node, attr)
                if value is not None:
                    found |= {str(value.func.name), *(f.name for f in value.list.func)}
        return found


def _may_repeat(op: str) -> bool:
    """Whether a copy of an op for each round means the same as the op in a loop."""
    if op in flow.WRITES or "Apply" in op or op in op_semantics.CONTRACTIONS:
        return False
    return op_semantics.row(op).kind is not Kind.ALL_REDUCE
