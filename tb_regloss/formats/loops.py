# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Loops of TensorFlow 2 -> ops: one round that goes back to its start, or all rounds in a row.

Losses that are mapped, folded or gathered in a loop are followed one by one
where its rounds are written out; one round would stand for all of them. Loops
with models inside, and those that change state, stay loops.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tb_regloss.analysis.graph.op_graph import Loop, value_of
from tb_regloss.formats import tensor_lists
from tb_regloss.formats.loop_rounds import Rounds
from tb_regloss.formats.tensor_lists import TensorLists

# How often a loop waits for others that may tell how often it goes around.
_PATIENCE = 8


@dataclasses.dataclass(frozen=True)
class Call:
    """A node that calls functions, waiting to be inlined.

    Attributes:
      node: the node.
      depth: how many calls it is in.
      chain: the functions that it is in.
      patience: how often it may still be put off.
    """

    node: int
    depth: int
    chain: tuple[str, ...]
    patience: int = _PATIENCE


class Building(tensor_lists.Building, Protocol):
    """The graph that is being built."""

    def instantiate(
        self, call: Call, body: str, operands: Sequence[int], copy: int = 1
    ) -> list[int]:
        """Appends the nodes of a function; returns its outputs."""


class Loops:
    """The loops of one graph.

    Args:
      graph: the graph.
      functions: its functions by name.
      lists: its lists, which may hold numbers of rounds.

    Attributes:
      found: the loop of each `_LoopVar`.
    """

    def __init__(self, graph: Building, functions: Mapping[str, Any], lists: TensorLists) -> None:
        self._graph, self._functions, self._lists = graph, functions, lists
        self._rounds = Rounds(functions)
        self.found: dict[int, Loop] = {}

    def follow(self, call: Call, body: str, cond: str) -> Sequence[int] | None:
        """Follows a While; returns its outputs, `None` where it has to wait for other calls."""
        operands = self._graph.inputs[call.node]
        self._lists.is_early = False
        rounds = self._rounds.count(cond, body, list(map(self._lists.fixed, operands)))
        if rounds is None and self._lists.is_early and call.patience:
            return None
        if rounds is None or not self._rounds.may_write_out(body, rounds):
            return self._around(call, body, operands, [], rounds)
        for number in range(1, rounds + 1):
            operands = self._graph.instantiate(call, body, operands, number)
        return operands

    def follow_dataset(self, call: Call, body: str) -> Sequence[int]:
        """Follows a loop over a dataset: of state, an element, and what is captured."""
        graph = self._graph
        operands, types = graph.inputs[call.node], graph.attrs.value(call.node, "Tstate")
        count = 0 if types is None else len(types.list.type)
        initial, captured = operands[1 : 1 + count], operands[1 + count :]
        formal = len(self._functions[body].signature.input_arg)
        element = graph.add(f"{graph.names[call.node]}/element", "IteratorGetNext", [])
        ports = range(max(formal - len(initial) - len(captured), 0))
        elements = [value_of(element, port) for port in ports]
        state = self._around(call, body, initial, [*elements, *captured], None)
        return state if graph.ops[call.node] == "ReduceDataset" else []

    def _around(
        self,
        call: Call,
        body: str,
        initial: Sequence[int],
        others: Sequence[int],
        rounds: int | None,
    ) -> list[int]:
        """Instantiates a body once around; returns its loop variables."""
        graph, first = self._graph, len(self._graph.names)
        nodes = [graph.add(graph.names[call.node], "_LoopVar", [value]) for value in initial]
        self.found.update(dict.fromkeys(nodes, Loop(first, rounds)))
        variables = [value_of(node) for node in nodes]
        after = graph.instantiate(call, body, [*variables, *others])
        for node, value in zip(nodes, after, strict=False):
            graph.inputs[node].append(value)
        return variables
