# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""With which coefficients losses add up to other losses.

A scalar that is put together from losses by adding, subtracting and scaling is
a linear form in them. The multiplier of a regularization loss is its
coefficient in the optimized loss over the data loss's coefficient there, so
that factors common to the whole loss (loss scale, 1/towers) cancel.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from tb_regloss.analysis.graph import loss_vectors, variables
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, node_of, value_of
from tb_regloss.analysis.ops import op_semantics, sampled
from tb_regloss.analysis.ops.closeness import as_constant
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.values.evaluate import Evaluator

Array = sampled.Array
_Factor = tuple[Array, Array]
_Weight = tuple[Array, Array, Array]
_SUMS = ("Sum", "Mean", "Pack", "ConcatV2", "Concat")
_ONE_AT_A_TIME = ("TensorListGetItem", "TensorArrayReadV3")
_FOLLOWED = (Kind.PASS, Kind.CUT, Kind.ADD, Kind.SUBTRACT, Kind.CHOICE, Kind.ALL_REDUCE, Kind.PORTS)


@dataclasses.dataclass(frozen=True)
class Form:
    """One scalar as a linear form.

    Attributes:
      node: the scalar's op.
      penalties: coefficient by penalty class, `[DRAWS or 1]`, on the ways that
        let a gradient through, where there is one.
      data: coefficient by the node of a term that depends on data.
      is_cut: classes whose every way to the scalar passes an op that lets no
        gradient through, with that op.
    """

    node: int
    penalties: dict[int, Array]
    data: dict[int, Array]
    is_cut: dict[int, int]

    def holds(self, number: int) -> bool:
        """Whether a penalty is part of the scalar's value, not added and subtracted again."""
        weight = self.penalties.get(number)
        return weight is not None and bool((np.abs(weight) > 1e-9).any())


