# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether and how a penalty arrives at an update."""

from __future__ import annotations

import dataclasses

from tb_regloss.analysis.ops.closeness import same


@dataclasses.dataclass(frozen=True)
class Reach:
    """Whether a penalty arrives at the updates of one variable.

    Attributes:
      is_reached: its gradient is in the update.
      is_unknown: it could not be told; `obstacle` says why.
      multiplier: `None` where not a constant.
    """

    is_reached: bool = False
    is_unknown: bool = False
    multiplier: float | None = None
    obstacle: str = ""


def agree(left: Reach, right: Reach) -> bool:
    """Whether a penalty arrives at two updates in the same way."""
    is_same = same(left.multiplier, right.multiplier)
    return is_same and dataclasses.replace(left, multiplier=right.multiplier) == right
