# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Matrix products of a gradient with itself, as optimizers that make it orthogonal compute them.

The gradient of a weight is such a product as well, but of two things that come
from different places: what went into a layer, and what comes back.
"""

from __future__ import annotations

from tb_regloss.analysis.graph import walk
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.graph.scales import REDUCERS
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.update_arithmetic import is_arithmetic

_PRODUCTS = ("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
_JOINING = (Kind.ADD, Kind.SUBTRACT, Kind.MULTIPLY, Kind.DIVIDE)


class OwnProducts:
    """Tells what in one graph is a product of something with itself."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._bases: dict[int, int] = {}
        self._rules = walk.Rules(self._operands, self._base, lambda value: value, lambda _: True)

    def has(self, node: int) -> bool:
        """Whether an op multiplies two matrices that are both made of one value alone."""
        operands = self._flow.graph.inputs[node]
        if self._flow.graph.ops[node] not in _PRODUCTS or len(operands) != 2:
            return False
        if not all(self._flow.data[node_of(value)] for value in operands):
            return False
        for value in operands:
            walk.fill(self._bases, value, self._rules)
        return self._bases[operands[0]] == self._bases[operands[1]]

    def _operands(self, value: int) -> list[int]:
        """Returns what of data a value is made of; nothing where it begins."""
        flow, node = self._flow, node_of(value)
        op, inputs = flow.graph.ops[node], flow.graph.inputs[node]
        kind = op_semantics.row(op).kind
        if kind in (Kind.READ, Kind.VARIABLE):
            return []
        if kind in _JOINING or op in _PRODUCTS or op in REDUCERS or is_arithmetic(op):
            carrying = op_semantics.value_inputs(op, inputs)
            return [v for v in carrying if flow.data[node_of(v)]]
        return []

    def _base(self, value: int) -> int:
        """Returns the one value of which all of a value is made, itself where there are more."""
        bases = {self._bases[operand] for operand in self._operands(value)}
        node = node_of(value)
        is_product = self._flow.graph.ops[node] in _PRODUCTS
        is_mixed = is_product and len(self._operands(value)) < 2
        return bases.pop() if len(bases) == 1 and not is_mixed else value
