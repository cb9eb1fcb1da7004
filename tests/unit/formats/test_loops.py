# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Loops whose number of rounds is fixed are written out, and lists are seen through."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.graph.op_graph import OpGraph, node_of
from tests.helpers.graphs import FLOAT, INT, Call, Graph, Nodes


def flat(graph: Graph) -> OpGraph:
    return graph.parse().graph


def operands(graph: OpGraph, name: str) -> list[str]:
    """Returns the names of a node's inputs, as `"op:1"`."""
    return [graph.value_name(value) for value in graph.inputs[graph.index[name]]]


def counting(graph: Graph, bound: str, result: str) -> Nodes:
    """Adds a loop that counts from 0 up to a bound; returns the body that makes a result."""
    arguments = {"i": INT, "n": INT, "x": FLOAT}
    cond = graph.function("cond", arguments, {"going": "less:z:0"})
    cond.op("Less", "i", "n", name="less")
    body = graph.function("body", arguments, {"i": "next:z:0", "n": "n", "x": result})
    body.const("one", 1)
    body.op("AddV2", "i", "one:output:0", name="next")
    graph.const("zero", 0)
    graph.op("While", "zero", bound, "a", name="loop", cond=Call("cond"), body=Call("body"))
    graph.op("Neg", "loop:2", name="after")
    return body


def doubling(graph: Graph, bound: str) -> Nodes:
    """Adds a loop that doubles a number."""
    graph.placeholder("a", ())
    body = counting(graph, bound, "double:z:0")
    body.op("AddV2", "x", "x", name="double")
    return body


def test_a_short_loop_is_written_out() -> None:
    graph = Graph()
    graph.const("bound", 3)
    doubling(graph, "bound")
    found = flat(graph)
    assert operands(found, "loop/double") == ["a:0", "a:0"]
    assert operands(found, "loop/round_2/double") == ["loop/double:0"] * 2
    assert operands(found, "after") == ["loop/round_3/double:0"]
    assert not found.loops


def test_a_bound_may_be_computed() -> None:
    graph = Graph()
    graph.const("bound", 7)
    graph.const("three", 3)
    graph.op("FloorDiv", "bound", "three", name="quotient")
    doubling(graph, "quotient")
    assert operands(flat(graph), "after") == ["loop/round_2/double:0"]


@pytest.mark.parametrize("bound", [0, 200, 100_000])
def test_a_long_loop_goes_around(bound: int) -> None:
    graph = Graph()
    graph.const("bound", bound)
    doubling(graph, "bound")
    found = flat(graph)
    variable = node_of(found.inputs[found.index["after"]][0])
    assert found.ops[variable] == "_LoopVar"
    # Nobody gathers the gradients of so many parts; to count so far takes time.
    assert found.loops[variable].rounds == (None if bound > 1000 else bound)


def test_a_bound_that_is_fed_is_not_fixed() -> None:
    graph = Graph()
    graph.placeholder("bound", (), INT)
    doubling(graph, "bound")
    found = flat(graph)
    assert {loop.rounds for loop in found.loops.values()} == {None}


def test_a_division_by_zero_fixes_nothing() -> None:
    graph = Graph()
    graph.const("zeros", 0)
    graph.op("FloorDiv", "zeros", "zeros", name="bound")
    doubling(graph, "bound")
    assert {loop.rounds for loop in flat(graph).loops.values()} == {None}


def test_a_loop_that_never_ends_is_not_fixed() -> None:
    graph = Graph()
    graph.const("bound", 3)
    body = doubling(graph, "bound")
    body.node_defs[0].attr["value"].tensor.CopyFrom(Graph().proto.node.add().attr["x"].tensor)
    assert {loop.rounds for loop in flat(graph).loops.values()} == {None}


@pytest.mark.parametrize("op", ["AssignSubVariableOp", "MatMul", "CollectiveReduceV2"])
def test_a_step_or_a_model_in_a_loop_is_there_once(op: str) -> None:
    graph = Graph()
    graph.const("bound", 3)
    doubling(graph, "bound").op(op, "x", "x", name="more")
    found = flat(graph)
    assert len(found.nodes_with_op(op)) == 1
    assert {loop.rounds for loop in found.loops.values()} == {3}


