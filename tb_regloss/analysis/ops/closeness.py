# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which numbers are the same but for rounding: strengths are stored in float32."""

from __future__ import annotations

import cmath
from typing import Any

import numpy as np

_RELATIVE = 1e-5


def close(left: float | None, right: float | None) -> bool:
    """Whether two numbers are known and the same.

    >>> close(0.5, 0.5000001), close(None, None)
    (True, False)
    """
    if left is None or right is None:
        return False
    return abs(left - right) <= _RELATIVE * max(abs(left), abs(right))


def same(left: float | None, right: float | None) -> bool:
    """Whether two numbers are the same, or both not known."""
    return left is right or close(left, right)


def is_whole(number: float) -> bool:
    """Whether a number is a whole one."""
    return abs(number - round(number)) <= _RELATIVE


def as_constant(array: np.ndarray[Any, Any]) -> float | None:
    """Returns the number that an array of draws shows, `None` where it varies."""
    # A handful of numbers: Python is faster with them than NumPy.
    values = np.asarray(array, np.complex128).ravel().tolist()
    if not all(cmath.isfinite(value) and abs(value.imag) <= 1e-6 for value in values):
        return None
    first = float(values[0].real)
    allowed = 1e-6 * max(abs(first), 1e-300)
    if any(abs(value.real - first) > allowed for value in values):
        return None
    nearest = round(first)
    return float(nearest) if abs(first - nearest) < 1e-6 and nearest else first
