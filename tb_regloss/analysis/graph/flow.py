# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where data, parameters and gradients flow: forward propagation over values.

State carries value through slots, accumulators and containers, never through
trained variables: through those everything would reach everything.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from tb_regloss.analysis.graph import input_data, unshaped, variables
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, Numbers, OpGraph, node_of
from tb_regloss.analysis.graph.shapes import Ranks
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_WRITES = {
    "Assign": "set",
    "AssignVariableOp": "set",
    "AssignAdd": "add",
    "AssignAddVariableOp": "add",
    "AssignSub": "subtract",
    "AssignSubVariableOp": "subtract",
}
_SCATTERS = {
    "ScatterAdd": "add",
    "ScatterSub": "subtract",
    "ScatterUpdate": "set",
    "ResourceScatterAdd": "add",
    "ResourceScatterSub": "subtract",
    "ResourceScatterUpdate": "set",
    "ScatterNdAdd": "add",
    "ScatterNdSub": "subtract",
    "ResourceScatterNdAdd": "add",
    "ResourceScatterNdSub": "subtract",
}
_SLICES = {"StridedSliceAssign": "set", "ResourceStridedSliceAssign": "set"}
WRITES = frozenset((*_WRITES, *_SCATTERS, *_SLICES))
_ACCUMULATORS = {
    "AccumulatorApplyGradient": 2,
    "ResourceAccumulatorApplyGradient": 2,
    "SparseAccumulatorApplyGradient": 3,
}
_TAKES = (
    "AccumulatorTakeGradient",
    "ResourceAccumulatorTakeGradient",
    "SparseAccumulatorTakeGradient",
)
# What goes into a node, and the tables that pick one of these out.
_DATA, _PARAMETERS = 1, 2
_IS_DATA, _IS_PARAMETER = bytes([0, 1, 0, 1] * 64), bytes([0, 0, 1, 1] * 64)
# Above all positions that a row of the op table names.
_MOST_POSITIONS = 8
_SMALL = 64  # ops that a number is computed with, at most


class Write(NamedTuple):
    """A plain write to a variable.

    Attributes:
      node: the op that writes.
      variable: the variable's node.
      how: `"set"`, `"add"` or `"subtract"`.
      value: what is written, added or subtracted.
      sparse: whether it writes some rows only.
    """

    node: int
    variable: int
    how: str
    value: int
    sparse: bool


