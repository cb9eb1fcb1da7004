# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which operand of a product scales a gradient, and which one carries it.

A scalar, or what went through a reduction of the other operand (clipping by a
norm, LARS), is a scale: it carries no evidence. Through the factor of
`clip_by_global_norm` every gradient would reach every update.
"""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_MOVED = ("Slice", "StridedSlice", "GatherV2", "Sum", "Mean")
REDUCERS = frozenset(["Sum", "Mean", "Max", "Prod", "L2Loss", "EuclideanNorm", "Any", "All"])

_CHAIN = 16  # ops between a gradient and what scales it
_MULTIPLES = (Kind.PASS, Kind.MULTIPLY, Kind.DIVIDE)


class Scales:
    """Tells scales from what they scale, in one graph."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def split(self, kind: Kind, inputs: Sequence[int]) -> tuple[int | None, int | None]:
        """Splits a product that depends on data into its scale and what is scaled.

        Returns:
          scale and rest; rest is `None` where neither operand is a scale.
        """
        left, right = inputs
        of_data = [bool(self._flow.data[node_of(v)]) for v in inputs]
        if kind is Kind.DIVIDE:
            if not of_data[1] or self._is_factor(right, left):
                return right, left
            return None, None
        if of_data[0] and of_data[1]:
            if self._is_factor(right, left):
                return right, left
            if self._is_factor(left, right):
                return left, right
            return None, None
        tainted, plain = (left, right) if of_data[0] else (right, left)
        ranks = self._flow.ranks
        if ranks.is_scalar(tainted) and not ranks.is_scalar(plain):
            return tainted, plain
        return plain, tainted

    def _is_factor(self, candidate: int, other: int) -> bool:
        """Whether one operand only scales the other: a scalar, or a reduction of it."""
        ranks = self._flow.ranks
        if ranks.is_scalar(candidate):
            return not ranks.is_scalar(other)
        if not self._is_reduction(candidate):
            return False
        return not self._is_reduction(other) or self._reduces(candidate, other)

    def _is_reduction(self, value: int) -> bool:
        graph, current = self._flow.graph, value
        for _ in range(_CHAIN):
            node = node_of(current)
            op = graph.ops[node]
            if op in REDUCERS:
                is_kept = bool(graph.attrs.attr(node, "keep_dims"))
                return is_kept or self._flow.ranks.is_scalar(current) or self._sums_all(node)
            inputs = [v for v in graph.inputs[node] if self._flow.data[node_of(v)]]
            if not inputs or op in op_semantics.CONTRACTIONS:
                return False
            current = inputs[0]
        return False

    def _sums_all(self, node: int) -> bool:
        """Whether a reduction of something of unknown rank looks as if over all dimensions.

        `reduce_sum(x)` of a matrix is written with the axes 0 and 1.
        """
        graph, inputs = self._flow.graph, self._flow.graph.inputs[node]
        if len(inputs) < 2 or self._flow.ranks.rank(inputs[0]) is not None:
            return False
        constant = graph.attrs.constant(node_of(inputs[1]))
        axes = [] if constant is None or constant.array is None else constant.array.ravel().tolist()
        is_whole = axes == list(range(len(axes)))
        return is_whole and (len(axes) > 1 or graph.ops[node_of(inputs[0])] == "Pack")

    def _reduces(self, candidate: int, other: int) -> bool:
        """Whether something is a reduction of what another one is a multiple of.

        The gradient of a bias is a reduction itself, with dimensions kept.
        """
        graph, data = self._flow.graph, self._flow.data
        multiples = set[int]()
        for _ in range(_CHAIN):
            node = node_of(other)
            multiples.add(node)
            of_data = [v for v in graph.inputs[node] if data[node_of(v)]]
            if op_semantics.row(graph.ops[node]).kind not in _MULTIPLES or len(of_data) != 1:
                break
            other = of_data[0]
        for _ in range(_CHAIN):
            node = node_of(candidate)
            if node in multiples:
                return True
            of_data = [v for v in graph.inputs[node] if data[node_of(v)]]
            if not of_data:
                return False
            candidate = of_data[0]
        return False

    def adds_parameter(self, inputs: Sequence[int]) -> bool:
        """Whether a sum adds a variable as it is: a bias, so that it is no sum of gradients.

        A penalty's gradient is at least multiplied by what arrives at it.
        """
        return any(
            self.is_plain(node_of(value))
            for value in inputs
            if not self._flow.data[node_of(value)] and self._flow.parameters[node_of(value)]
        )

    def is_plain(self, node: int) -> bool:
        """Whether a value is a variable as it is, or rows of it, be they added up to a bias."""
        graph = self._flow.graph
        for _ in range(8):
            kind = op_semantics.row(graph.ops[node]).kind
            if kind in (Kind.VARIABLE, Kind.READ):
                return True
            moved = kind is Kind.PASS or graph.ops[node] in _MOVED
            if not moved or not graph.inputs[node]:
                return False
            node = node_of(graph.inputs[node][0])
        return False
