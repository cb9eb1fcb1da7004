# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What one graph proves (being written)."""

from __future__ import annotations

import dataclasses

from tb_regloss.analysis.facts import Declaration
from tb_regloss.analysis.logged_graph import LoggedGraph


@dataclasses.dataclass(frozen=True)
class GraphProof:
    """What one graph proves of its regularization losses."""

    source: str


def prove(logged: LoggedGraph, declaration: Declaration | None = None) -> GraphProof:
    """Returns what the graph proves."""
    return GraphProof(logged.source)
