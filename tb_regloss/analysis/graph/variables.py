# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which nodes are variables, and which variable stands behind a handle."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, OpGraph, node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

DT_FLOATS = frozenset((1, 2, 14, 19, 101, 102, 114, 119))  # float, double, bfloat16, half, refs
DT_NUMBERS = DT_FLOATS | {8, 18}  # complex ones too: what has a gradient
DT_BOOL = 10
DT_RESOURCE = 20
DT_VARIANT = 21

_ASSUMED = 3
_LOOKUP = "ResourceGather"
_OF_EACH = frozenset(["Square", "Abs", "Cast", "Sub", "Mul", "SquaredDifference"])
_MOST_STEPS = 16
_RANKS = {"MatMul": 2, "BatchMatMulV2": 2, "Conv2D": 4, "DepthwiseConv2dNative": 4, "Conv3D": 5}
_RANKS |= {"ResourceGather": 2, "GatherV2": 2}


@dataclasses.dataclass(frozen=True)
class Variable:
    """A variable of the graph.

    Attributes:
      node: its VariableV2, VarHandleOp or captured placeholder.
      name: its name, without `:0`.
      shape: its shape where known.
      is_float: whether it could be trained; counters could not.
      is_assumed: whether its shape is an assumption that only has the right
        number of dimensions: RunMetadata tells none.
    """

    node: int
    name: str
    shape: tuple[int | None, ...] | None
    is_float: bool
    is_assumed: bool = False


