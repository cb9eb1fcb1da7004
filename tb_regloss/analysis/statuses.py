# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The contract's table: from the statuses of regularization losses to that of a run."""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.verdict_types import Status

# Harmless: they do not count.
DROPPED = (Status.FROZEN, Status.ZERO)
LOST = (Status.MISSING, Status.BLOCKED)
_REACHING = (Status.INCLUDED, Status.SCALED, Status.DOUBLE_COUNTED, Status.PARTIAL)


def run_status(losses: Sequence[Status], decays: bool, is_certain: bool) -> Status:
    """Returns a run's status by the contract's table.

    Args:
      losses: the statuses of its regularization losses.
      decays: whether its optimizer decays weights itself.
      is_certain: whether a graph or a declaration says that there are no others.
    """
    kept = [status for status in losses if status not in DROPPED]
    if not kept:
        if decays:
            return Status.DECOUPLED
        return Status.NO_REGULARIZATION if is_certain else Status.UNKNOWN
    lost = any(status in (*LOST, Status.PARTIAL) for status in kept)
    if lost and any(status in _REACHING for status in kept):
        return Status.PARTIAL
    for status in (*LOST, Status.UNKNOWN, Status.DOUBLE_COUNTED, Status.SCALED):
        if status in kept:
            return status
    return Status.INCLUDED
