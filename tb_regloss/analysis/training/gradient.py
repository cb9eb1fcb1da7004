# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Does dR/dv enter the update of v? The comparison at the gradient port."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.graph.op_graph import node_of, value_of
from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.closeness import as_constant
from tb_regloss.analysis.training.updates import Training, Update
from tb_regloss.analysis.values.evaluate import Evaluator
from tb_regloss.analysis.values.leaves import STEP, direction

Array = sampled.Array
Values = npt.NDArray[np.float64]
_DRAWN = np.zeros(sampled.DRAWS, np.complex128)  # added to what is the same at all points
_RELATIVE = 1e-6  # strengths are stored in float32
# What cancels exactly leaves float64 rounding at most; a strength applied twice
# (1e-5 squared) leaves more.
_VANISHING = 1e-14


@dataclasses.dataclass(frozen=True)
class Received:
    """What an update receives, at the sampled points.

    Attributes:
      penalty: the part of the gradient that comes from penalties alone, summed
        over the variable's elements, `[DRAWS]`; NaN where not evaluated.
      data: the coefficient of the part that comes from data, `[DRAWS]`.
    """

    penalty: Array
    data: Array


class Gradients:
    """Derivatives of penalties, and what the updates of a graph receive."""

    def __init__(self, flow: Flow, numbering: Numbering, training: Training) -> None:
        self._flow, self._numbering, self._state = flow, numbering, training.state
        self._evaluators = {
            dense: Evaluator(flow, numbering, dense=dense, state=training.state)
            for dense in (False, True)
        }
        self._plain = Evaluator(flow, numbering, perturbed=-1)
        self._received: dict[tuple[tuple[int, ...], bool], Received] = {}

    def derivative(self, node: int, variable: int, dense: bool = False) -> Array:
        """Returns the derivative of a loss along the sampled direction, `[DRAWS]`."""
        evaluator = Evaluator(self._flow, self._numbering, perturbed=variable, dense=dense)
        found = self._one(node, evaluator.value(value_of(node)))
        return np.asarray(found.imag / STEP + _DRAWN)

    def loss(self, node: int, dense: bool = False, negated: Collection[int] = ()) -> Values:
        """Returns the value of a loss, `[DRAWS]`."""
        evaluator = self._plain
        if dense or negated:  # Dense values are too large to be kept.
            evaluator = Evaluator(self._flow, self._numbering, -1, dense, negated=negated)
        return self._one(node, evaluator.value(value_of(node))).real + _DRAWN.real

    def _one(self, node: int, found: sampled.Sampled) -> Array:
        """Returns a loss as one number; what each example was given counts once."""
        loss = sampled.collapse(found)
        is_scalar = self._flow.ranks.is_scalar(value_of(node))
        if not is_scalar and loss.is_filled and loss_vectors.is_spread(self._flow, node):
            return loss.array
        return loss.total(1)

    def own_value(self, variable: int) -> Array | None:
        """Returns the sum of a variable's elements, `[DRAWS]`, `None` where not known."""
        evaluator = self._evaluators[False]
        found = self._flow.variables.by_node.get(variable)
        reads = self._flow.reads.get(variable)
        if found is None or found.shape is None or not reads:
            return None
        return evaluator.value(value_of(reads[0])).total(None).real + _DRAWN

    def received(self, update: Update, dense: bool = False) -> Received:
        """Returns what an update receives."""
        key = (update.ports, dense)
        if key not in self._received:
            self._received[key] = self._evaluate(update, dense)
        return self._received[key]

    def _evaluate(self, update: Update, dense: bool) -> Received:
        variable = self._flow.variables.by_node.get(update.variable)
        shape = None
        if variable is not None and variable.shape is not None:
            shape = tuple(3 if size is None else size for size in variable.shape)
        count = None if shape is None else math.prod(shape)
        best = Received(np.full(sampled.DRAWS, np.nan + 0j), np.zeros(sampled.DRAWS, np.complex128))
        for port in update.ports:
            tensor = self._evaluators[dense].value(port)
            if variable is not None and variable.is_assumed and tensor.is_filled:
                # The penalties' derivatives have as few elements as it is assumed to have.
                tensor = sampled.filled(tensor.array, shape)
            # How many rows a sparse gradient has is not known where its shape is not.
            rows = None if update.sparse else count
            total = _along(tensor, shape) if dense else tensor.total(rows)
            penalty = total.real + _DRAWN
            best = Received(penalty, total.imag / (count or 1) + _DRAWN)
            if not np.isnan(penalty.real).any():
                break
        return best

    @property
    def cancelled(self) -> set[int]:
        """The sums in which parts of penalties cancelled out."""
        return self._evaluators[False].cancelled

    @property
    def ends(self) -> set[int]:
        """The ops at which following a gradient ended."""
        return self._evaluators[False].hidden

    def is_uncounted(self, data: Array) -> bool:
        """Whether data's part of a gradient is a sum over steps whose number is not in the graph.

        An accumulator divides by it later, or a constant does in a program; a
        loop with another factor than its number of rounds has no known mean.
        """
        for variable in self._state:
            share = as_constant(data / Evaluator.times_added(variable))
            if share is not None:
                return share == 1.0
        return any(as_constant(once) is not None for once in self.once_around(data))

    def is_counted(self, times: float | None) -> bool:
        """Whether loops add up data's part of a gradient so often, each round a loss of its own."""
        fixed = self._evaluators[False].rounds.fixed()
        return times is not None and any(times % count == 0 for count in fixed if count > 1)

    def once_around(self, data: Array) -> list[Array]:
        """Returns data's part of a gradient for one round of each loop whose rounds vary."""
        return [data / count for count in self._evaluators[False].rounds.varying()]

    def followed(self) -> tuple[set[int], set[int]]:
        """Returns what flows into gradients: what was evaluated, and what was not followed.

        To be called after all updates were evaluated.
        """
        flow, evaluator = self._flow, self._evaluators[False]
        hidden = set(evaluator.hidden)
        stack = list(hidden)
        while stack:
            for value in flow.value_inputs(stack.pop()):
                operand = node_of(value)
                if operand not in hidden:
                    hidden.add(operand)
                    stack.append(operand)
        return evaluator.evaluated, hidden


