# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that wait for themselves, which no program's do: the graph is damaged."""

from __future__ import annotations

import numpy as np

from tb_regloss.analysis.graph.op_graph import PORT_BITS, OpGraph

# By these a loop goes around.
_CLOSING = ("NextIteration", "RefNextIteration", "_LoopVar")


def first_cycle(graph: OpGraph) -> int | None:
    """Returns an op that waits for itself outside of loops, `None` where there is none."""
    packed, offsets = graph.edges
    readers = packed >> PORT_BITS
    sources = np.repeat(np.arange(len(graph)), np.diff(offsets))
    closing = np.zeros(len(graph), bool)
    for op in _CLOSING:
        closing[graph.nodes_with_op(op)] = True
    kept = ~closing[readers] & ~closing[sources]
    readers, sources = readers[kept], sources[kept]
    # Most programs write their ops down in the order in which they run.
    if (sources < readers).all():
        return None
    waits_for = np.bincount(readers, minlength=len(graph)).tolist()
    begins = np.searchsorted(sources, np.arange(len(graph) + 1)).tolist()
    reading = readers.tolist()
    ready = [node for node, count in enumerate(waits_for) if not count]
    for node in ready:
        for reader in reading[begins[node] : begins[node + 1]]:
            waits_for[reader] -= 1
            if not waits_for[reader]:
                ready.append(reader)
    return next((node for node, count in enumerate(waits_for) if count), None)