class Sums:
    """The linear forms of a graph's scalars in given losses.

    Args:
      flow: the graph.
      evaluator: evaluates scales.
      classes: penalty class by node, for all nodes that compute a penalty.
      data_losses: nodes that are known to be data losses.
    """

    def __init__(
        self, flow: Flow, evaluator: Evaluator, classes: dict[int, int], data_losses: Iterable[int]
    ) -> None:
        self._flow, self._evaluator = flow, evaluator
        self._classes, self._data_losses = classes, frozenset(data_losses)
        self.reached = self._closure(classes)
        self._from_data = self._closure(self._data_losses)

    def tops(self) -> list[int]:
        """Returns scalars that depend on data and penalties and go into no other such sum.

        A vector that holds both and is not summed, as programs keep to log
        their losses, adds nothing up.
        """
        ranks = self._flow.ranks
        readers = {
            node: [
                reader
                for reader in self._sum_readers(node)
                if self._flow.data[reader] and not self._goes_around(node, reader)
            ]
            for node in self.reached
            if self._flow.data[node]
        }
        scalars = {node for node in readers if ranks.rank(value_of(node)) in (0, None)}
        read_by: dict[int, list[int]] = {}
        for node, above in readers.items():
            for reader in above:
                read_by.setdefault(reader, []).append(node)
        # What a scalar sum holds, at once or through vectors.
        summed: set[int] = set()
        stack = list(scalars)
        while stack:
            for node in read_by.get(stack.pop(), ()):
                if node not in summed:
                    summed.add(node)
                    stack.append(node)
        return [node for node in scalars if node not in summed]

    def _goes_around(self, node: int, reader: int) -> bool:
        """Whether a loop takes a sum back to its start, as one over training steps."""
        graph = self._flow.graph
        if graph.ops[reader] == "_LoopVar":
            return node_of(graph.inputs[reader][-1]) == node
        return graph.ops[reader] in ("NextIteration", "RefNextIteration")

    def _closure(self, sources: Iterable[int]) -> set[int]:
        found = set(sources)
        stack = list(found)
        while stack:
            for reader in self._sum_readers(stack.pop()):
                if reader not in found:
                    found.add(reader)
                    stack.append(reader)
        return found

    def _sum_readers(self, node: int) -> list[int]:
        """Returns the ops that put a scalar into a sum, scaled or not."""
        graph = self._flow.graph
        return [
            edge >> PORT_BITS
            for edge in graph.readers(node)
            if self._is_sum(edge >> PORT_BITS, edge & PORT_MASK)
        ]

    def _is_sum(self, reader: int, position: int) -> bool:
        graph, ranks = self._flow.graph, self._flow.ranks
        op, inputs = graph.ops[reader], graph.inputs[reader]
        kind = op_semantics.row(op).kind
        if op == "AssignVariableOp":
            return False
        if op in _SUMS:
            return inputs[position] in op_semantics.value_inputs(op, inputs)
        if op in op_semantics.NOT_DIFFERENTIABLE and len(inputs) == 1:
            # The sign of a loss with data is what the gradient of its size is made with.
            return op != "Sign" or not self._flow.data[reader]
        if kind in (Kind.ADD, Kind.SUBTRACT):
            return True
        if op == "StridedSlice":
            return position == 0 and self._picked(reader) is not None
        if kind in _FOLLOWED:
            return inputs[position] in op_semantics.value_inputs(op, inputs)
        if op in ("Neg", "Fill"):
            return inputs[position] in op_semantics.value_inputs(op, inputs)
        if kind is Kind.DIVIDE:
            return position == 0 and ranks.rank(inputs[1]) in (0, None)
        if kind is Kind.MULTIPLY and len(inputs) == 2:
            other = inputs[1 - position]
            if ranks.rank(other) not in (0, None):
                return self._mean_weight(inputs[position], other) is not None
            return not self._reads_variable(other)
        return False

    def _reads_variable(self, value: int) -> bool:
        variable = self._flow.variables.behind(value)
        return variable is not None and variable.shape not in ((), None)

    def form(self, node: int) -> Form:
        """Returns a scalar as a linear form in penalties and terms that depend on data."""
        flow, order = self._flow, self._inner_order(node)
        one = np.ones(1, np.complex128)
        # Of tensors that are reduced later: what stands before the reduction, and
        # what all elements weigh together. A penalty that is added to the loss of
        # each example counts with the second, the examples' losses with the first. The
        # third is the part of the second that lets a gradient through.
        weights: dict[int, _Weight] = {node: (one, one, one)}
        cut_by: dict[int, int | None] = {node: None}
        values: dict[int, Array] = {}
        gradients: dict[int, Array] = {}
        data: dict[int, Array] = {}
        cuts: dict[int, list[int | None]] = {}
        for current in order:
            unit, total, live = weights.pop(current)
            if current in self._classes and current != node:
                number = self._classes[current]
                values[number] = values.get(number, np.zeros(1)) + total
                gradients[number] = gradients.get(number, np.zeros(1)) + live
                cuts.setdefault(number, []).append(cut_by[current])
                continue
            operands = self._terms(current)
            if not operands or current in self._data_losses:
                if flow.data[current]:
                    coefficient = self._of_mean(current, unit)
                    data[current] = data.get(current, np.zeros(1)) + coefficient
                continue
            cut = current if self._is_cut(current) else cut_by[current]
            if cut == current:
                live = np.zeros(1, np.complex128)
            for operand, (of_unit, of_total) in operands:
                with np.errstate(all="ignore"):
                    all_of_it = total * of_total
                    passed = live * of_total if live.any() else live
                    each = all_of_it if flow.ranks.is_scalar(value_of(operand)) else unit * of_unit
                before = weights.get(operand, (np.zeros(1),) * 3)
                weights[operand] = (before[0] + each, before[1] + all_of_it, before[2] + passed)
                if operand not in cut_by or cut is None:
                    cut_by[operand] = cut
        is_cut = {
            number: next(by for by in found if by is not None)
            for number, found in cuts.items()
            if all(by is not None for by in found)
        }
        penalties = {n: values[n] if n in is_cut else gradients[n] for n in values}
        return Form(node, penalties, data, is_cut)

    def _of_mean(self, node: int, unit: Array) -> Array:
        """Returns a loss's coefficient: 1 for a sum over examples divided by their number."""
        shapes = self._flow.graph.attrs.attr(node, "_output_shapes")
        shape = shapes[0] if shapes else None
        constant = as_constant(unit)
        if not shape or None in shape or constant is None:
            return unit
        count = math.prod(shape)
        return unit * count if count > 1 and abs(abs(constant) * count - 1) < 1e-6 else unit

    def _is_cut(self, node: int) -> bool:
        graph = self._flow.graph
        op = graph.ops[node]
        if op == "Cast":
            return graph.attrs.attr(node, "DstT") not in variables.DT_NUMBERS
        return op_semantics.row(op).kind is Kind.CUT or op in op_semantics.NOT_DIFFERENTIABLE

    def _inner_order(self, node: int) -> list[int]:
        """Returns the nodes of a sum so that each stands before its operands."""
        order: list[int] = []
        state: dict[int, int] = {}
        stack = [node]
        while stack:
            current = stack[-1]
            if state.get(current) == 2:
                stack.pop()
                continue
            if state.get(current) == 1:
                state[current] = 2
                order.append(current)
                stack.pop()
                continue
            state[current] = 1
            is_leaf = current != node and (current in self._classes or current in self._data_losses)
            if not is_leaf:
                stack.extend(t for t, _ in self._terms(current) if t not in state)
        order.reverse()
        return order

    def _terms(self, node: int) -> list[tuple[int, _Factor]]:
        """Returns what a node adds up, with factors; nothing where it is no sum."""
        if node not in self.reached and node not in self._from_data:
            return []
        if node in self._data_losses:
            return []
        graph = self._flow.graph
        op, inputs = graph.ops[node], graph.inputs[node]
        kind = op_semantics.row(op).kind
        one = np.ones(1, np.complex128)
        if op == "Sum":
            source = node_of(inputs[0])
            return [(source, (one, self._count(source)))]
        if op in ("Pack", "ConcatV2", "Concat"):
            values = op_semantics.value_inputs(op, inputs)
            share = one / max(len(values), 1)
            return [(node_of(v), (one, share)) for v in values]
        if op == "StridedSlice":
            picked = self._picked(node)
            return [] if picked is None else [(picked, (one, one))]
        return [(operand, (factor, factor)) for operand, factor in self._scaled(node, op, kind)]

    def _scaled(self, node: int, op: str, kind: Kind) -> list[tuple[int, Array]]:
        """Returns the terms of an op that treats all elements alike, with factors."""
        flow, inputs = self._flow, self._flow.graph.inputs[node]
        one = np.ones(1, np.complex128)
        if kind is Kind.SUBTRACT and len(inputs) == 2:
            return [(node_of(inputs[0]), one), (node_of(inputs[1]), -one)]
        if op == "Neg":
            return [(node_of(inputs[0]), -one)]
        if op == "Fill":
            return [(node_of(inputs[1]), one)]
        if kind is Kind.ADD:
            return [(node_of(v), one) for v in inputs]
        if op in _ONE_AT_A_TIME:
            one = np.full(1, np.nan, np.complex128)  # Which ones, and how many, the loop knows.
        if op == "Mean" or kind in (Kind.PASS, Kind.CUT, Kind.ALL_REDUCE, Kind.PORTS):
            return [(node_of(v), one) for v in op_semantics.value_inputs(op, inputs)]
        if op in op_semantics.NOT_DIFFERENTIABLE:
            return [(node_of(v), one) for v in inputs[:1]]
        if kind is Kind.CHOICE:
            values = op_semantics.value_inputs(op, inputs)
            weights = self._evaluator.branch_weights(node, values)
            return [(node_of(v), w) for v, w in zip(values, weights, strict=True)]
        if kind is Kind.DIVIDE and len(inputs) == 2:
            with np.errstate(all="ignore"):
                return [(node_of(inputs[0]), 1 / self._evaluator.factor(inputs[1]))]
        if kind is Kind.MULTIPLY and len(inputs) == 2:
            inside = [node_of(v) in self.reached or node_of(v) in self._from_data for v in inputs]
            position = (
                0 if inside[0] and (not inside[1] or not flow.ranks.is_scalar(inputs[0])) else 1
            )
            if not inside[position]:
                return []
            scaled, other = inputs[position], inputs[1 - position]
            factor = self._mean_weight(scaled, other)
            return [(node_of(scaled), self._evaluator.factor(other) if factor is None else factor)]
        return []

    def _mean_weight(self, scaled: int, other: int) -> Array | None:
        """Returns the mean of constants that weigh equal elements, which their sum counts with."""
        graph, weights = self._flow.graph, self._flow.graph.source(node_of(other))
        if graph.ops[weights] != "Const" or self._flow.ranks.is_scalar(other):
            return None
        constant = graph.attrs.constant(weights)
        if constant is None or constant.array is None:
            return None
        is_equal = loss_vectors.is_spread(self._flow, node_of(scaled))
        return np.full(1, constant.array.mean(), np.complex128) if is_equal else None

    def _count(self, node: int) -> Array:
        """Returns how many elements a tensor has, a symbol where that is not known."""
        graph = self._flow.graph
        op, inputs = graph.ops[node], graph.inputs[node]
        shapes = graph.attrs.attr(node, "_output_shapes")
        if shapes and shapes[0] is not None and None not in shapes[0]:
            return np.full(1, math.prod(shapes[0]), np.complex128)
        if op in ("Pack", "ConcatV2", "Concat"):
            return np.full(1, len(op_semantics.value_inputs(op, inputs)), np.complex128)
        if self._flow.ranks.is_scalar(value_of(node)):
            return np.ones(1, np.complex128)
        return self._evaluator.factor(value_of(node))

    def _picked(self, node: int) -> int | None:
        """Returns the scalar that a slice takes out of a stack of scalars."""
        graph = self._flow.graph
        stack, start = map(node_of, graph.inputs[node][:2])
        constant = graph.attrs.constant(start)
        if graph.ops[stack] != "Pack" or constant is None or constant.array is None:
            return None
        values = graph.inputs[stack]
        index = int(constant.array.flat[0]) if constant.array.size == 1 else len(values)
        is_one = graph.attrs.attr(node, "shrink_axis_mask") == 1
        return node_of(values[index]) if is_one and -len(values) <= index < len(values) else None
