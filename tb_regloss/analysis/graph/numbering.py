# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Value numbering: equal numbers mean equal computations on equal inputs.

A penalty is identified by what it computes on which variable, not by one
tensor's name: `tf.compat.v1.get_variable(regularizer=)` and Keras make a new
tensor at each use, and the exported name may have no consumer at all.
(Alpern, Wegman and Zadeck 1988, doi:10.1145/73560.73562.)
"""

from __future__ import annotations

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of, port_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.ops.op_values import ELEMENTWISE

_COMMUTATIVE = frozenset(("Add", "AddV2", "AddN", "Mul", "Maximum", "Minimum"))
# They change neither number nor shape, so they do not make another computation.
_TRANSPARENT = frozenset(
    [
        "Identity",
        "RefIdentity",
        "Snapshot",
        "CheckNumerics",
        "CheckNumericsV2",
        "Enter",
        "RefEnter",
        "Exit",
        "RefExit",
        "NextIteration",
        "Copy",
        "DebugIdentity",
        "DebugIdentityV2",
        "_Retval",
        "StopGradient",
        "PreventGradient",
    ]
)


class Numbering:
    """Numbers of values of one graph, each computed once."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._numbers: dict[int, int] = {}
        self._keys: dict[object, int] = {}

    def number(self, value: int) -> int:
        """Returns a value's number."""
        numbers = self._numbers
        stack, waiting = [value], set[int]()
        while stack:
            current = stack[-1]
            if current in numbers:
                stack.pop()
                continue
            wanted = [v for v in self._operands(current) if v not in numbers]
            if wanted and current not in waiting:
                waiting.add(current)
                stack.extend(wanted)
                continue
            if wanted:
                # A cycle: what waits for itself gets a number of its own.
                for operand in wanted:
                    numbers[operand] = self._intern(("cycle", operand))
            numbers[current] = self._compute(current)
            stack.pop()
        return numbers[value]

    def _compute(self, value: int) -> int:
        inputs = self._flow.graph.inputs[node_of(value)]
        op = self._flow.graph.ops[node_of(value)]
        if op in _TRANSPARENT and inputs and inputs[0] in self._numbers:
            return self._numbers[inputs[0]]
        return self._intern(self._key(value))

    def _intern(self, key: object) -> int:
        return self._keys.setdefault(key, len(self._keys))

    def _operands(self, value: int) -> list[int]:
        flow, node = self._flow, node_of(value)
        kind = op_semantics.row(flow.graph.ops[node]).kind
        if kind in (Kind.VARIABLE, Kind.PLACEHOLDER, Kind.CONSTANT, Kind.DATA):
            return []
        if kind is Kind.READ and flow.graph.ops[node] == "ReadVariableOp":
            return []
        if flow.data[node] and flow.graph.ops[node] not in _TRANSPARENT:
            return []
        return list(flow.graph.inputs[node])

    def _key(self, value: int) -> object:
        flow, graph, node = self._flow, self._flow.graph, node_of(value)
        op = graph.ops[node]
        kind = op_semantics.row(op).kind
        if op == "ReadVariableOp" and graph.inputs[node]:
            return ("variable", flow.variables.root(graph.inputs[node][0]))
        if kind is Kind.VARIABLE:
            return ("variable", flow.variables.root(node << PORT_BITS))
        if op == "Const":
            constant = graph.attrs.constant(node)
            if constant is None or constant.array is None:
                return ("constant", node)
            return ("constant", constant.shape, constant.array.tobytes(), constant.array.dtype.kind)
        if kind in (Kind.PLACEHOLDER, Kind.CONSTANT, Kind.DATA) or flow.data[node]:
            return (node, port_of(value))
        numbers = [self._numbers[v] for v in graph.inputs[node]]
        if op in _COMMUTATIVE:
            numbers.sort()
        key = "" if op in ELEMENTWISE else graph.attrs.key(node)
        return (op, port_of(value), key, tuple(numbers))
