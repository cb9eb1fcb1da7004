# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the oracle measures of one step of a program."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FACTOR = 11.0  # A large one: the change must stand out of float32 rounding.


@dataclasses.dataclass(frozen=True)
class Measured:
    """One step of a program.

    Attributes:
      ports: gradient at the optimizer's input, by trained variable.
      data: dD/dv by trained variable.
      penalties: dR/dv by (key, variable).
      values: the value of each R by key.
      optimized: the value of the optimized loss, `None` where there is not one.
      reaches: whether R's value moves the optimized loss, where that was
        measured for R alone.
    """

    ports: Mapping[str, Array]
    data: Mapping[str, Array]
    penalties: Mapping[tuple[str, str], Array]
    values: Mapping[str, float]
    optimized: float | None
    reaches: Mapping[str, bool] = dataclasses.field(default_factory=dict)


def strength_of(key: str) -> str:
    """Returns the strength of a penalty: `decay:3` is one of several with strength `decay`."""
    return key.split(":")[0]


def start_value(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Returns the value that a trained variable starts from in every run of the oracle."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    return random.normal(0.2, 0.5, size=shape).astype(np.float32)