def test_a_loop_may_wait_for_another_one() -> None:
    graph = Graph()
    graph.const("bound", 3)
    graph.op("While", "zero", "loop", "after", name="back", cond=Call("cond"), body=Call("body"))
    doubling(graph, "bound")
    graph.op("Neg", "back:2", name="end")
    # It goes around as often as the first one did, which comes after it in the file.
    assert operands(flat(graph), "end") == ["back/round_3/double:0"]


def test_what_is_put_into_a_list_is_read_from_it() -> None:
    graph = Graph()
    for name, number in {"bound": 2, "zero_": 0, "one_": 1, "shape": -1}.items():
        graph.const(name, number)
    graph.placeholder("b", ())
    graph.placeholder("c", ())
    graph.op("TensorListReserve", "shape", "bound", name="empty")
    graph.op("TensorListSetItem", "empty", "zero_", "b", name="first")
    graph.op("TensorListSetItem", "first", "one_", "c", name="both")
    graph.op("TensorListGetItem", "both", "one_", "shape", name="read")
    graph.op("Neg", "read", name="after")
    graph.op("TensorListStack", "both", "shape", name="stack")
    found = flat(graph)
    assert operands(found, "after") == ["c:0"]
    assert found.ops[found.index["stack"]] == "Pack"
    assert operands(found, "stack") == ["b:0", "c:0"]
    # Nothing reads the lists any more, and they hold nothing back.
    assert not operands(found, "both")


def test_rows_of_a_tensor_are_read_from_a_list() -> None:
    graph = Graph()
    graph.const("shape", -1)
    graph.const("one", 1)
    graph.placeholder("rows", (2,))
    graph.op("TensorListFromTensor", "rows", "shape", name="list")
    graph.op("TensorListGetItem", "list", "one", "shape", name="read")
    graph.op("Neg", "read", name="after")
    graph.op("TensorListStack", "list", "shape", name="stack")
    graph.op("Neg", "stack", name="whole")
    found = flat(graph)
    assert operands(found, "whole") == ["rows:0"]
    (row,) = found.inputs[found.index["after"]]
    assert found.ops[node_of(row)] == "Unpack"
    assert found.value_name(row).endswith(":1")


def test_lists_are_pushed_and_popped() -> None:
    graph = Graph()
    graph.const("shape", -1)
    graph.placeholder("b", ())
    graph.placeholder("c", ())
    graph.op("EmptyTensorList", "shape", "shape", name="empty")
    graph.op("TensorListPushBack", "empty", "b", name="first")
    graph.op("TensorListPushBack", "first", "c", name="second")
    graph.op("TensorListPopBack", "second", "shape", name="last")
    graph.op("TensorListPopBack", "last", "shape", name="rest")
    graph.op("Sub", "last:1", "rest:1", name="after")
    assert operands(flat(graph), "after") == ["c:0", "b:0"]


def test_lists_are_added_element_by_element() -> None:
    graph = Graph()
    for name, number in {"bound": 2, "zero": 0, "one": 1, "shape": -1}.items():
        graph.const(name, number)
    graph.placeholder("b", ())
    graph.placeholder("rows", (2,))
    graph.op("TensorListReserve", "shape", "bound", name="empty")
    graph.op("TensorListSetItem", "empty", "zero", "b", name="first")
    graph.op("TensorListFromTensor", "rows", "shape", name="list")
    graph.op("AddN", "first", "list", name="sum")
    graph.op("TensorListStack", "sum", "shape", name="stack")
    found = flat(graph)
    first, second = (node_of(value) for value in found.inputs[found.index["stack"]])
    assert found.ops[first] == "AddN"
    assert found.ops[second] == "Unpack"


def test_a_list_whose_places_are_fed_stays_a_list() -> None:
    graph = Graph()
    graph.const("shape", -1)
    graph.placeholder("place", (), INT)
    graph.placeholder("rows", (2,))
    graph.op("TensorListFromTensor", "rows", "shape", name="list")
    graph.op("TensorListGetItem", "list", "place", "shape", name="read")
    found = flat(graph)
    assert operands(found, "read")[0] == "list:0"
    assert operands(found, "list") == ["rows:0", "shape:0"]


def test_lists_that_hold_each_other_end() -> None:
    graph = Graph()
    graph.const("shape", -1)
    graph.const("zero", 0)
    graph.op("TensorListSetItem", "other", "zero", "read", name="one")
    graph.op("TensorListSetItem", "one", "read", "zero", name="other")
    graph.op("TensorListGetItem", "one", "read", "shape", name="read")
    assert operands(flat(graph), "read")[0] == "one:0"
