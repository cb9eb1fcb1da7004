# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an op whose meaning is not known may have swallowed a penalty."""

from __future__ import annotations

from tb_regloss.analysis import op_functions, op_semantics, updates
from tb_regloss.analysis.flow import WRITES, Flow
from tb_regloss.analysis.op_graph import PORT_BITS, node_of, value_of
from tb_regloss.analysis.op_semantics import Kind
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
    return not all(op in _KNOWN_READERS or is_understood(op) for op in readers)


def updated(flow: Flow) -> dict[int, int]:
    """Returns ops whose meaning is not known and that may train a variable, by its node.

    They take the variable itself, not its value, and something that is computed
    from data and variables: so do the fused optimizers of other libraries.
    """
    graph, found = flow.graph, dict[int, int]()
    for op, nodes in graph.op_types.items():
        is_told = op in WRITES or updates.FUSED.match(op) or op_semantics.is_summary(op)
        if is_told or op in _KNOWN_READERS or is_understood(op):
            continue
        for node in nodes:
            inputs = graph.inputs[node]
            if graph.readers(node):
                continue  # It computes something with the variable.
            of_gradient = (flow.data[node_of(v)] and flow.parameters[node_of(v)] for v in inputs)
            if len(inputs) < 2 or not any(of_gradient):
                continue
            for value in inputs:
                kind = op_semantics.row(graph.ops[node_of(value)]).kind
                variable = flow.variables.by_node.get(node_of(value))
                if kind is Kind.VARIABLE and variable is not None and variable.is_float:
                    found.setdefault(variable.node, node)
    return found


def is_understood(op: str) -> bool:
    """Whether the table says what an op does to a value."""
    return op_semantics.is_known(op) or op in op_functions.FUNCTIONS


def norm_reader(flow: Flow) -> int | None:
    """Returns an op whose meaning is not known and that reads a scalar that may be a penalty."""
    graph = flow.graph
    for norm in ("L2Loss", "Sum", "Mul"):
        for node in graph.nodes_with_op(norm):
            if flow.data[node] or not flow.parameters[node]:
                continue
            if not flow.ranks.is_scalar(value_of(node)) or norm_root(flow, node) is None:
                continue
            for reader in (edge >> PORT_BITS for edge in graph.readers(node)):
                op = graph.ops[reader]
                # What nothing reads, and what only shows it, is part of no loss.
                is_told = is_understood(op) or op_semantics.is_summary(op)
                if graph.readers(reader) and not is_told:
                    return reader
    return None
