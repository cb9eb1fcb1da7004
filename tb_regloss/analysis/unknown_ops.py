# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an op whose meaning is not known may have swallowed a penalty."""

from __future__ import annotations

from tb_regloss.analysis import op_functions, op_semantics
from tb_regloss.analysis.flow import Flow
from tb_regloss.analysis.op_graph import PORT_BITS, value_of
from tb_regloss.analysis.penalties import norm_root

# They read variables, though the table says nothing of them.
_KNOWN_READERS = frozenset(["SaveV2", "Save", "SaveSlices", "Assign", "AssignAdd", "AssignSub"])


def goes_into_unknown(flow: Flow, variable: int) -> bool:
    """Whether an op whose meaning is not known reads a variable: it may be a penalty's."""
    graph = flow.graph
    readers = {
        graph.ops[edge >> PORT_BITS]
        for read in flow.reads.get(variable, ())
        for edge in graph.readers(read)
    }
    return not all(op in _KNOWN_READERS or _is_understood(op) for op in readers)


def _is_understood(op: str) -> bool:
    return op_semantics.is_known(op) or op in op_functions.FUNCTIONS


def norms_into_unknown(flow: Flow) -> bool:
    """Whether a scalar that may be a penalty goes into an op whose meaning is not known."""
    graph = flow.graph
    for op in ("L2Loss", "Sum", "Mul"):
        for node in graph.nodes_with_op(op):
            if flow.data[node] or not flow.parameters[node]:
                continue
            if not flow.ranks.is_scalar(value_of(node)) or norm_root(flow, node) is None:
                continue
            readers = {graph.ops[edge >> PORT_BITS] for edge in graph.readers(node)}
            readers = {op for op in readers if not op_semantics.is_summary(op)}
            if not all(map(_is_understood, readers)):
                return True
    return False
