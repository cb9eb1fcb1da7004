# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Flat graphs of small GraphDefs."""

from __future__ import annotations

from tb_regloss.analysis.graph.op_graph import OpGraph
from tb_regloss.formats import graph_def, light_graph
from tests.helpers.graphs import FLOAT, Graph


def flat(graph: Graph) -> OpGraph:
    return graph_def.op_graph(light_graph.Graph.FromString(graph.proto.SerializeToString()))


def operands(graph: OpGraph, name: str) -> list[str]:
    """Returns the names of a node's inputs, as `"op:1"`."""
    return [graph.value_name(value) for value in graph.inputs[graph.index[name]]]


def double(graph: Graph, name: str = "double") -> None:
    """Adds a function that returns its argument plus itself."""
    body = graph.function(name, {"x": FLOAT}, {"y": "sum:z:0"})
    body.op("AddV2", "x", "x", name="sum")