class Variables:
    """The variables of one graph, by node."""

    def __init__(self, graph: OpGraph) -> None:
        self._graph = graph
        self._roots: dict[int, int] = {}
        self._same: dict[str, int] = {}
        self.by_node: dict[int, Variable] = {}
        for op, nodes in graph.op_types.items():
            kind = op_semantics.row(op).kind
            if kind is Kind.VARIABLE:
                for node in nodes:
                    self._add(node, graph.attrs.attr(node, "dtype"), op == "VarHandleOp")
            elif kind is Kind.PLACEHOLDER:
                for node in nodes:
                    if placeholder_type(graph, node) == DT_RESOURCE:
                        self._add(node, None, False)
        self._learn_from_reads()

    def _learn_from_reads(self) -> None:
        """A captured handle says nothing of its variable; those who read it do."""
        attrs = self._graph.attrs
        if all(variable.shape is not None for variable in self.by_node.values()):
            return
        # A table of which rows are looked up may be read whole by its optimizer only.
        reads = (*self._graph.nodes_with_op("ReadVariableOp"), *self._graph.nodes_with_op(_LOOKUP))
        for node in reads:
            inputs = self._graph.inputs[node]
            variable = self.behind(inputs[0]) if inputs else None
            if variable is None or variable.shape is not None:
                continue
            is_lookup = self._graph.ops[node] == _LOOKUP
            shapes = None if is_lookup else attrs.attr(node, "_output_shapes")
            dtype, shape = attrs.attr(node, "dtype"), shapes[0] if shapes else None
            is_float = dtype is None or dtype in DT_FLOATS
            rank = None
            if is_lookup:
                rank = _RANKS[_LOOKUP]
            elif shape is None and is_float:
                # Whole numbers count steps; what is added to them tells no dimension.
                rank = self._rank_of_use(node)
            assumed = None if rank is None else (_ASSUMED,) * rank
            self.by_node[variable.node] = dataclasses.replace(
                variable,
                shape=assumed if shape is None else tuple(shape),
                is_float=is_float,
                is_assumed=assumed is not None,
            )
        for node in reads:
            self._learn_from_constants(node)

    def _learn_from_constants(self, read: int) -> None:
        """A weight for each element, or where each started, is as large as the variable."""
        variable = self.behind(self._graph.inputs[read][0]) if self._graph.inputs[read] else None
        if variable is None or not variable.is_assumed or variable.shape is None:
            return
        graph, stack = self._graph, [read]
        for node in stack:
            for edge in graph.readers(node):
                reader = edge >> PORT_BITS
                if graph.ops[reader] not in _OF_EACH or len(stack) > _MOST_STEPS:
                    continue
                stack.append(reader)
                for value in graph.inputs[reader]:
                    constant = graph.attrs.constant(graph.source(node_of(value)))
                    shape = () if constant is None else tuple(constant.shape)
                    if len(shape) == len(variable.shape) and 1 not in shape:
                        self.by_node[variable.node] = dataclasses.replace(
                            variable, shape=shape, is_assumed=False
                        )
                        return

    def _rank_of_use(self, read: int) -> int | None:
        """Returns the number of dimensions that a read variable is used with."""
        graph, stack, weak = self._graph, [read], None
        edges = (edge for node in stack for edge in graph.readers(node))
        for edge in edges:
            reader, position = edge >> PORT_BITS, edge & PORT_MASK
            op = graph.ops[reader]
            if op in _RANKS:
                return _RANKS[op]
            if op in ("Sum", "Mean") and position == 0 and len(graph.inputs[reader]) > 1:
                axes = node_of(graph.inputs[reader][1])
                constant = graph.attrs.constant(axes) if graph.ops[axes] == "Const" else None
                if constant is not None and not graph.attrs.attr(reader, "keep_dims"):
                    return constant.shape[0] if constant.shape else 1
            if op in ("Square", "Abs", "Cast", "Identity"):
                stack.append(reader)
            elif op in ("Add", "AddV2", "BiasAdd", "L2Loss"):
                weak = 1
        return weak

    def _add(self, node: int, dtype: int | None, is_shared: bool) -> None:
        attrs = self._graph.attrs
        if is_shared:
            # Two VarHandleOps of one shared name are one variable.
            shared = attrs.attr(node, "shared_name")
            name = shared.decode(errors="replace") if isinstance(shared, bytes) else ""
            if name and name in self._same:
                self._roots[node] = self._same[name]
                return
            self._same[name] = node
        self.by_node[node] = Variable(
            node,
            self._graph.names[node],
            self._shape(node),
            dtype is None or dtype in DT_FLOATS,
        )

    def _shape(self, node: int) -> tuple[int | None, ...] | None:
        attrs = self._graph.attrs
        handles = attrs.attr(node, "_handle_shapes")
        shape = handles[0] if handles else attrs.attr(node, "shape")
        if shape is None or (
            self._graph.ops[node].startswith(("Placeholder", "_Arg")) and not handles
        ):
            return None
        return tuple(shape)

    def root(self, value: int) -> int:
        """Returns the node where a handle (or a ref) comes from.

        That is a variable, a container, or whatever else it is.
        """
        graph, roots = self._graph, self._roots
        node = node_of(value)
        if node in self.by_node:
            return node
        seen: list[int] = []
        while True:
            known = roots.get(node)
            if known is not None:
                node = known
                break
            kind = op_semantics.row(graph.ops[node]).kind
            followed = kind in (Kind.PASS, Kind.CHOICE) or graph.ops[node] == "_If"
            if not followed or not graph.inputs[node] or len(seen) > len(graph):
                break
            seen.append(node)
            source = op_semantics.value_inputs(graph.ops[node], graph.inputs[node])
            if not source or node_of(source[0]) in seen[-64:]:
                break
            node = node_of(source[0])
        for passed in seen:
            roots[passed] = node
        return node

    def make_scalars(self, nodes: Iterable[int]) -> None:
        """Says that some variables have no dimensions."""
        for node in nodes:
            self.by_node[node] = dataclasses.replace(self.by_node[node], shape=(), is_assumed=False)

    def unify(self, copies: Mapping[int, int]) -> None:
        """Says that some variables are copies of others, one on each replica."""
        for copy in copies:
            self.by_node.pop(copy, None)
        self._roots = {node: copies.get(root, root) for node, root in self._roots.items()}
        self._roots.update(copies)

    def behind(self, value: int) -> Variable | None:
        """Returns the variable behind a handle or a ref, `None` where it is none."""
        return self.by_node.get(self.root(value))


def placeholder_type(graph: OpGraph, node: int) -> int | None:
    """Returns the DataType number of a placeholder or argument."""
    attrs = graph.attrs
    found = attrs.attr(node, "dtype")
    found = attrs.attr(node, "T") if found is None else found
    return found if isinstance(found, int) else None
