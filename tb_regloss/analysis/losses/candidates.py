# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The regularization losses of one graph, their classes, and the updates that count."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from tb_regloss.analysis.facts import Declaration
from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.graph.op_graph import node_of, value_of
from tb_regloss.analysis.losses import norms, penalties, penalty_parts
from tb_regloss.analysis.losses.penalties import Penalty
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.gradient import Gradients, Values
from tb_regloss.analysis.training.updates import Training, Update

_NORMS = ("L2Loss", "Sum", "Mean")
_SUFFIX = re.compile(r"_\d+$")


class Candidates:
    """What of a graph is a regularization loss.

    Attributes:
      penalties: declared ones first, then those of collections, then those
        that only structure shows.
      classes: the penalty class of each node that computes a penalty; twins
        (equal computations on equal variables) share a class.
      data_losses: nodes that are known to be data losses.
      optimized: the node that is said to be optimized, `None` where not known.
    """

    def __init__(
        self,
        flow: Flow,
        numbering: Numbering,
        gradients: Gradients,
        collections: Mapping[str, tuple[str, ...]],
        declaration: Declaration,
        updates: Mapping[int, Sequence[Update]],
    ) -> None:
        self._flow, self._numbering, self._gradients = flow, numbering, gradients
        self._updates = updates
        declared = penalties.declared(flow, declaration.regularization_losses)
        known = {penalty.node for penalty in declared}
        found = [p for p in penalties.collected(flow, collections) if p.node not in known]
        self.data_losses = penalties.data_losses(flow, collections, declaration.data_losses)
        found = [
            p for p in found if p.node not in self.data_losses and not self._is_total(p, found)
        ]
        self.penalties = [*declared, *found]
        self.classes = self._classify()
        structural = self._structural()
        self.penalties += structural
        self.classes = self._classify()
        self._merge_equal()
        seen = {self.classes.get(penalty.node) for penalty in (*declared, *found)}
        for penalty in structural:
            if self.classes[penalty.node] in seen:
                self.penalties.remove(penalty)
            seen.add(self.classes[penalty.node])
        self.optimized = self._find_optimized(collections, declaration)

    @functools.cached_property
    def members(self) -> Mapping[int, list[int]]:
        """The nodes of each class."""
        found: dict[int, list[int]] = {}
        for node, number in self.classes.items():
            found.setdefault(number, []).append(node)
        return found

    @functools.cached_property
    def by_variable(self) -> Mapping[int, list[Penalty]]:
        """The penalties on each variable that the graph has."""
        found: dict[int, list[Penalty]] = {}
        for penalty in self.penalties:
            for variable in penalty.variables if penalty.node >= 0 else ():
                found.setdefault(variable, []).append(penalty)
        return found

    def alike(self, nodes: Iterable[int]) -> set[int]:
        """Returns the nodes that compute the same as one of `nodes`, these included.

        Args:
          nodes: they depend on variables alone.
        """
        flow, numbering, found = self._flow, self._numbering, set(nodes)
        numbers = {numbering.number(value_of(node)) for node in found}
        for op in {flow.graph.ops[node] for node in found}:
            for node in flow.graph.nodes_with_op(op):
                is_plain = flow.parameters[node] and not flow.data[node]
                if is_plain and numbering.number(value_of(node)) in numbers:
                    found.add(node)
        return found

    def is_zero(self, penalty: Penalty) -> bool:
        """Whether a penalty's strength is the constant 0."""
        flow, gradients = self._flow, self._gradients
        if flow.data[penalty.node]:
            return False
        values = gradients.loss(penalty.node)
        if np.isnan(values).any() or values.any():
            return False
        dense = gradients.loss(penalty.node, dense=True)
        return not np.isnan(dense).any() and not dense.any() and self._has_zero_factor(penalty.node)

    def _has_zero_factor(self, node: int) -> bool:
        """Whether a zero constant multiplies a penalty, or it is a constant itself.

        A penalty may vanish at the sampled points only (a difference of equal
        elements), so the zero itself is looked for.
        """
        graph, stack, seen = self._flow.graph, [node], {node}
        while stack and len(seen) < 200:
            current = stack.pop()
            if graph.ops[current] == "Const":
                constant = graph.attrs.constant(current)
                if constant is not None and constant.array is not None and not constant.array.any():
                    return True
                continue
            for value in op_semantics.value_inputs(graph.ops[current], graph.inputs[current]):
                if node_of(value) not in seen:
                    seen.add(node_of(value))
                    stack.append(node_of(value))
        return False

    def _is_total(self, penalty: Penalty, others: list[Penalty]) -> bool:
        """Whether a member sums other members: a total, not a loss of its own."""
        members = {other.node for other in others if other.node != penalty.node}
        stack, seen = [penalty.node], {penalty.node}
        graph = self._flow.graph
        summed = 0
        while stack and len(seen) < 5000:
            node = stack.pop()
            kind = op_semantics.row(graph.ops[node]).kind
            if kind not in (Kind.ADD, Kind.PASS) and graph.ops[node] not in ("Pack", "Sum"):
                continue
            for value in op_semantics.value_inputs(graph.ops[node], graph.inputs[node]):
                operand = node_of(value)
                summed += operand in members and kind is not Kind.PASS
                if operand not in seen:
                    seen.add(operand)
                    stack.append(operand)
        return summed > 0

    def _classify(self) -> dict[int, int]:
        """Numbers penalties by what they compute, and finds their other copies."""
        flow, numbering = self._flow, self._numbering
        classes: dict[int, int] = {}
        ops: dict[str, set[int]] = {}
        for penalty in self.penalties:
            if penalty.node < 0:
                continue
            if flow.data[penalty.node]:
                classes[penalty.node] = -1 - penalty.node
                continue
            number = numbering.number(value_of(penalty.node))
            classes[penalty.node] = number
            ops.setdefault(flow.graph.ops[penalty.node], set()).add(number)
        for op, numbers in ops.items():
            for node in flow.graph.nodes_with_op(op):
                if flow.parameters[node] and not flow.data[node]:
                    number = numbering.number(value_of(node))
                    if number in numbers:
                        classes[node] = number
        return classes

    def _merge_equal(self) -> None:
        """Gives penalties of equal values on the same variables one class.

        The same penalty read twice may be written with other ops (a constant
        that was cast, an addition of nothing), so numbers alone do not do.
        """
        same: dict[object, int] = {}
        merged: dict[int, int] = {}
        for penalty in self.penalties:
            number = self.classes.get(penalty.node, -1)
            if number < 0:
                continue
            values = self._gradients.loss(penalty.node)
            if np.isnan(values).any() or not values.any():
                continue
            key = (penalty.variables, *(f"{value:.9e}" for value in values))
            first = same.setdefault(key, number)
            if first != number:
                merged[number] = first
        self.classes = {node: merged.get(n, n) for node, n in self.classes.items()}

    def _structural(self) -> list[Penalty]:
        """Finds penalties that no declaration and no collection names."""
        flow = self._flow
        found: dict[int, Penalty] = {}
        in_gradients = self._gradient_sums()
        for node, sums in penalties.added_to_losses(flow).items():
            if in_gradients.issuperset(sums):
                continue
            for part in penalty_parts.parts(flow, self._numbering, node, self.classes):
                self._add_structural(part, found)
        made_of = self._made_of([*self.classes, *(p.node for p in found.values())])
        known = self._norms(made_of)
        trained = frozenset(self._updates)
        unused = {node: self._made_of([node]) for node in norms.unused(flow, trained)}
        one = {node for node in unused if self._is_one(node)}
        parts = {part for node in one for part in unused[node] - {node}}
        for node, own in unused.items():
            # The derivative with respect to a strength has the form of a penalty,
            # but is made of one. And a multiple of several is none of its own.
            is_multiple = node not in one and not unused.keys().isdisjoint(own - {node})
            is_new = node not in parts and not is_multiple and not own & made_of
            if is_new and not self._is_second_reading(own, known):
                self._add_structural(node, found)
        return list(found.values())

    def _is_one(self, node: int) -> bool:
        """Whether a scalar is one penalty, not a scaled one or several."""
        return penalty_parts.parts(self._flow, self._numbering, node, self.classes) == [node]

    def _gradient_sums(self) -> set[int]:
        """Returns the scalar sums that are the gradients of scalars, not losses."""
        graph, ranks, found = self._flow.graph, self._flow.ranks, set[int]()
        ports = (port for each in self._updates.values() for u in each for port in u.ports)
        stack = [node_of(port) for port in ports if ranks.is_scalar(port)]
        while stack:
            node = stack.pop()
            kind = op_semantics.row(graph.ops[node]).kind
            if node not in found and kind in (Kind.ADD, Kind.SUBTRACT, Kind.PASS):
                found.add(node)
                stack.extend(map(node_of, self._flow.value_inputs(node)))
        return found

    def _is_second_reading(self, own: set[int], known: set[int]) -> bool:
        """Whether something is made of norms that known penalties are made of, computed anew."""
        norms = self._norms(own)
        return bool(norms) and norms <= known

    def _norms(self, nodes: set[int]) -> set[int]:
        """Returns the numbers of the norms among some ops."""
        ops, numbering = self._flow.graph.ops, self._numbering
        return {numbering.number(value_of(node)) for node in nodes if ops[node] in _NORMS}

    def _made_of(self, nodes: list[int]) -> set[int]:
        """Returns the ops that penalties consist of."""
        graph, found, stack = self._flow.graph, set(nodes), list(nodes)
        while stack:
            node = stack.pop()
            if graph.ops[node] == "Identity":
                continue
            for value in op_semantics.value_inputs(graph.ops[node], graph.inputs[node]):
                operand = node_of(value)
                scalar = loss_vectors.is_summand(self._flow, value)
                if operand not in found and self._flow.parameters[operand] and scalar:
                    found.add(operand)
                    stack.append(operand)
        return found

    def _add_structural(self, node: int, found: dict[int, Penalty]) -> None:
        flow = self._flow
        if node in self.classes or self._is_part_of_known(node):
            return
        number = self._numbering.number(value_of(node))
        if number in found or not (self._is_even(node) or penalties.is_distance(flow, node)):
            return
        variables = penalties.read_variables(flow, node)
        name = flow.graph.value_name(value_of(node))
        found[number] = Penalty(name, node, variables, "structure")

    def _is_part_of_known(self, node: int) -> bool:
        """Whether a term is a known penalty scaled, or made of one."""
        graph, stack, seen = self._flow.graph, [node], {node}
        while stack and len(seen) < 64:
            current = stack.pop()
            if current in self.classes:
                return True
            for value in op_semantics.value_inputs(graph.ops[current], graph.inputs[current]):
                operand = node_of(value)
                if operand not in seen and self._flow.parameters[operand]:
                    seen.add(operand)
                    stack.append(operand)
        return False

    def _is_even(self, node: int) -> bool:
        """Whether a scalar has the form of a norm: the same for -v as for v, and not constant.

        A divergence from a prior is the same for means and negative means, but
        not for widths.
        """
        values = self._gradients.loss(node)
        dense = bool(np.isnan(values).any()) or not values.any()
        values = self._gradients.loss(node, dense=True) if dense else values
        if np.isnan(values).any():
            return False
        by_node = self._flow.variables.by_node
        variables = penalties.read_variables(self._flow, node)
        # A scalar may be a strength that is learned; alone, it is what is penalized.
        tensors = [v for v in variables if by_node[v].shape != ()]
        if self._is_same(values, node, dense, tensors or variables):
            return True
        return len(tensors) > 1 and any(
            self._is_same(values, node, dense, [v])
            and self._gradients.derivative(node, v, dense).any()
            for v in tensors
        )

    def _is_same(self, values: Values, node: int, dense: bool, negated: Collection[int]) -> bool:
        """Whether a scalar has these values for other signs of some variables, too."""
        other = self._gradients.loss(node, dense=dense, negated=negated)
        return bool(np.allclose(values, other, rtol=1e-6, atol=0))

    def _find_optimized(
        self, collections: Mapping[str, tuple[str, ...]], declaration: Declaration
    ) -> int | None:
        """Returns the loss that is said to be optimized.

        `slim.learning.create_train_op` puts its tensor, the loss itself after
        the update, into collection `train_op`.
        """
        names = [declaration.optimized_loss.tensor] if declaration.optimized_loss else []
        names += [name for name in collections.get("train_op", ()) if ":" in name]
        for name in names:
            node = penalties.node_named(self._flow, name, self._flow.data) if name else None
            if (
                node is not None
                and self._flow.data[node]
                and self._flow.ranks.is_scalar(value_of(node))
            ):
                return node
        return None