def _along(tensor: sampled.Sampled, shape: tuple[int, ...] | None) -> Array:
    """Returns the inner product with the direction in which variables are perturbed."""
    solid = sampled.densify(sampled.collapse(tensor))
    if solid is None or shape is None or solid.array.shape[1:] != shape:
        filled = sampled.collapse(tensor)
        if filled.is_filled and shape is not None and not filled.array.real.any():
            return filled.array * math.prod(shape)
        return np.full(1, np.nan, np.complex128)
    product = solid.array * direction(shape)
    return np.asarray(product.reshape(product.shape[0], -1).sum(axis=1))


def is_zero(values: Array, scale: Array) -> bool:
    """Whether a quantity vanishes next to another one, at all points."""
    size = float(np.abs(scale).max(initial=0.0))
    return bool(np.abs(values).max(initial=0.0) <= _VANISHING * size)


def fit(received: Array, derivatives: dict[int, Array]) -> dict[int, float] | None:
    """Returns the factors with which derivatives add up to what was received.

    Args:
      received: `[DRAWS]`.
      derivatives: `[DRAWS]` by penalty class; not all zero.

    Returns:
      a factor by class, `None` where no constants fit or more than one choice does.
    """
    classes = list(derivatives)
    matrix = np.stack([derivatives[number].real for number in classes], axis=1)
    target = received.real
    if not (np.isfinite(matrix).all() and np.isfinite(target).all()):
        return None
    size = np.abs(matrix).max(axis=0)
    if not size.all():
        return None
    if np.abs(target - matrix.sum(axis=1)).max() <= _RELATIVE * np.abs(matrix).sum(axis=1).max():
        return dict.fromkeys(classes, 1.0)
    if len(classes) > sampled.DRAWS - 2:
        return None
    factors, _, rank, _ = np.linalg.lstsq(matrix / size, target, rcond=1e-9)
    if rank < len(classes):
        return None
    if np.abs(target - matrix / size @ factors).max() > _RELATIVE * max(
        np.abs(target).max(), 1e-300
    ):
        return None
    found = {}
    # Of several factors that were fitted together, the smallest may be rounding.
    noise = _RELATIVE * np.abs(factors).max() if len(classes) > 1 else 0.0
    factors = np.where(np.abs(factors) <= noise, 0.0, factors)
    for number, factor in zip(classes, factors / size, strict=True):
        constant = as_constant(np.asarray([factor], np.complex128))
        found[number] = 0.0 if constant is None else constant
    return found
