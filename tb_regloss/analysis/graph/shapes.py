# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""How many dimensions a value has, as far as a graph tells.

Needed to tell a factor that scales a gradient (a scalar: learning rate, clip
factor, loss scale) from one that carries a gradient. GraphDefs hold no shapes
of their own before `_output_shapes` came, so ranks are inferred on demand.
"""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.graph import whole_numbers
from tb_regloss.analysis.graph.op_graph import OpGraph, node_of, port_of
from tb_regloss.analysis.graph.variables import Variables
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_ZERO = frozenset(
    ["L2Loss", "Rank", "Size", "LoopCond", "All_", "Any_", "EuclideanNorm_", "TensorListLength"]
)
_ONE = frozenset(["Shape", "VariableShape", "Range", "ConcatOffset"])
_FIXED = {"MatMul": 2, "SparseMatMul": 2, "Conv2D": 4, "Conv3D": 5, "DepthwiseConv2dNative": 4}
_FIXED |= {"Conv2DBackpropInput": 4, "Conv2DBackpropFilter": 4, "BiasAddGrad": 1, "MaxPool": 4}
_FIXED |= {"Where": 2}
_FIXED |= {"AvgPool": 4, "FusedBatchNorm": 4, "FusedBatchNormV2": 4, "FusedBatchNormV3": 4}
_REDUCTIONS = frozenset(["Sum", "Mean", "Prod", "Max", "Min", "All", "Any", "EuclideanNorm"])
_DIAGONALS = ("MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3")
_BROADCASTING = frozenset(
    [
        "Add",
        "AddV2",
        "Sub",
        "Mul",
        "Div",
        "RealDiv",
        "DivNoNan",
        "MulNoNan",
        "Maximum",
        "Minimum",
        "Pow",
        "SquaredDifference",
        "Xdivy",
        "FloorDiv",
        "FloorMod",
        "Less",
        "LessEqual",
        "Greater",
        "GreaterEqual",
        "Equal",
        "NotEqual",
        "LogicalAnd",
        "LogicalOr",
    ]
)
# Their outputs have dimensions of their own, or fewer than their first input has.
_OF_THEIR_OWN = frozenset(["Fill", "BroadcastTo", "TensorListPopBack", "TensorArrayReadV3", "Svd"])
_OF_THEIR_OWN |= {"MatrixDeterminant", "LogMatrixDeterminant", "SelfAdjointEigV2", "Eig"}
_RESHAPING = ("shrink_axis_mask", "new_axis_mask", "ellipsis_mask")
_UNFINISHED = -1
# Sizes are picked from others, and joined, not much more often than this.
_MOST_NESTED = 4


class Ranks:
    """Ranks of values of one graph, each inferred once."""

    def __init__(self, graph: OpGraph, variables: Variables) -> None:
        self._graph, self._variables = graph, variables
        self._known: dict[int, int | None] = {}

    def is_scalar(self, value: int) -> bool:
        """Whether a value is known to have no dimensions."""
        return self.rank(value) == 0

    def rank(self, value: int) -> int | None:
        """Returns a value's number of dimensions, `None` where not known."""
        known = self._known
        stack = [value]
        while stack:
            current = stack[-1]
            if known.get(current, _UNFINISHED) != _UNFINISHED:
                stack.pop()
                continue
            if current not in known:
                logged = self._logged(current)
                if logged is not None:
                    known[current] = logged
                    stack.pop()
                    continue
                wanted = [v for v in self._needs(current) if v not in known]
                if wanted:
                    known[current] = _UNFINISHED
                    stack.extend(wanted)
                    continue
            known[current] = self._infer(current)
            stack.pop()
        found = known[value]
        return None if found == _UNFINISHED else found

    def _logged(self, value: int) -> int | None:
        """Returns what the graph itself says, `None` where it says nothing."""
        shapes, port = self._graph.attrs.attr(node_of(value), "_output_shapes"), port_of(value)
        if not shapes or len(shapes) <= port or shapes[port] is None:
            return None
        return len(shapes[port])

    def _of(self, value: int) -> int | None:
        found = self._known.get(value)
        return None if found == _UNFINISHED else found

    def _needs(self, value: int) -> Sequence[int]:
        node = node_of(value)
        op, inputs = self._graph.ops[node], self._graph.inputs[node]
        if op in _ZERO or op in _ONE or op in _FIXED or op == "Const":
            return []
        if op in _BROADCASTING or op in ("AddN", "Gather", "GatherV2", "ResourceGather"):
            return inputs[:2]
        if op in ("Select", "SelectV2"):
            return inputs[1:2]
        if op == "Reshape" and len(inputs) > 1:
            return self._shape_source(inputs[1])
        carrying = op_semantics.value_inputs(op, inputs)
        return carrying[:1]

    def _shape_source(self, value: int) -> Sequence[int]:
        node = node_of(value)
        if self._graph.ops[node] == "Shape" and self._graph.inputs[node]:
            return self._graph.inputs[node][:1]
        return []

    def _infer(self, value: int) -> int | None:
        graph, node = self._graph, node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        if op in _ZERO:
            return 0
        if op in _ONE:
            return 1
        if op in _FIXED:
            return _FIXED[op]
        if op == "Const":
            constant = graph.attrs.constant(node)
            return None if constant is None else len(constant.shape)
        kind = op_semantics.row(op).kind
        if kind in (Kind.VARIABLE, Kind.PLACEHOLDER):
            return self._declared_rank(node)
        if not inputs:
            return None
        if op in _REDUCTIONS:
            return self._reduced(node, self._of(inputs[0]))
        if op in _BROADCASTING:
            ranks = [self._of(v) for v in inputs[:2]]
            return None if None in ranks else max(r for r in ranks if r is not None)
        if op == "Reshape" and len(inputs) > 1:
            return self._reshaped(inputs[1])
        if op == "ReadVariableOp":
            variable = self._variables.behind(inputs[0])
            return None if variable is None or variable.shape is None else len(variable.shape)
        if op in ("Gather", "GatherV2", "ResourceGather"):
            rows, picks = (self._of(v) for v in inputs[:2])
            return None if rows is None or picks is None else rows + picks - 1
        if op == "StridedSlice":
            rank, mask = self._of(inputs[0]), graph.attrs.attr(node, "shrink_axis_mask")
            return None if rank is None else rank - bin(mask or 0).count("1")
        if op == "AddN":  # Of equal shapes, some of which are not known.
            return next((r for r in map(self._of, inputs[:2]) if r is not None), None)
        first = self._needs(value)
        rank = self._of(first[0]) if first else None
        if rank is None:
            return None
        if op in ("Pack", "ExpandDims", "OneHot"):
            return rank + 1
        if op in ("Unpack", "ArgMax", "ArgMin", *_DIAGONALS):
            return rank - 1
        if op == "Einsum":
            equation = graph.attrs.attr(node, "equation") or b""
            return None if b"." in equation else len(equation.partition(b"->")[2])
        if op == "Squeeze":
            # Where none are named, it takes off all dimensions that have one element.
            named = graph.attrs.attr(node, "squeeze_dims")
            if not named:
                return 0 if self._is_reduced_whole(inputs[0], rank) else None
            return rank - len(named)
        if op in _OF_THEIR_OWN:
            return None
        if op in ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"):
            return 1 if port_of(value) == 0 else rank
        return rank

    def _declared_rank(self, node: int) -> int | None:
        graph = self._graph
        shape = graph.attrs.attr(node, "shape")
        if shape == () and graph.scalar_means_unknown and graph.ops[node].startswith("Placeholder"):
            return None
        return None if shape is None else len(shape)

    def _reduced(self, node: int, rank: int | None) -> int | None:
        graph = self._graph
        if graph.attrs.attr(node, "keep_dims"):
            return rank
        axes = node_of(graph.inputs[node][1]) if len(graph.inputs[node]) > 1 else None
        if axes is None:
            return 0
        if graph.ops[axes] == "Range":
            return 0  # Range(0, Rank(x)): all axes, as Python's reduce_sum(x) writes it.
        constant = graph.attrs.constant(axes) if graph.ops[axes] == "Const" else None
        if constant is None or rank is None:
            return None
        return max(rank - (constant.shape[0] if constant.shape else 1), 0)

    def _is_reduced_whole(self, value: int, rank: int) -> bool:
        """Whether all dimensions were reduced to one element and kept, as `tf.norm` does."""
        graph, node = self._graph, node_of(value)
        for _ in range(4):
            inputs = graph.inputs[node]
            if graph.ops[node] in _REDUCTIONS and len(inputs) > 1:
                constant = graph.attrs.constant(node_of(inputs[1]))
                count = None if constant is None else constant.shape[0] if constant.shape else 1
                return count == rank and bool(graph.attrs.attr(node, "keep_dims"))
            if graph.ops[node] not in ("Sqrt", "Identity", "Abs") or not inputs:
                return False
            node = node_of(inputs[0])
        return False

    def _reshaped(self, dims: int) -> int | None:
        source = self._shape_source(dims)
        return self._of(source[0]) if source else self._elements(dims, _MOST_NESTED)

    def _elements(self, value: int, depth: int) -> int | None:
        """Returns how many elements a vector of sizes has."""
        graph, node = self._graph, node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        if op == "Const":
            constant = graph.attrs.constant(node)
            return constant.shape[0] if constant is not None and constant.shape else None
        if op == "Pack":
            return len(inputs)
        if op == "ExpandDims":
            return 1 if graph.ops[node_of(inputs[0])] in _ZERO else None
        if op == "ConcatV2" and depth:
            counts = [self._elements(part, depth - 1) for part in inputs[:-1]]
            return None if None in counts else sum(count or 0 for count in counts)
        if op == "StridedSlice" and depth:
            return self._picked(node, self._elements(inputs[0], depth - 1))
        return None

    def _picked(self, node: int, count: int | None) -> int | None:
        """Returns how many elements a slice takes from a vector."""
        attr = self._graph.attrs.attr
        if count is None or any(attr(node, name) for name in _RESHAPING):
            return None
        constants = map(self._graph.attrs.constant, map(node_of, self._graph.inputs[node][1:4]))
        bounds = [whole_numbers.of_constant(constant, (1,)) for constant in constants]
        begin, end, step = (*bounds, None, None, None)[:3]
        if begin is None or end is None or not step:
            return None
        first = None if attr(node, "begin_mask") else begin
        return len(range(count)[first : None if attr(node, "end_mask") else end : step])
