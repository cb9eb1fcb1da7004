# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Functions that call functions: what is not followed, and within which bounds."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.formats import graph_def
from tests.helpers.flat_graphs import double, flat, operands
from tests.helpers.graphs import FLOAT, Call, Graph


def not_followed(graph: Graph, why: str) -> None:
    found = flat(graph)
    assert any("was not followed" in o and why in o for o in found.obstacles), found.obstacles


def test_a_function_that_is_not_there_is_an_obstacle() -> None:
    graph = Graph()
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call("gone"))
    not_followed(graph, "no function 'gone'")


def test_a_call_of_nothing_is_an_obstacle() -> None:
    graph = Graph()
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call")
    graph.op("Case", "a", name="case")
    not_followed(graph, "")
    not_followed(graph, "it names no function")


def test_a_function_that_calls_itself_is_an_obstacle() -> None:
    graph = Graph()
    body = graph.function("again", {"x": FLOAT}, {"y": "call:output:0"})
    body.op("PartitionedCall", "x", name="call", f=Call("again"))
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call("again"))
    not_followed(graph, "calls itself")


def test_functions_that_call_each_other_are_an_obstacle() -> None:
    graph = Graph()
    for name, other in (("ping", "pong"), ("pong", "ping")):
        body = graph.function(name, {"x": FLOAT}, {"y": "call:output:0"})
        body.op("PartitionedCall", "x", name="call", f=Call(other))
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call("ping"))
    not_followed(graph, "calls itself")


def nested(depth: int, calls: int) -> Graph:
    """Returns a graph in which each function calls the next one so many times."""
    graph = Graph()
    double(graph, "level_0")
    for level in range(1, depth + 1):
        last = "x"
        body = graph.function(f"level_{level}", {"x": FLOAT}, {"y": f"call_{calls - 1}:output:0"})
        for number in range(calls):
            inner = Call(f"level_{level - 1}")
            body.op("PartitionedCall", last, name=f"call_{number}", f=inner)
            last = f"call_{number}:output:0"
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call(f"level_{depth}"))
    graph.op("Neg", "call", name="after")
    return graph


def test_calls_nested_below_the_bound_are_followed() -> None:
    found = flat(nested(150, 1))
    assert not found.obstacles
    assert found.ops[node_of(found.inputs[found.index["after"]][0])] == "AddV2"


def test_calls_nested_beyond_the_bound_are_an_obstacle() -> None:
    not_followed(nested(400, 1), "nested more than")


@pytest.mark.parametrize("calls", [2, 9])
def test_a_call_tree_that_grows_at_each_level_is_bounded(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_def, "_MAX_INLINED_NODES_OF_SMALL", 20_000)
    graph = nested(60, calls)
    found = flat(graph)
    assert 10_000 < len(found) <= 20_000
    # Said once, not by each of the calls that wait.
    assert len(found.obstacles) == 1
    assert "20,000 ops after following all calls" in found.obstacles[0]


def test_long_chains_of_aliases_are_resolved() -> None:
    graph = Graph()
    graph.placeholder("a", ())
    graph.placeholder("b", ())
    last = ["a", "b"]
    for number in range(5001):
        name = graph.raw(f"both_{number}", "IdentityN", *last)
        last = [f"{name}:1", name]
    graph.op("Neg", last[0], name="after")
    assert operands(flat(graph), "after") == ["b:0"]


def test_aliases_in_a_circle_do_not_hang() -> None:
    graph = Graph()
    graph.op("IdentityN", "second", "second:1", name="first")
    graph.op("IdentityN", "first", "second:1", name="second")
    graph.op("AddN", "first", "first:1", "second", name="after")
    assert len(flat(graph)) == 3


def test_a_call_with_too_few_operands_names_what_is_absent() -> None:
    graph = Graph()
    double(graph)
    graph.op("PartitionedCall", name="call", f=Call("double"))
    assert any("'call/x'" in obstacle for obstacle in flat(graph).obstacles)


def test_a_body_that_returns_what_it_does_not_have_is_said() -> None:
    graph = Graph()
    graph.function("broken", {"x": FLOAT}, {"y": "gone:z:0"})
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call("broken"))
    graph.op("Neg", "call", name="after")
    found = flat(graph)
    assert found.ops[node_of(found.inputs[found.index["after"]][0])] == "_Missing"
    assert any("'call/gone'" in obstacle for obstacle in found.obstacles)
