# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Multipliers where several copies of a model are trained together.

With N towers (replicas, clones) the data loss is the mean over the towers. If
each tower's loss is a mean over its own examples, then a penalty that each of
them adds counts once, whether gradients are added up or averaged (that factor
is common), and a penalty that one of N adds counts 1/N. If each tower's loss
is a sum that is divided by the number of all examples, then adding gradients
up already gives the mean, and a penalty in each tower counts N times.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

import numpy as np

from tb_regloss.analysis.graph import replicas
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of
from tb_regloss.analysis.losses.multiplier import Form
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.closeness import as_constant, close
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.updates import Update

_DEPTH = 8
_LINEAR = (
    Kind.PASS,
    Kind.CUT,
    Kind.ADD,
    Kind.SUBTRACT,
    Kind.MULTIPLY,
    Kind.DIVIDE,
    Kind.LINEAR,
    Kind.CHOICE,
)
_AVERAGING = (Kind.ADD, Kind.PASS, Kind.MULTIPLY, Kind.DIVIDE)
_MANY = 200  # ops of one type, more than any graph has losses


class Towers:
    """Which of a graph's losses are copies of each other."""

    def __init__(self, flow: Flow, forms: Sequence[Form], data_losses: Sequence[int]) -> None:
        self._flow, self._forms = flow, forms
        self._known = frozenset(data_losses)
        self._signatures: dict[tuple[int, int], int] = {}
        self._arrivals: dict[int, bytearray] = {}
        # By the form's node.
        self._references: dict[int, np.ndarray | None] = {}
        self._alike: dict[int, list[Form]] = {}
        self._plain: dict[int, dict[int, np.ndarray]] = {}
        self._inner: dict[int, float | None] = {}

    def ratio(self, form: Form, number: int) -> float | None:
        """Returns a penalty's coefficient over the data loss's in one sum."""
        if form.node not in self._references:
            self._references[form.node] = self._reference(form)
        reference = self._references[form.node]
        if reference is None:
            return None
        # What is maximized stands in the loss with a minus; the loss itself is minimized.
        with np.errstate(all="ignore"):
            sign = -1 if (reference.real < 0).all() else 1
            return as_constant(form.penalties[number] / reference * sign)

    def choices(
        self, form: Form, number: int, absolute: float | None, update: Update
    ) -> list[float]:
        """Returns the multipliers that are possible with this sum, the likeliest first."""
        ratio = self.ratio(form, number)
        if ratio is None:
            return []
        if form.node not in self._alike:
            self._alike[form.node] = self._copies(form)
        copies = [copy for copy in self._alike[form.node] if self._trains(copy.data, update)]
        ratios = [self.ratio(copy, number) if number in copy.penalties else 0.0 for copy in copies]
        total = sum(r for r in ratios if r is not None)
        count = max(len(copies), self._copied_losses(form, update))
        if count <= 1 or None in ratios:
            return [ratio]
        if absolute is not None and self._adds_up(form, count):
            return [total, ratio]
        return [total / count, ratio]

    def common(self, form: Form) -> float | None:
        """Returns the factor of the data losses in a sum, where they all have the same one."""
        data = self._data(form)
        known = {node: c for node, c in data.items() if node in self._known} or data
        factors = {as_constant(coefficient) for coefficient in known.values()}
        return factors.pop() if len(factors) == 1 else None

    def mean_of_copies(self, form: Form, number: int) -> tuple[float, float] | None:
        """Returns a penalty's coefficient in the mean over the towers that a sum adds up.

        And the data loss's; `None` where it adds up no copies, or with unequal factors.
        """
        data, whole = self._data(form), as_constant(form.penalties[number])
        is_same = len({self._signature(node, _DEPTH) for node in data}) == 1 < len(data)
        common = self.common(form) if is_same and not self._adds_up(form, len(data)) else None
        return (whole / len(data), common) if whole is not None and common else None

    def is_open(self, form: Form, number: int, relative: float | None) -> bool:
        """Whether a sum of copies may be the loss, or a chart of towers that are averaged."""
        mean, ratio = self.mean_of_copies(form, number), self.ratio(form, number)
        return (
            mean is not None and close(mean[0] / mean[1], relative) and not close(ratio, relative)
        )

    def inner_scale(self, form: Form) -> float | None:
        """Returns the constant that scales the data loss before it is added up.

        Where nothing declares what the data loss is, such a factor may be the
        loss scale that the penalties were left out of.
        """
        if form.node not in self._inner:
            self._inner[form.node] = self._scale_within(form)
        return self._inner[form.node]

    def _scale_within(self, form: Form) -> float | None:
        if any(node in self._known for node in form.data):
            return None
        found = {
            as_constant(self._unscaled(node, coefficient)[1])
            for node, coefficient in form.data.items()
        }
        return found.pop() if len(found) == 1 else None

    def _data(self, form: Form) -> dict[int, np.ndarray]:
        """Returns the terms of data, without constants in front of each where they are copies."""
        if form.node not in self._plain:
            self._plain[form.node] = self._without_constants(form)
        return self._plain[form.node]

    def _without_constants(self, form: Form) -> dict[int, np.ndarray]:
        terms = {node: weight for node, weight in form.data.items() if not self._is_state(node)}
        terms = terms or form.data
        plain = [self._unscaled(node, weight) for node, weight in terms.items()]
        kinds = {self._signature(node, _DEPTH) for node, _ in plain}
        is_same = len({node for node, _ in plain}) == len(plain) > len(kinds) == 1
        is_bare = all(node in terms for node, _ in plain)
        return dict(plain) if is_same and not is_bare else terms

    def has_state(self, form: Form) -> bool:
        """Whether a sum adds to what a metric added up before."""
        return any(map(self._is_state, form.data))

    def _is_state(self, node: int) -> bool:
        """Whether a term is what a metric added up before, no loss."""
        kind = op_semantics.row(self._flow.graph.ops[node]).kind
        return kind in (Kind.READ, Kind.VARIABLE)

    def _unscaled(self, node: int, factor: np.ndarray) -> tuple[int, np.ndarray]:
        """Takes constants off a term of data; returns what is left, and the whole factor."""
        graph, flow = self._flow.graph, self._flow
        while graph.ops[node] in ("Mul", "Identity", "Cast"):
            inputs = graph.inputs[node]
            plain = [v for v in inputs if not flow.data[node_of(v)]]
            if graph.ops[node] == "Mul":
                constant = graph.attrs.constant(node_of(plain[0])) if plain else None
                if constant is None or constant.array is None or constant.array.size != 1:
                    break
                factor = factor * float(constant.array.flat[0])
            node = node_of(next(v for v in inputs if flow.data[node_of(v)]))
        return node, factor

    def _reference(self, form: Form) -> np.ndarray | None:
        """Returns the data loss's coefficient in a sum, `None` where its terms disagree."""
        data = self._data(form)
        terms = {node: c for node, c in data.items() if node in self._known} or data
        if not terms:
            return np.ones(1, np.complex128)
        coefficients = list(terms.values())
        first = coefficients[0]
        if all(np.allclose(c, first, rtol=1e-6, atol=0) for c in coefficients):
            return self._summed(terms, first, form.node)
        if any(np.allclose(c, 1, rtol=1e-6, atol=0) for c in coefficients):
            return np.ones(1, np.complex128)
        return None

    def _summed(self, terms: dict[int, np.ndarray], first: np.ndarray, top: int) -> np.ndarray:
        """Adds up the coefficients of copies: a mean over towers written out in one sum."""
        # A tower may have losses of its own kinds: a main head and one beside it.
        counts = collections.Counter(self._signature(node, _DEPTH) for node in terms)
        copies, constant = min(counts.values()), as_constant(first)
        if copies < 2 or max(counts.values()) > copies or constant is None:
            return first
        is_mean = abs(constant * copies - 1) < 1e-5 or self._is_averaged(
            next(iter(terms)), copies, top
        )
        return first * copies if is_mean else first

    def _is_averaged(self, node: int, count: int, top: int) -> bool:
        """Whether the sum that a loss is first added up in is divided by the number of terms."""
        graph, inside = self._flow.graph, self._arithmetic(top)
        for _ in range(16):
            if node == top:
                return False  # What is done with the sum later is for a report.
            # A gradient may read a loss as well, for the factor in front of it.
            sums = list({edge >> PORT_BITS for edge in graph.readers(node)} & inside)
            if len(sums) != 1:
                return False
            node = sums[0]
            if graph.ops[node] == "Mean":
                return True
            if self._divisor(node) is not None:
                return self._is_divided(node, count)
        return False

    def _arithmetic(self, top: int) -> set[int]:
        """Returns the ops that add up, scale and average the scalars that a sum is made of."""
        graph, found, stack = self._flow.graph, {top}, [top]
        while stack and len(found) < _MANY:
            for value in graph.inputs[stack.pop()]:
                operand, op = node_of(value), graph.ops[node_of(value)]
                is_scalar = self._flow.ranks.rank(value) in (0, None) or op == "Pack"
                adds_up = op_semantics.row(op).kind in _AVERAGING or op in ("Pack", "Mean")
                if is_scalar and adds_up and operand not in found:
                    found.add(operand)
                    stack.append(operand)
        return found

    def _copies(self, form: Form) -> list[Form]:
        """Returns the sums whose data losses are copies of this one's, itself included."""
        mine = self._shape(form)
        taken: set[int] = set()
        found = []
        for other in [form, *(f for f in self._forms if f is not form)]:
            if self._shape(other) == mine and not taken & set(other.data):
                taken |= set(other.data)
                found.append(other)
        return found

    def _shape(self, form: Form) -> tuple[int, ...]:
        return tuple(sorted(self._signature(node, _DEPTH) for node in form.data))

    def _trains(self, losses: Iterable[int], update: Update) -> bool:
        """Whether the gradients of data losses arrive at an update.

        What a loss is computed from is what its gradient is made of.
        """
        for loss in losses:
            if loss not in self._arrivals:
                rivals = {n for form in self._forms for n in form.data} | self._known
                others = {s for n in rivals - {loss} for s in self._gradient_sources(n)}
                own = self._gradient_sources(loss)
                arrived = self._flow.propagate(own - others or own)
                peers = replicas.peers(self._flow.graph, arrived)
                self._arrivals[loss] = self._flow.propagate(peers, arrived)
            if not any(self._arrivals[loss][node_of(port)] for port in update.ports):
                return False
        return True

    def _gradient_sources(self, loss: int) -> set[int]:
        """Returns what the gradient of a loss is computed with, near the loss.

        The gradients of sums and means need shapes only; the first ops that are
        not linear need what they read, or hand it over themselves.
        """
        graph, flow = self._flow.graph, self._flow
        found, stack, seen = set[int](), [loss], {loss}
        while stack:
            node = stack.pop()
            op = graph.ops[node]
            operands = [node_of(v) for v in graph.inputs[node] if flow.data[node_of(v)]]
            if op.endswith("CrossEntropyWithLogits") or op.startswith("CTCLoss"):
                found.add(node)
            elif op_semantics.row(op).kind not in _LINEAR:
                found.update(operands)
            else:
                stack.extend(operand for operand in operands if operand not in seen)
                seen.update(operands)
        return found

    def _copied_losses(self, form: Form, update: Update) -> int:
        """Returns how many copies of the data losses of a sum train a variable."""
        known = [node for node in form.data if node in self._known]
        if known:
            shapes = {self._signature(node, _DEPTH) for node in known}
            same = [node for node in self._known if self._signature(node, _DEPTH) in shapes]
            same = [node for node in same if self._trains([node], update)]
            return len(same) // len(known)
        counts = []
        for node in form.data:
            mine = self._signature(node, _DEPTH)
            alike = self._flow.graph.nodes_with_op(self._flow.graph.ops[node])
            if len(alike) > _MANY:
                return 1
            # What reads the same is no copy: a gradient, with the seed in place of a factor.
            mine_reads = self._data_operands(node)
            counts.append(
                sum(
                    self._signature(other, _DEPTH) == mine
                    and (other == node or not mine_reads & self._data_operands(other))
                    and self._trains([other], update)
                    for other in alike
                )
            )
        return counts[0] if len(counts) == 1 else 1

    def _data_operands(self, node: int) -> set[int]:
        operands = map(node_of, self._flow.graph.inputs[node])
        return {operand for operand in operands if self._flow.data[operand]}

    def _signature(self, node: int, depth: int) -> int:
        """Returns a number that is equal for computations of equal structure."""
        stack = [(node, depth)]
        while stack:
            current, left = stack[-1]
            if (current, left) in self._signatures:
                stack.pop()
                continue
            graph = self._flow.graph
            op = graph.ops[current]
            kind = op_semantics.row(op).kind
            operands: list[int] = []
            if left and kind not in (Kind.VARIABLE, Kind.READ, Kind.CONSTANT):
                operands = [node_of(v) for v in graph.inputs[current][:8]]
            missing = [(o, left - 1) for o in operands if (o, left - 1) not in self._signatures]
            if missing:
                stack.extend(missing)
                continue
            parts = tuple(self._signatures[(o, left - 1)] for o in operands)
            self._signatures[(current, left)] = hash((op, parts))
            stack.pop()
        return self._signatures[(node, depth)]

    def _adds_up(self, form: Form, count: int) -> bool:
        """Whether copies of the data loss add up to a mean.

        Each is a sum over examples, divided by a fixed number or by none, or is
        divided by the number of copies.
        """
        if any(self._is_sum_over_examples(node) for node in form.data):
            return True
        return all(self._is_divided(node, count) for node in form.data)

    def _is_sum_over_examples(self, node: int) -> bool:
        graph, flow = self._flow.graph, self._flow
        for _ in range(16):
            op, inputs = graph.ops[node], graph.inputs[node]
            kind = op_semantics.row(op).kind
            if op == "Sum":
                return not flow.ranks.is_scalar(inputs[0])
            if kind in (Kind.PASS, Kind.CUT) or op == "Neg":
                node = node_of(inputs[0])
            elif kind in (Kind.MULTIPLY, Kind.DIVIDE) and len(inputs) == 2:
                fixed = [v for v in inputs if not flow.data[node_of(v)] and self._is_fixed(v)]
                if len(fixed) != 1:
                    return False
                node = node_of(inputs[0] if inputs[1] is fixed[0] else inputs[1])
            else:
                return False
        return False

    def _is_divided(self, node: int, count: int) -> bool:
        """Whether a loss is divided by the number of its copies, as slim's clones do."""
        divisor = self._divisor(self._flow.graph.source(node))
        return divisor is not None and abs(divisor - count) < 1e-5 * count

    def _divisor(self, node: int) -> float | None:
        """Returns the constant that an op divides by, `None` where it does not."""
        graph = self._flow.graph
        divides = op_semantics.row(graph.ops[node]).kind is Kind.DIVIDE
        if not divides and graph.ops[node] != "Mul":
            return None
        for value in graph.inputs[node][1 if divides else 0 :]:
            constant = graph.attrs.constant(graph.source(node_of(value)))
            if constant is not None and constant.array is not None and constant.array.size == 1:
                factor = float(constant.array.flat[0])
                return factor if divides else 1 / factor if factor else None
        return None

    def _is_fixed(self, value: int) -> bool:
        """Whether a factor is a constant, not a count that is taken from the data's shape."""
        graph, stack, seen = self._flow.graph, [node_of(value)], set[int]()
        while stack and len(seen) < 64:
            node = stack.pop()
            if graph.ops[node] in ("Shape", "Size", "ShapeN"):
                return False
            if node not in seen:
                seen.add(node)
                stack.extend(node_of(v) for v in graph.inputs[node])
        return True
