# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether penalties without a gradient path are in the value of the optimized loss.

`model.losses` makes new tensors at each read, and penalties are computed twice
in hand-written loops too: a tensor that does not lead to the optimized loss
may have a twin that does. To call it missing, its value must be missing, too.
"""

from __future__ import annotations

from collections.abc import Sequence

# Of the larger of the losses: float32 sums of many terms are not exacter.
_TOLERANCE = 1e-5


def settle(
    data: float,
    penalties: Sequence[float],
    optimized: float,
    multipliers: Sequence[float | None],
) -> tuple[list[float | None], bool]:
    """Returns the multipliers with what the values tell of those that are not known.

    Args:
      data: the data loss, in the unit of the optimized loss.
      penalties: their values.
      optimized: the optimized loss.
      multipliers: `None` for a penalty whose tensor does not lead there.

    Returns:
      The multipliers: 0.0 in place of `None` where the values leave no room
      for these penalties. And whether the values hold all of them, once.
    """
    known = sum(p * m for p, m in zip(penalties, multipliers, strict=True) if m is not None)
    unknown = sum(p for p, m in zip(penalties, multipliers, strict=True) if m is None)
    gap = optimized - data - known
    tolerance = _TOLERANCE * max(abs(optimized), abs(data), abs(known), abs(unknown))
    if not abs(unknown) > 10 * tolerance:  # Too small to tell, or NaN.
        return list(multipliers), False
    if abs(gap) <= tolerance:
        return [0.0 if m is None else m for m in multipliers], False
    return list(multipliers), abs(gap - unknown) <= tolerance