def current_updates(
    flow: Flow, training: Training, train_op: str | None
) -> dict[int, list[Update]]:
    """Returns for each trained variable the updates that count.

    The declared train op's, where there is one. Else an optimizer that was
    built again (same rule, the same name with a suffix `_1`) replaces the
    older one; a choice of different optimizers is a choice, and all count.
    """
    declared = _run_by(flow, train_op) if train_op else None
    chosen: dict[int, list[Update]] = {}
    for variable, found in training.updates.items():
        if declared is not None and any(update.node in declared for update in found):
            chosen[variable] = [update for update in found if update.node in declared]
            continue
        replaced = len({(update.rule, _scopes(flow, update)) for update in found}) == 1
        newest = max(found, key=lambda update: (_numbers(flow, update), update.node))
        chosen[variable] = [newest] if replaced and found[0].rule else found
    return chosen


def _scopes(flow: Flow, update: Update) -> tuple[str, ...]:
    return tuple(_SUFFIX.sub("", scope) for scope in flow.graph.names[update.node].split("/"))


def _numbers(flow: Flow, update: Update) -> tuple[int, ...]:
    """Returns the suffixes `_1`, `_2` in an update's name; without one it is the oldest."""
    scopes = flow.graph.names[update.node].split("/")
    found = (_SUFFIX.search(scope) for scope in scopes)
    return tuple(0 if match is None else int(match.group()[1:]) for match in found)


def _run_by(flow: Flow, train_op: str) -> set[int] | None:
    """Returns all ops that an op waits for or reads."""
    graph = flow.graph
    start = graph.named(train_op.partition(":")[0])
    if start is None:
        return None
    found, stack = {start}, [start]
    while stack:
        node = stack.pop()
        for operand in (*graph.controls.get(node, ()), *map(node_of, graph.inputs[node])):
            if operand not in found:
                found.add(operand)
                stack.append(operand)
    return found