class Flow:
    """What flows where in one graph.

    Attributes:
      graph: the graph.
      variables: its variables.
      ranks: numbers of dimensions.
      writes: all plain writes, by the variable's node.
      data: 1 for each node whose value depends on input data.
      parameters: 1 for each node whose value depends on a variable.
      row_products: ops that make a prediction of rows which data picked, or count
        them: they depend on data, though none of what they take does.
      hyperparameters: scalar variables that are not trained (a strength that is
        annealed, a step count); once these are known, they are no parameters.
    """

    data: bytearray
    parameters: bytearray

    def __init__(self, graph: OpGraph) -> None:
        self.graph = graph
        self.variables = variables.Variables(graph)
        self.ranks = Ranks(graph, self.variables)
        self.writes = self._find_writes()
        self._containers = self._container_links()
        self._extra: dict[int, list[int]] = {}
        self._extra_readers: dict[int, list[int]] = {}
        self.reads: dict[int, list[int]] = {}
        self._find_reads()
        self._learn_scalars()
        self._sources = input_data.sources(graph, self.variables, self.ranks)
        self._propagate_all()
        self._find_stored_data()
        products = input_data.row_products(graph, self.data, self.parameters, self.ranks)
        placed = input_data.placed(graph, self.data, self.parameters)
        self.row_products = frozenset((*products, *placed))
        if self.row_products or self._containers:
            self._sources += self.row_products
            self.set_state({})
        self.hyperparameters: frozenset[int] = frozenset()

    def _learn_scalars(self) -> None:
        if all(variable.shape is not None for variable in self.variables.by_node.values()):
            return
        written = {v: [write.value for write in found] for v, found in self.writes.items()}
        found = unshaped.scalars(self.graph, self.variables, self.ranks, self.reads, written)
        if found:
            self.variables.make_scalars(found)
            self.ranks = Ranks(self.graph, self.variables)

    def _find_stored_data(self) -> None:
        # First what meets a variable itself, or the weights of a vector of losses,
        # which depend on such a product, would be taken for data as well.
        reads = bytearray(len(self.graph))
        for node in itertools.chain.from_iterable(self.reads.values()):
            reads[node] = 1
        for partners in (reads, self.parameters):
            kept = input_data.stored(self.graph, self.data, partners)
            self._sources += kept
            self.data = self.propagate(kept, self.data)

    def unify(self, copies: Mapping[int, int]) -> None:
        """Says that some variables are copies of others, one on each replica."""
        self.variables.unify(copies)
        for copy, original in copies.items():
            self.reads.setdefault(original, []).extend(self.reads.pop(copy, ()))
            self.writes.setdefault(original, []).extend(self.writes.pop(copy, ()))

    def set_trained(self, trained: Iterable[int]) -> None:
        """Says which variables are trained."""
        kept = frozenset(trained)
        self.hyperparameters = frozenset(
            node
            for node, variable in self.variables.by_node.items()
            if node not in kept and variable.shape == ()
        )
        self._leave_out_hyperparameters()

    def _leave_out_hyperparameters(self) -> None:
        """Makes no parameters of what depends on hyperparameters and on no other variable.

        Few ops do; to propagate all others once more would take ten times as long.
        """
        parameters, reads = self.parameters, self.reads
        unsure = self.propagate(n for v in self.hyperparameters for n in reads.get(v, ()))
        nodes = np.flatnonzero(np.frombuffer(unsure, bool)).tolist()
        for node in nodes:
            parameters[node] = 0
        kept = [n for v in reads if v not in self.hyperparameters for n in reads[v] if unsure[n]]
        for node in nodes:
            if any(parameters[node_of(value)] for value in self.value_inputs(node)):
                kept.append(node)
        self.parameters = self.propagate(kept, parameters)

    def set_state(self, written: dict[int, list[int]]) -> None:
        """Lets values flow from writes of untrained state to its reads, and of nothing else.

        Args:
          written: values by the variable's node.
        """
        had_none, self._extra, self._extra_readers = not self._extra, {}, {}
        for node, values in self._containers.items():
            self._link(node, values)
        for variable, values in written.items():
            for read in self.reads.get(variable, ()):
                self._link(read, values)
        if had_none:
            # More ways only: what was reached stays so.
            self.data = self.propagate([*self._sources, *self._linked(self.data)], self.data)
            self.parameters = self.propagate(self._linked(self.parameters), self.parameters)
        else:
            self._propagate_all()

    def _propagate_all(self) -> None:
        """Marks what data and what parameters go into, both in one turn over all nodes."""
        marks = bytearray(len(self.graph))
        for node in self._sources:
            marks[node] = _DATA
        for node in itertools.chain.from_iterable(self.reads.values()):
            marks[node] |= _PARAMETERS
        readers, offsets = self._value_edges
        start = 0
        for node, stop in enumerate(offsets[1:]):
            mark = marks[node]
            if mark:
                for reader in readers[start:stop]:
                    marks[reader] |= mark
            start = stop
        self.data = self._completed(marks.translate(_IS_DATA))
        self.parameters = self._completed(marks.translate(_IS_PARAMETER))

    def _completed(self, reached: bytearray) -> bytearray:
        """Goes on from the few nodes whose turn was over when something went into them."""
        late = [reader for node, reader in self._edges_back if reached[node]]
        for node in late:
            reached[node] = 0
        return self.propagate([*late, *self._linked(reached)], reached)

    def _linked(self, reached: bytearray) -> list[int]:
        """Returns the nodes that what was reached goes into through state."""
        return [r for v, readers in self._extra_readers.items() if reached[v] for r in readers]

    def _link(self, reader: int, values: list[int]) -> None:
        self._extra.setdefault(reader, []).extend(values)
        for value in values:
            self._extra_readers.setdefault(node_of(value), []).append(reader)

    def value_inputs(self, node: int) -> list[int]:
        """Returns the values that a node's value is made of, state included."""
        inputs = self.graph.inputs[node]
        found = list(op_semantics.value_inputs(self.graph.ops[node], inputs))
        extra = self._extra.get(node)
        return [*found, *extra] if extra else found

    def is_fixed(self, value: int) -> bool:
        """Whether a value depends neither on data nor on a variable, be it by what it chooses."""
        graph, stack, seen = self.graph, [node_of(value)], {node_of(value)}
        while stack and len(seen) < _SMALL:
            node = stack.pop()
            kind = op_semantics.row(graph.ops[node]).kind
            if self.data[node] or self.parameters[node] or kind is Kind.VARIABLE:
                return False
            following = set() if kind is Kind.SHAPE else set(map(node_of, graph.inputs[node]))
            stack.extend(following - seen)
            seen |= following
        return not stack

    def value_readers(self, node: int) -> list[int]:
        """Returns the nodes into whose value a node's value goes."""
        readers, offsets = self._value_edges
        found = readers[offsets[node] : offsets[node + 1]]
        extra = self._extra_readers.get(node)
        return [*found, *extra] if extra else found

    def propagate(self, sources: Iterable[int], reached: bytearray | None = None) -> bytearray:
        """Marks everything that a value from `sources` goes into."""
        extra = self._extra_readers
        reached = bytearray(len(self.graph)) if reached is None else reached
        stack = [node for node in sources if not reached[node]]
        for node in stack:
            reached[node] = 1
        readers, offsets = self._value_edges
        while stack:
            node = stack.pop()
            for reader in readers[offsets[node] : offsets[node + 1]]:
                if not reached[reader]:
                    reached[reader] = 1
                    stack.append(reader)
            if node in extra:
                for reader in extra[node]:
                    if not reached[reader]:
                        reached[reader] = 1
                        stack.append(reader)
        return reached

    @functools.cached_property
    def _edges_back(self) -> list[tuple[int, int]]:
        """The edges of values to nodes that do not come later, as those of loops."""
        readers, begins = self._value_arrays
        nodes = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
        is_back = readers <= nodes
        return list(zip(nodes[is_back].tolist(), readers[is_back].tolist(), strict=True))

    @functools.cached_property
    def _value_edges(self) -> tuple[list[int], list[int]]:
        """The same as lists."""
        readers, begins = self._value_arrays
        return readers.tolist(), begins.tolist()

    @functools.cached_property
    def _value_arrays(self) -> tuple[Numbers, Numbers]:
        """Who reads each node's value as value, and where each node's readers begin."""
        graph = self.graph
        packed, offsets = graph.edges
        readers, positions = packed >> PORT_BITS, packed & PORT_MASK
        types = np.zeros(len(graph), np.int64)
        carried = np.ones((len(graph.op_types), _MOST_POSITIONS + 1), bool)
        without_last = np.zeros(len(graph.op_types), bool)
        for number, (op, nodes) in enumerate(graph.op_types.items()):
            types[nodes] = number
            row = op_semantics.row(op)
            if row.values is None:
                without_last[number] = row.but_last
            else:
                carried[number] = [p in row.values for p in range(_MOST_POSITIONS + 1)]
        reading = types[readers]
        kept = carried[reading, np.minimum(positions, _MOST_POSITIONS)]
        if without_last.any():
            last = np.fromiter(map(len, graph.inputs), np.int64, len(graph)) - 1
            kept &= ~(without_last[reading] & (positions == last[readers]))
        begins = np.concatenate([[0], np.cumsum(kept)])[offsets]
        return readers[kept], begins

    def _find_reads(self) -> None:
        for op, nodes in self.graph.op_types.items():
            kind = op_semantics.row(op).kind
            if kind is Kind.READ:
                for node in nodes:
                    if self.graph.inputs[node]:
                        root = self.variables.root(self.graph.inputs[node][0])
                        self.reads.setdefault(root, []).append(node)
        for node, variable in self.variables.by_node.items():
            # A ref variable's own output is its value.
            if self.graph.ops[node] in ("Variable", "VariableV2", "TemporaryVariable"):
                self.reads.setdefault(variable.node, []).append(node)

    def _find_writes(self) -> dict[int, list[Write]]:
        found: dict[int, list[Write]] = {}
        for table, position, sparse in (
            (_WRITES, 1, False),
            (_SCATTERS, 2, True),
            (_SLICES, 4, True),
        ):
            for op, how in table.items():
                for node in self.graph.nodes_with_op(op):
                    inputs = self.graph.inputs[node]
                    if len(inputs) > position:
                        root = self.variables.root(inputs[0])
                        found.setdefault(root, []).append(
                            Write(node, root, how, inputs[position], sparse)
                        )
        return found

    def _container_links(self) -> dict[int, list[int]]:
        """Links what is taken out of stacks and accumulators to what was put in."""
        graph = self.graph
        pushed: dict[int, list[int]] = {}
        for op in ("StackPush", "StackPushV2"):
            for node in graph.nodes_with_op(op):
                if len(graph.inputs[node]) > 1:
                    root = self.variables.root(graph.inputs[node][0])
                    pushed.setdefault(root, []).append(graph.inputs[node][1])
        for op, position in _ACCUMULATORS.items():
            for node in graph.nodes_with_op(op):
                if len(graph.inputs[node]) > position:
                    root = self.variables.root(graph.inputs[node][0])
                    pushed.setdefault(root, []).append(graph.inputs[node][position])
        links: dict[int, list[int]] = {}
        for op in ("StackPop", "StackPopV2", *_TAKES):
            for node in graph.nodes_with_op(op):
                root = self.variables.root(graph.inputs[node][0]) if graph.inputs[node] else -1
                if root in pushed:
                    links[node] = list(pushed[root])
        return links
