# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The three series on their common steps, and what a fit of them says."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Half a unit in the last place of float32: the relative error of one rounding.
FLOAT32_ROUNDING = 2.0**-24
# Roundings between the tensors and the three logged numbers. Measured on logs
# of TensorFlow programs: 1 to 2; sums of dozens of terms add to that.
_ROUNDINGS = 4.0
# 99% of a normal distribution, two-sided.
Z99 = 2.576
# Rounding is no noise where the penalty is small: what is below half a unit of
# the sum is swallowed at every step, in the same direction. This part of the
# rounding bound (half a unit is 1/8 of it) does not average out.
_BIAS = 0.2
# A multiplier is called an integer if its interval holds one and reaches no
# farther from it than this, or than this part of it.
WIDEST = 0.05
_WIDEST_PART = 0.02


class Regime(enum.Enum):
    """How well the three series fit together."""

    EXACT = "exact"
    SCALED = "scaled"
    LAGGING = "lagging"


@dataclasses.dataclass(frozen=True)
class Samples:
    """The three series on their common steps, finite values only.

    Attributes:
      steps: int64 `[n]`, strictly ascending.
      wall_times: float64 `[n]`, seconds since the epoch.
      optimized: float64 `[n]`.
      data: float64 `[n]`.
      regularization: float64 `[n]`.
      terms: tags that were summed, at least 3; each adds roundings.
    """

    steps: npt.NDArray[np.int64]
    wall_times: Floats
    optimized: Floats
    data: Floats
    regularization: Floats
    terms: int = 3

    def __len__(self) -> int:
        """Returns the number of common steps."""
        return len(self.steps)

    def select(self, chosen: npt.NDArray[np.bool_] | slice) -> Samples:
        """Returns the samples at the chosen steps."""
        return Samples(
            self.steps[chosen],
            self.wall_times[chosen],
            self.optimized[chosen],
            self.data[chosen],
            self.regularization[chosen],
            self.terms,
        )

    def rounding(self, multiplier: float = 1.0) -> Floats:
        """Returns how far float32 may put each step's identity off, `[n]`."""
        return self.rounding_of(1.0, max(1.0, abs(multiplier)))

    def rounding_of(self, scale: float, weight: float) -> Floats:
        """Returns the same for optimized = scale * data + weight * regularization."""
        size = np.abs(self.optimized) + np.abs(scale * self.data)
        size = size + np.abs(weight * self.regularization)
        # The smallest normal float32 keeps all-zero steps from dividing by zero.
        return (_ROUNDINGS + self.terms - 3) * FLOAT32_ROUNDING * size + 1.2e-38


@dataclasses.dataclass(frozen=True)
class Fit:
    """What one way to look found.

    Attributes:
      multiplier: m, relative to the data loss's coefficient.
      low: lower end of the 99% interval of m.
      high: its upper end.
      scale: a, the data loss's coefficient in the optimized loss.
      regime: the way to look.
    """

    multiplier: float
    low: float
    high: float
    scale: float
    regime: Regime

    @property
    def integer(self) -> int | None:
        """The one integer that the interval singles out, or `None`."""
        nearest = round(self.multiplier)
        inside = self.low <= nearest <= self.high
        reach = min(max(WIDEST, _WIDEST_PART * abs(nearest)), 0.45)
        narrow = nearest - self.low <= reach and self.high - nearest <= reach
        return nearest if inside and narrow else None


def least_squares(design: Floats, target: Floats, error: Floats) -> tuple[Floats, Floats] | None:
    """Returns coefficients and the half widths of their 99% intervals.

    `None` where the columns are dependent. `error` bounds what rounding does to
    each row.
    """
    weighted = design / error[:, None]
    spread = np.sqrt(np.sum(weighted**2, axis=0))
    if len(target) < design.shape[1] or np.any(spread == 0):
        return None
    unit = weighted / spread
    left, singular, right = np.linalg.svd(unit, full_matrices=False)
    if singular[-1] < 1e-9 * singular[0]:
        return None
    inverse = (right.T / singular) @ left.T
    values = inverse @ (target / error)
    halves = Z99 * np.sqrt(np.sum(inverse**2, axis=1)) + _BIAS * np.sum(np.abs(inverse), axis=1)
    return values / spread, halves / spread
