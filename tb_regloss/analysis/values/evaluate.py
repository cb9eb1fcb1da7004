# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluates values of a graph at random points; see `sampled` for why.

Two ways to look at the same ops:
  a *loss* is evaluated with one variable perturbed, so that the second channel
  is its directional derivative;
  a *gradient* is evaluated with the products of backpropagation (whatever
  depends on data and is not linear) set to zero in the first channel and to
  one in the second: what is left in the first channel is the part of the
  gradient that comes from penalties, the second is the coefficient of the part
  that comes from data.
"""

from __future__ import annotations

import cmath
from collections.abc import Collection, Hashable, Sequence

import numpy as np

from tb_regloss.analysis.graph import walk
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.graph.op_graph import node_of, port_of
from tb_regloss.analysis.graph.rounds import LOOPED, Rounds
from tb_regloss.analysis.graph.scales import Scales
from tb_regloss.analysis.ops import op_semantics, sampled
from tb_regloss.analysis.ops.op_functions import FUNCTIONS, is_understood
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.ops.op_values import Attr
from tb_regloss.analysis.ops.sampled import NOTHING, Sampled, elementwise
from tb_regloss.analysis.values.branches import Branches
from tb_regloss.analysis.values.leaves import Leaves

_OPAQUE = Sampled(None, np.full(1, 1j, np.complex128))
_ZERO = Sampled(None, np.zeros(1, np.complex128))
# Tuples, not sets: an enum's members are compared by identity, but hashed by name.
_SCALARS_ONLY = (Kind.MULTIPLY, Kind.DIVIDE)
_WITHOUT_OPERANDS = (Kind.CONSTANT, Kind.VARIABLE, Kind.PLACEHOLDER, Kind.DATA)
_CARRIED = (Kind.PASS, Kind.CUT, Kind.LINEAR)
_ADDED = (Kind.ADD, Kind.SUBTRACT)
# Towers do the same to thousands of gradients that are all opaque. Ops with one
# output; the second ones have attributes, and these are in `AttrReader.key`.
_REPEATED = frozenset(["ExpandDims", "ConcatV2", "Reshape", "Mean", "Sum"])
_WITH_ATTRS = ("Mean", "Sum")
_SIZES = ("Shape", "ShapeN", "Size")
_OF_SHAPES = ("Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike")


class Evaluator:
    """Evaluates values of one graph, each once.

    Args:
      flow: the graph and what flows in it.
      numbering: the graph's value numbers, which key the random numbers.
      perturbed: the variable whose elements are perturbed, `None` for a
        gradient evaluation.
      dense: whether variables get different elements where they are small.
      state: what was written to untrained state, by the variable's node.
      negated: the variables that get the negative of their usual values.

    Attributes:
      hidden: the ops at which following a gradient ended.
      cancelled: sums in which parts of penalties cancelled out. Where elements
        that are equal were subtracted from their mean, they only seem to.
      rounds: how often its loops add something up.
    """

    def __init__(
        self,
        flow: Flow,
        numbering: Numbering,
        perturbed: int | None = None,
        dense: bool = False,
        state: dict[int, list[int]] | None = None,
        negated: Collection[int] = (),
    ) -> None:
        self._flow, self._numbering = flow, numbering
        self._graph, self._data = flow.graph, flow.data
        self._leaves = Leaves(flow, numbering, perturbed, dense, negated)
        self._state = state or {}
        self._state_reads = {
            read: variable for variable in self._state for read in flow.reads.get(variable, ())
        }
        self._is_gradient = perturbed is None
        self._known: dict[int, Sampled] = {}
        self._branches = Branches(flow, numbering)
        self._scales = Scales(flow)
        self.rounds = Rounds(flow)
        self._applied: dict[Hashable, tuple[list[Sampled], Sampled]] = {}
        self.hidden: set[int] = set()
        self.cancelled: set[int] = set()

    def value(self, value: int) -> Sampled:
        """Returns a value at the sampled points."""
        found = self._known.get(value)
        return self._evaluate(value) if found is None else found

    def _evaluate(self, value: int) -> Sampled:
        rules = walk.Rules(self._operands, self._compute, self._around, self._is_looped)
        walk.fill(self._known, value, rules)
        return self._known[value]

    def _is_looped(self, value: int) -> bool:
        node = node_of(value)
        return self._graph.ops[node] in LOOPED or node in self._state_reads

    @property
    def evaluated(self) -> set[int]:
        """The nodes that were evaluated so far."""
        return {node_of(value) for value in self._known}

    def factor(self, value: int) -> sampled.Array:
        """Returns a scalar factor, `[DRAWS or 1]`: its value, or a symbol for it."""
        if not self._data[node_of(value)]:
            found = sampled.collapse(self.value(value))
            if found.is_filled and not np.isnan(found.array).any():
                return found.array
        return self._leaves.symbol(value, ()).array

    def branch_weights(self, node: int, values: Sequence[int]) -> list[sampled.Array]:
        """Returns the weights of a choice's branches; they add up to one."""
        if self.rounds.after(node) is not None:
            return [
                np.ones(1, np.complex128) if v == values[0] else np.zeros(1, np.complex128)
                for v in values
            ]
        return self._branches.weights(node, values)

    def _around(self, value: int) -> Sampled:
        """Returns what a value is before a cycle has gone around once."""
        node = node_of(value)
        op, inputs = self._graph.ops[node], self._graph.inputs[node]
        if op == "_LoopVar" and inputs and inputs[0] in self._known:
            return self._known[inputs[0]]
        if op in ("Merge", "RefMerge"):
            for entering in inputs:
                if (
                    entering in self._known
                    and self._graph.ops[node_of(entering)] != "NextIteration"
                ):
                    return self._known[entering]
        return _ZERO if node in self._state_reads else NOTHING

    def _operands(self, value: int) -> Sequence[int]:
        node = node_of(value)
        graph = self._graph
        op, inputs = graph.ops[node], graph.inputs[node]
        kind = op_semantics.row(op).kind
        if self._is_gradient and node in self._state_reads and self._data[node]:
            return self._state[self._state_reads[node]]
        if kind in _WITHOUT_OPERANDS:
            return ()
        if op == "ReadVariableOp":
            return ()
        if not self._data[node]:
            return inputs[1:] if op == "ResourceGather" or self._branches.is_guard(node) else inputs
        if kind is Kind.SHAPE and op in _OF_SHAPES:
            return () if self._data[node_of(inputs[0])] else inputs
        if kind is Kind.OTHER or not self._is_gradient or node in self._flow.row_products:
            return ()
        if kind in _CARRIED:
            carrying = self._flow.value_inputs(node)
            if op == "TensorListPopBack":
                return inputs[:1]
            if not op_semantics.value_inputs(op, inputs):
                return carrying  # It takes out what was put in elsewhere.
            return [v for v in inputs if v in carrying or not self._data[node_of(v)]]
        if kind is Kind.PUSH:
            return self._pushed(op, inputs)
        if kind in _ADDED:
            return inputs
        if kind in _SCALARS_ONLY and len(inputs) == 2:
            scale, rest = self._scales.split(kind, inputs)
            if rest is None:
                return ()
            return (rest,) if scale is None or self._data[node_of(scale)] else (rest, scale)
        if kind is Kind.CLIP:
            return [v for v in inputs if self._data[node_of(v)]][:1]
        if kind is Kind.CHOICE:
            return op_semantics.value_inputs(op, inputs)
        if kind is Kind.ALL_REDUCE:
            return self._branches.replicas(node)
        return ()

    @staticmethod
    def _pushed(op: str, inputs: Sequence[int]) -> Sequence[int]:
        """Returns what is put into a container, and not where: an index is a number as well."""
        values = op_semantics.value_inputs(op, inputs)
        return values[1:] if op.startswith("TensorList") else values

    def _compute(self, value: int) -> Sampled:
        graph, node = self._graph, node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        kind = op_semantics.row(op).kind
        if self._is_gradient and node in self._state_reads and self._data[node]:
            return self._accumulated(self._state_reads[node])
        if kind is Kind.CONSTANT:
            return self._leaves.constant(node)
        if kind is Kind.VARIABLE:
            return self._leaves.variable(value)
        if op == "ReadVariableOp":
            return self._leaves.variable(inputs[0])
        if kind is Kind.PLACEHOLDER and not self._data[node]:
            return self._leaves.symbol(value, self._leaves.placeholder_shape(node))
        if not self._data[node]:
            return self._plain(value)
        if kind is Kind.SHAPE:
            return self._static_shape(value)
        if not self._is_gradient:
            scalar = self._flow.ranks.is_scalar(value)
            return (
                self._leaves.symbol(value, ())
                if scalar
                else Sampled(self._leaves.batch(value), NOTHING.array)
            )
        if kind in (Kind.PLACEHOLDER, Kind.DATA):
            return Sampled(self._leaves.batch(value), _OPAQUE.array)
        if kind is Kind.OTHER:
            self.hidden.add(node)
            return _OPAQUE
        return self._gradient_part(value, kind)

    def _plain(self, value: int) -> Sampled:
        """Evaluates an op none of whose values depend on data."""
        graph, node = self._graph, node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        if op in ("Merge", "RefMerge", "_If", "_LoopVar") or self._branches.is_guard(node):
            return self._mixture(value)
        if op_semantics.row(op).kind is Kind.ALL_REDUCE:
            return self._reduced_over_replicas(node)
        if op == "ResourceGather" and inputs:
            operands = [self._leaves.variable(inputs[0]), *(self._known[v] for v in inputs[1:])]
        else:
            # What is restored from a file was not evaluated.
            operands = [self._known.get(v, NOTHING) for v in inputs]
        function = FUNCTIONS.get(op)
        if op in _SIZES and inputs and self._data[node_of(inputs[0])]:
            function = None  # The number of examples is only assumed.
        found = NOTHING
        if function is not None and operands:
            try:
                found = function(operands, self._attr(node), port_of(value))
            except (ValueError, IndexError, OverflowError, TypeError, ZeroDivisionError):
                found = NOTHING  # Odd shapes in an odd graph: not evaluated, never guessed.
        is_one = found.array.size == 1 and not found.parts
        is_unknown = is_one and cmath.isnan(found.array.item())
        if is_unknown and self._flow.ranks.is_scalar(value) and not self._flow.parameters[node]:
            return self._leaves.symbol(value, ())
        return found

    def _attr(self, node: int) -> Attr:
        attrs, op = self._graph.attrs, self._graph.ops[node]
        return lambda name: op if name == "op" else attrs.attr(node, name)

    def _gradient_part(self, value: int, kind: Kind) -> Sampled:
        graph, node = self._graph, node_of(value)
        inputs, known = graph.inputs[node], self._known
        is_bias = kind in _ADDED and self._scales.adds_parameter(inputs)
        if is_bias or node in self._flow.row_products:
            self.hidden.add(node)
            return _OPAQUE
        if kind in _CARRIED:
            return self._linear(value)
        if kind in (Kind.PUSH, Kind.CLIP):
            pushed = self._pushed(graph.ops[node], inputs) if kind is Kind.PUSH else ()
            kept = pushed or [v for v in inputs if self._data[node_of(v)]]
            return next((known[v] for v in kept if v in known), _OPAQUE)
        if kind in _ADDED:
            terms = [self._summand(v) for v in inputs]
            found = FUNCTIONS["AddN" if kind is Kind.ADD else "Sub"](terms, self._attr(node), 0)
            if found.is_nothing and not all(term.is_nothing for term in terms):
                self.cancelled.add(node)
            return found
        if kind in _SCALARS_ONLY and len(inputs) == 2:
            scale, rest = self._scales.split(kind, inputs)
            if rest is None or scale is None:
                self.hidden.add(node)
                return _OPAQUE
            combine = np.divide if kind is Kind.DIVIDE else np.multiply
            return elementwise(combine, known[rest], self._factor(scale))
        if kind is Kind.CHOICE:
            return self._mixture(value)
        if kind is Kind.ALL_REDUCE:
            return self._reduced_over_replicas(node)
        self.hidden.add(node)
        return NOTHING if self._is_lost_in(node) else _OPAQUE

    def _summand(self, value: int) -> Sampled:
        found = self._known[value]
        # A number that is added, as a label of 1, is no part of a penalty's gradient.
        return Sampled(found.shape, _ZERO.array) if self._flow.is_fixed(value) else found

    def _is_lost_in(self, node: int) -> bool:
        """Whether a part of a penalty goes into an op whose meaning is not known."""
        graph = self._graph
        if is_understood(graph.ops[node]):
            return False
        return any(
            np.any(self._known[value].array.real)
            for value in graph.inputs[node]
            if value in self._known and not self._scales.is_plain(node_of(value))
        )

    def _factor(self, scale: int) -> Sampled:
        if not self._data[node_of(scale)]:
            found = self._known[scale]
            if not (found.is_filled and np.isnan(found.array).any()):
                return found
        return self._leaves.symbol(scale, ())

    def _linear(self, value: int) -> Sampled:
        graph, node = self._graph, node_of(value)
        op, inputs, known = graph.ops[node], graph.inputs[node], self._known
        function = FUNCTIONS.get(op)
        if function is None:
            carried = [v for v in op_semantics.value_inputs(op, inputs) if v in known]
            extra = [v for v in self._flow.value_inputs(node) if v in known]
            carried = carried or extra
            if op_semantics.row(op).kind is Kind.PASS and carried:
                return known[carried[0]]
            self.hidden.add(node)
            return _OPAQUE
        operands = [known.get(v, NOTHING) for v in inputs]
        try:
            if op not in _REPEATED:
                return function(operands, self._attr(node), port_of(value))
            attrs = self._graph.attrs.key(node) if op in _WITH_ATTRS else ""
            key = (op, attrs, *map(id, operands))
            if key not in self._applied:
                found = function(operands, self._attr(node), port_of(value))
                # With the operands, so that nothing else gets their identities.
                self._applied[key] = operands, found
            return self._applied[key][1]
        except (ValueError, IndexError, OverflowError, TypeError, ZeroDivisionError):
            self.hidden.add(node)
            return _OPAQUE

    def _accumulated(self, variable: int) -> Sampled:
        """Returns what is read back from state: the sum of what was written."""
        total = _ZERO
        for value in self._state[variable]:
            total = elementwise(np.add, total, self._known.get(value, _ZERO))
        return elementwise(np.multiply, total, Sampled((), self.times_added(variable)))

    @staticmethod
    def times_added(variable: int) -> sampled.Array:
        """Returns a symbol for how often something is added up in state: it is not known."""
        return sampled.random_numbers(variable * 2 + 1)

    def _mixture(self, value: int) -> Sampled:
        graph, node = self._graph, node_of(value)
        op, inputs, known = graph.ops[node], graph.inputs[node], self._known
        if op in ("Merge", "RefMerge") and port_of(value):
            return NOTHING
        after = self.rounds.after(node)
        if after is not None:
            return self._after_loop(node, after)
        values = op_semantics.value_inputs(op, inputs)
        if any(v not in known for v in values):
            return NOTHING
        # An optional that is empty in one branch is only opened in the other.
        full = [v for v in values if graph.ops[node_of(v)] != "OptionalNone"]
        if len(full) == 1 < len(values):
            return known[full[0]]
        total: Sampled | None = None
        for branch, weight in zip(values, self._branches.weights(node, values), strict=True):
            part = elementwise(np.multiply, known[branch], Sampled((), weight))
            total = part if total is None else elementwise(np.add, total, part)
        return NOTHING if total is None else total

    def _after_loop(self, node: int, after: int) -> Sampled:
        """Returns what a loop's variable is in the end: as after one round, sums are counted."""
        known, found = self._known, self._known.get(after, NOTHING)
        before = next((v for v in self._graph.inputs[node] if v != after), None)
        if before not in known or not self._is_gradient or not self._data[node]:
            return found
        return self.rounds.summed(node, known[before], found)

    def _reduced_over_replicas(self, node: int) -> Sampled:
        parts = [self._known.get(v, NOTHING) for v in self._branches.replicas(node)]
        if not parts:
            return NOTHING
        total = parts[0]
        for part in parts[1:]:
            total = elementwise(np.add, total, part)
        factor = self._branches.replica_factor(node, len(parts))
        return elementwise(np.multiply, total, sampled.number(factor))

    def _static_shape(self, value: int) -> Sampled:
        node = node_of(value)
        op, inputs = self._graph.ops[node], self._graph.inputs[node]
        if inputs and inputs[0] in self._known and op in FUNCTIONS:
            return FUNCTIONS[op]([self._known[v] for v in inputs], self._attr(node), port_of(value))
        if op == "ZerosLike":
            return _ZERO
        return NOTHING
