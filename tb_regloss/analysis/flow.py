# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where data, parameters and gradients flow: forward propagation over values.

State carries value through slots, accumulators and containers, never through
trained variables: through those everything would reach everything.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping

import numpy as np

from tb_regloss.analysis import op_semantics, variables
from tb_regloss.analysis.op_graph import PORT_BITS, PORT_MASK, OpGraph, node_of
from tb_regloss.analysis.op_semantics import Kind
from tb_regloss.analysis.shapes import Ranks

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
WRITES = frozenset((*_WRITES, *_SCATTERS))
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
# Above all positions that a row of the op table names.
_MOST_POSITIONS = 8
# More elements than a strength or a mask of a few axes has.
_SMALL = 1


@dataclasses.dataclass(frozen=True)
class Write:
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
      hyperparameters: scalar variables that are not trained (a strength that is
        annealed, a step count); once these are known, they are no parameters.
    """

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
        self._sources = self._data_sources()
        self.data = self.propagate(self._sources)
        products = self._row_products()
        if products or self._containers:
            self._sources += products
            self.set_state({})
        self.parameters = self.propagate(n for nodes in self.reads.values() for n in nodes)
        self.hyperparameters: frozenset[int] = frozenset()

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
        self.parameters = self.propagate(
            read
            for variable, reads in self.reads.items()
            if variable not in self.hyperparameters
            for read in reads
        )

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
            data = self.data
            linked = (r for v, readers in self._extra_readers.items() if data[v] for r in readers)
            self.data = self.propagate([*self._sources, *linked], data)
        else:
            self.data = self.propagate(self._sources)

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
    def _value_edges(self) -> tuple[list[int], list[int]]:
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
        return readers[kept].tolist(), begins.tolist()

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
        for table, position, sparse in ((_WRITES, 1, False), (_SCATTERS, 2, True)):
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

    def _data_sources(self) -> list[int]:
        graph, found = self.graph, []
        for op, nodes in graph.op_types.items():
            kind = op_semantics.row(op).kind
            if kind is Kind.DATA and not op.startswith("Restore"):
                found.extend(nodes)
            elif kind is Kind.PLACEHOLDER:
                found.extend(node for node in nodes if self._is_data_placeholder(node))
            elif op == "Const":
                found.extend(node for node in nodes if self._is_stored_data(node))
        return found

    def _row_products(self) -> list[int]:
        """Returns ops that join rows which data picked with other parameters.

        A penalty on gathered rows still reads only the variable. But where rows
        meet each other or other parameters, the pick is the data: word2vec has
        no other.
        """
        graph, found = self.graph, []
        for op in ("Gather", "GatherV2", "ResourceGather"):
            for node in graph.nodes_with_op(op):
                picks = graph.inputs[node][1:2]
                if self.data[node] or not picks or not self.data[node_of(picks[0])]:
                    continue
                found.extend(self._joined_with_others(node))
        return found

    def _joined_with_others(self, rows: int) -> list[int]:
        graph, stack, same, found = self.graph, [rows], {rows}, []
        while stack:
            current = stack.pop()
            for edge in graph.readers(current):
                reader = edge >> PORT_BITS
                op, inputs = graph.ops[reader], graph.inputs[reader]
                kind = op_semantics.row(op).kind
                if op in op_semantics.CONTRACTIONS:
                    found.append(reader)
                elif kind in (Kind.MULTIPLY, Kind.SUBTRACT, Kind.ADD) and len(inputs) == 2:
                    other = node_of(inputs[1 - (edge & PORT_MASK)])
                    if other not in same and graph.ops[other] != "Const":
                        found.append(reader)
                elif kind is Kind.PASS and reader not in same:
                    same.add(reader)
                    stack.append(reader)
        return found

    def _is_data_placeholder(self, node: int) -> bool:
        dtype = variables.placeholder_type(self.graph, node)
        if dtype in (variables.DT_RESOURCE, variables.DT_VARIANT, variables.DT_BOOL):
            return False
        rank = self.ranks.rank(node << PORT_BITS)
        if rank is None:
            return not self._looks_like_hyperparameter(node)
        return rank > 0

    def _looks_like_hyperparameter(self, node: int) -> bool:
        """Whether a placeholder of unknown shape is only ever used as a factor.

        People write `tf.placeholder(tf.float32)` for a learning rate, a keep
        probability or a strength; all of these multiply scalars, or go to an
        optimizer, or are compared with noise.
        """
        graph, stack, seen = self.graph, [node], {node}
        used = False
        while stack:
            current = stack.pop()
            for edge in graph.readers(current):
                reader, position = edge >> PORT_BITS, edge & PORT_MASK
                op = graph.ops[reader]
                if op in ("Identity", "Cast", "Neg", "Switch", "Enter", "Exit"):
                    if reader not in seen:
                        seen.add(reader)
                        stack.append(reader)
                    continue
                if not self._is_factor_use(reader, op, position):
                    return False
                used = True
        return used

    def _is_factor_use(self, reader: int, op: str, position: int) -> bool:
        if "Apply" in op or op_semantics.is_summary(op) or op in ("Pow", "Fill", "Less", "Greater"):
            return True
        inputs = self.graph.inputs[reader]
        if (
            op in ("Add", "AddV2", "Sub", "Div", "RealDiv", "Mul", "GreaterEqual")
            and len(inputs) == 2
        ):
            other = inputs[1 - position]
            root = self.graph.ops[node_of(other)]
            if op_semantics.row(root).kind is Kind.DATA:
                return True
            if self.variables.behind(other) is not None:
                return False
            return self.ranks.is_scalar(other)
        return False

    def _is_stored_data(self, node: int) -> bool:
        """Whether a constant is a data set kept in the graph: it meets a parameter in a product."""
        graph, stack, seen = self.graph, [node], {node}
        is_candidate = False
        while stack:
            current = stack.pop()
            for edge in graph.readers(current):
                reader = edge >> PORT_BITS
                op = graph.ops[reader]
                if op in op_semantics.CONTRACTIONS:
                    is_candidate = True
                elif op in (
                    "Identity",
                    "Cast",
                    "Reshape",
                    "Slice",
                    "StridedSlice",
                    "GatherV2",
                ) and (reader not in seen and not edge & PORT_MASK):
                    seen.add(reader)
                    stack.append(reader)
        if not is_candidate:
            return False
        constant = graph.attrs.constant(node)
        return constant is not None and constant.is_float and _count(constant.shape) > _SMALL


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
