# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What an evaluation starts from: constants, variables, hyperparameters, data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.graph.op_graph import Constant, node_of, value_of
from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.sampled import NOTHING, Sampled

STEP = 1e-30  # of complex-step differentiation: no cancellation, so as small as can be
_EXAMPLES = 3  # where the graph leaves a size open


def direction(shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Returns the direction in which a dense variable is perturbed."""
    return np.random.default_rng(7).uniform(0.5, 1.5, shape)


class Leaves:
    """Sampled leaves of one graph; for the arguments see `evaluate.Evaluator`."""

    def __init__(
        self,
        flow: Flow,
        numbering: Numbering,
        perturbed: int | None,
        dense: bool,
        negated: Collection[int],
    ) -> None:
        self._flow, self._numbering = flow, numbering
        self._perturbed, self._dense, self._negated = perturbed, dense, negated
        # By identity, as equal constants are shared; kept, so that no other gets its identity.
        self._constants: dict[int, tuple[Constant, Sampled]] = {}
        # Each tower reads each variable. Dense ones are too large to be kept.
        self._filled: dict[int, Sampled] = {}

    def batch(self, value: int) -> tuple[int, ...] | None:
        """Returns a shape to assume for data: equally many examples where no number is given."""
        rank, attrs = self._flow.ranks.rank(value), self._flow.graph.attrs
        if rank is None:
            return None
        sizes = attrs.attr(node_of(value), "shape") or ()
        if len(sizes) != rank:
            return (_EXAMPLES,) * rank
        return tuple(_EXAMPLES if size is None else size for size in sizes)

    def symbol(self, value: int, shape: tuple[int, ...] | None) -> Sampled:
        """Returns random numbers that stand for a value; the same for equal values."""
        return Sampled(shape, sampled.random_numbers(self._numbering.number(value) * 2 + 1))

    def placeholder_shape(self, node: int) -> tuple[int, ...] | None:
        """Returns the shape of a fed hyperparameter."""
        shape = self._flow.graph.attrs.attr(node, "shape")
        if shape is None:
            return ()
        return tuple(_EXAMPLES if size is None else size for size in shape)

    def constant(self, node: int) -> Sampled:
        """Returns the value of a Const op."""
        constant = self._flow.graph.attrs.constant(node)
        if constant is None:
            return NOTHING
        if constant.array is None:
            return self.symbol(value_of(node), constant.shape) if constant.is_float else NOTHING
        known = self._constants.get(id(constant))
        if known is None:
            known = constant, sampled.from_constant(constant.array, constant.shape)
            self._constants[id(constant)] = known
        return known[1]

    def variable(self, handle: int) -> Sampled:
        """Returns a variable, perturbed or not."""
        found = self._flow.variables.behind(handle)
        if found is None:
            return NOTHING
        if found.node in self._filled:
            return self._filled[found.node]
        shape = None
        if found.shape is not None:
            shape = tuple(_EXAMPLES if size is None else size for size in found.shape)
        key = found.node * 2
        if self._dense and shape and sampled.is_small(shape):
            random = np.random.default_rng(key)
            array = random.uniform(0.5, 1.5, (sampled.DRAWS, *shape)).astype(np.complex128)
            array *= random.choice([-1.0, 1.0], array.shape)
            array = -array if found.node in self._negated else array
            if self._perturbed == found.node:
                array += 1j * STEP * direction(shape)
            return Sampled(shape, array)
        numbers = sampled.random_numbers(key)
        if shape != ():
            # Both signs, or |v| could not be told from v.
            numbers = numbers * np.where(sampled.random_numbers(key + 77).real > 1, 1, -1)
        numbers = -numbers if found.node in self._negated else numbers
        if self._perturbed == found.node:
            numbers = numbers + 1j * STEP
        self._filled[found.node] = Sampled(shape, numbers)
        return self._filled[found.node]
