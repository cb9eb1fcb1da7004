# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which multipliers are the same but for rounding: strengths are stored in float32."""

from __future__ import annotations

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
