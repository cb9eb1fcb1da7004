# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The only file that decides (being written)."""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.facts import RunFacts
from tb_regloss.analysis.proof import GraphProof
from tb_regloss.analysis.verdict_types import RunVerdict, Severity, Status


def judge(facts: RunFacts, proofs: Sequence[GraphProof]) -> RunVerdict:
    """Returns the verdict on a run."""
    return RunVerdict(Status.UNKNOWN, Severity.UNKNOWN, "Not decided yet")
