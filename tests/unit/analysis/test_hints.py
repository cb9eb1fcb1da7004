# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What tells who wrote a graph; `tests/zoo/test_advice.py` shows it on real programs."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.graph import hints
from tests.helpers.graphs import Graph


@pytest.mark.parametrize(
    ("scopes", "copies"),
    [
        ((), 1),
        (("tower_0", "tower_1", "tower_2"), 3),
        (("a/clone_0", "a/clone_1"), 2),
        # MirroredStrategy gives the first replica no prefix.
        (("replica_1",), 2),
        # A lone name, and names that only look alike.
        (("tower_0",), 1),
        (("my_tower_7", "tower_x", "towers_3"), 1),
    ],
)
def test_copies_by_their_scopes(scopes: tuple[str, ...], copies: int) -> None:
    graph = Graph()
    for scope in scopes:
        graph.scope(scope)
        graph.const("c", 1.0)
    assert hints.copies(graph.parse().graph) == copies
