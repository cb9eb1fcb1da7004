# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which reductions over replicas exchange with each other.

`CollectiveReduceV2` (`tensorflow/core/ops/collective_ops.cc`) names its group
by keys that are often captured from outside, so that the graph shows no number.
Then all reductions of one group key belong together if there are as many of
them as the group has members.
"""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.graph.op_graph import OpGraph, node_of

_REDUCTIONS = ("CollectiveReduce", "CollectiveReduceV2", "CollectiveReduceV3", "NcclAllReduce")


def members(graph: OpGraph, node: int) -> list[int]:
    """Returns all reductions in the graph that exchange with one, itself included."""
    op = graph.ops[node]
    if op not in _REDUCTIONS:
        return [node]
    mine = group(graph, node)
    return [other for other in graph.nodes_with_op(op) if group(graph, other) == mine]


def peers(graph: OpGraph, reached: Sequence[int]) -> list[int]:
    """Returns the reductions that others, which were reached, hand what they got on to.

    Args:
      graph: the graph.
      reached: 1 for each node that was reached.
    """
    found = [n for op in _REDUCTIONS for n in graph.nodes_with_op(op) if reached[n]]
    return [other for node in found for other in members(graph, node)]


def size(graph: OpGraph, node: int) -> int | None:
    """Returns the number of replicas that a reduction joins, `None` where not known."""
    attrs = graph.attrs
    found = attrs.attr(node, "group_size") or attrs.attr(node, "num_devices")
    if found is None and graph.ops[node] == "CollectiveReduceV2":
        found = _constant(graph, node, 1)
    return found if isinstance(found, int) and found > 0 else None


def group(graph: OpGraph, node: int) -> object:
    """Returns what is equal for reductions that exchange with each other."""
    attrs, op, inputs = graph.attrs, graph.ops[node], graph.inputs[node]
    if op == "NcclAllReduce":
        return attrs.attr(node, "shared_name")
    if op == "CollectiveReduce":
        return (attrs.attr(node, "group_key"), attrs.attr(node, "instance_key"))
    if op != "CollectiveReduceV2" or len(inputs) < 4:
        return node
    key, instance = _constant(graph, node, 2), _constant(graph, node, 3)
    if instance is not None:
        return (key, instance)
    same = [n for n in graph.nodes_with_op(op) if _constant(graph, n, 2) == key]
    return (key, "all") if len(same) == size(graph, node) else (key, inputs[3])


def _constant(graph: OpGraph, node: int, position: int) -> int | None:
    if len(graph.inputs[node]) <= position:
        return None
    source = node_of(graph.inputs[node][position])
    constant = graph.attrs.constant(source) if graph.ops[source] == "Const" else None
    if constant is None or constant.array is None or constant.array.size != 1:
        return None
    return int(constant.array.flat[0].real)
