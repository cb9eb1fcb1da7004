# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A graph as it was found in a log, with what stood beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tb_regloss.analysis.graph import op_graph


@dataclasses.dataclass(frozen=True)
class LoggedGraph:
    """One graph of a run.

    Attributes:
      graph: its ops.
      collections: graph collections by name: tensor and op names in the order
        of the collection; empty for a bare GraphDef.
      source: where it was found, for people ("graph event 3 of events.out...").
      digest: hex digest of the serialized graph and its collections; equal
        digests mean equal proofs.
    """

    graph: op_graph.OpGraph
    collections: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    source: str = ""
    digest: str = ""
