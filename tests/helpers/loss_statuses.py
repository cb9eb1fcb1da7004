# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The statuses that a loss can have."""

from __future__ import annotations

from tb_regloss.analysis.verdict_types import (
    Status,
)

OF_LOSSES = (
    Status.INCLUDED,
    Status.MISSING,
    Status.PARTIAL,
    Status.SCALED,
    Status.DOUBLE_COUNTED,
    Status.BLOCKED,
    Status.FROZEN,
    Status.ZERO,
    Status.UNKNOWN,
)


BY_NAME = {status.value: status for status in Status}


MULTIPLIERS = {"included": 1.0, "missing": 0.0, "blocked": 0.0, "scaled": 0.5}
