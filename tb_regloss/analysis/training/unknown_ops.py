# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an op whose meaning is not known may have swallowed a penalty or an update."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable

from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import WRITES, Flow, Write
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of, value_of
from tb_regloss.analysis.graph.scales import Scales
from tb_regloss.analysis.ops import op_functions, op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training import unfused, updates
from tb_regloss.analysis.training.update_arithmetic import is_arithmetic

# They read variables, though the table says nothing of them.
_KNOWN_READERS = frozenset(
    ["SaveV2", "Save", "SaveSlices", "DisableCopyOnRead", "DestroyResourceOp", "HorovodBroadcast"]
)
_REFS = ("Variable", "VariableV2", "TemporaryVariable")


def goes_into_unknown(flow: Flow, variable: int) -> bool:
    """Whether an op whose meaning is not known reads a variable: it may be a penalty's."""
    graph = flow.graph
    readers = {
        graph.ops[edge >> PORT_BITS]
        for read in flow.reads.get(variable, ())
        for edge in graph.readers(read)
    }
    return any(map(_is_unknown, readers))


def _is_unknown(op: str) -> bool:
    if op in WRITES or op in _KNOWN_READERS or op_functions.is_understood(op):
        return False
    return updates.FUSED.match(op) is None and not op_semantics.is_summary(op)


class UnknownOps:
    """The ops of one graph whose meaning is not known, and what may have gone into them."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._scales = Scales(flow)
        self._nodes = [
            node for op, nodes in flow.graph.op_types.items() if _is_unknown(op) for node in nodes
        ]

    def updated(self, trained: Collection[int]) -> dict[int, int]:
        """Returns such ops that may train a variable, by its node.

        Either they take the variable itself, not its value, or they compute
        what is written to it, or to a slot that it is written from.

        Args:
          trained: the variables that are known to be trained.
        """
        if not self._nodes:
            return {}
        flow, found = self._flow, self._written()
        for node in self._nodes:
            for variable in self._taken(node):
                # Where nothing is trained, a handle that nothing reads may be a variable's too.
                if not trained or variable in flow.reads:
                    found.setdefault(variable, node)
        touched = dict(found)
        for variable, writes in unfused.candidates(flow, trained).items():
            slots = _read_by(flow, writes) & touched.keys() - {variable}
            if slots:
                found.setdefault(variable, touched[min(slots)])
        return found

    def _taken(self, node: int) -> list[int]:
        """Returns the variables that an op takes as a fused optimizer of another library would.

        A ref variable may be taken for its value; then only what takes a
        gradient as well, and computes nothing that others read, updates it.
        """
        flow, graph = self._flow, self._flow.graph
        inputs = graph.inputs[node]
        of_gradient = any(flow.data[node_of(v)] and flow.parameters[node_of(v)] for v in inputs)
        found = []
        for value in inputs:
            variable = flow.variables.behind(value)
            if variable is None or not variable.is_float:
                continue
            if graph.ops[variable.node] not in _REFS or (
                node_of(value) == variable.node and of_gradient and not graph.readers(node)
            ):
                found.append(variable.node)
        return found

    def _written(self) -> dict[int, int]:
        """Returns variables that a model computes with and such ops that compute their writes."""
        flow, unknown = self._flow, frozenset(self._nodes)
        found = {}
        for variable, writes in unfused.candidates(flow, ()).items():
            if not unfused.is_used_with_data(flow, variable):
                continue
            ends = unfused.leaves(flow, writes, {})[0]
            behind = [node for node in ends & unknown if flow.parameters[node]]
            if behind:
                found[variable] = min(behind)
        return found

    def swallower(self) -> int | None:
        """Returns such an op that reads what may be a penalty, or that may be one itself."""
        return next((node for node in self._nodes if self._may_hold_penalty(node)), None)

    def behind(self, node: int) -> int | None:
        """Returns such an op that a value is computed with."""
        flow, unknown = self._flow, frozenset(self._nodes)
        stack, seen = [node], {node}
        while stack and unknown:
            current = stack.pop()
            if current in unknown:
                return current
            operands = [node_of(value) for value in flow.value_inputs(current)]
            stack.extend(operand for operand in operands if operand not in seen)
            seen.update(operands)
        return None

    def after(self, nodes: Iterable[int], sums: Container[int]) -> int | None:
        """Returns such an op that reads one of some nodes, or a sum that they are part of.

        Args:
          nodes: the nodes.
          sums: nodes that losses add up to.
        """
        graph = self._flow.graph
        stack, seen = list(nodes), set(nodes)
        unknown = frozenset(self._nodes)
        while stack and unknown:
            for edge in graph.readers(stack.pop()):
                reader = edge >> PORT_BITS
                if reader in unknown and (graph.readers(reader) or self._flow.data[reader]):
                    return reader
                if reader in sums and reader not in seen:
                    seen.add(reader)
                    stack.append(reader)
        return None

    def _may_hold_penalty(self, node: int) -> bool:
        flow, graph = self._flow, self._flow.graph
        # What nothing reads only shows what it reads, or is the loss itself.
        if not graph.readers(node) and not flow.data[node]:
            return False
        inputs = graph.inputs[node]
        if any(self._holds_loss(value) for value in inputs):
            return True
        is_of_parameters = any(flow.parameters[node_of(value)] for value in inputs)
        return is_of_parameters and not flow.data[node] and self._is_added_to_data(node)

    def _holds_loss(self, value: int) -> bool:
        """Whether a value is a number that depends on variables alone, or a list with such."""
        if self._is_number(value):
            return True
        joint = loss_vectors.joint(self._flow, node_of(value))
        return joint is not None and any(map(self._is_number, self._flow.graph.inputs[joint]))

    def _is_number(self, value: int) -> bool:
        flow, node = self._flow, node_of(value)
        if flow.data[node] or not flow.parameters[node] or not flow.ranks.is_scalar(value):
            return False
        return not self._scales.is_plain(node)  # A variable of one element, as it is.

    def _is_added_to_data(self, node: int) -> bool:
        """Whether a number made of this op's output is added to something of data."""
        flow, graph = self._flow, self._flow.graph
        stack, seen = [node], {node}
        while stack:
            current = stack.pop()
            for reader in flow.value_readers(current):
                if not flow.data[reader]:
                    if reader not in seen:
                        seen.add(reader)
                        stack.append(reader)
                    continue
                kind = op_semantics.row(graph.ops[reader]).kind
                joins = kind in (Kind.ADD, Kind.SUBTRACT) or graph.ops[reader] in loss_vectors.JOINS
                if joins and self._may_be_number(current):
                    return True
        return False

    def _may_be_number(self, node: int) -> bool:
        graph = self._flow.graph
        if _is_unknown(graph.ops[node]) and not graph.attrs.attr(node, "_output_shapes"):
            return True  # Not to be inferred from what it reads.
        return self._flow.ranks.rank(value_of(node)) in (0, None)


def _read_by(flow: Flow, writes: Iterable[Write]) -> set[int]:
    """Returns the variables of whose values the arithmetic of writes is made."""
    graph, found = flow.graph, set[int]()
    stack = [node_of(write.value) for write in writes]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if op_semantics.row(graph.ops[node]).kind in (Kind.READ, Kind.VARIABLE):
            found.add(unfused.owner(flow, node))
        elif is_arithmetic(graph.ops[node]):
            operands = [node_of(value) for value in flow.value_inputs(node)]
            stack.extend(operand for operand in operands if operand not in seen)
            seen.update(operands)
    return found
