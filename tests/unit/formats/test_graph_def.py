# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""GraphDefs become one flat graph, whatever they hold."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.graph.op_graph import node_of, port_of
from tests.helpers.flat_graphs import double, flat, operands
from tests.helpers.graphs import BOOL, FLOAT, Call, Graph, Type, shape_proto, tensor_proto


def test_inputs_name_output_ports() -> None:
    graph = Graph()
    graph.placeholder("x", ())
    graph.op("Split", "x", "x", name="parts", num_split=3)
    graph.op("AddN", "parts", "parts:0", "parts:2", name="sum")
    assert operands(flat(graph), "sum") == ["parts:0", "parts:0", "parts:2"]


def test_control_inputs_are_no_value() -> None:
    graph = Graph()
    graph.placeholder("x", ())
    graph.op("NoOp", name="ready")
    graph.op("Identity", "x", "^ready", name="y")
    found = flat(graph)
    assert operands(found, "y") == ["x:0"]
    assert found.controls[found.index["y"]] == [found.index["ready"]]


def test_control_input_that_is_absent_is_left_out() -> None:
    graph = Graph()
    graph.placeholder("x", ())
    graph.op("Identity", "x", "^gone", name="y")
    found = flat(graph)
    assert not found.controls
    assert not found.obstacles


def test_nodes_may_come_in_any_order() -> None:
    graph = Graph()
    graph.op("Identity", "x", name="y")
    graph.placeholder("x", ())
    assert operands(flat(graph), "y") == ["x:0"]


def test_an_absent_input_is_said_and_stands_in_the_graph() -> None:
    graph = Graph()
    graph.op("Neg", "gone:1", name="y")
    found = flat(graph)
    assert found.ops[node_of(found.inputs[0][0])] == "_Missing"
    assert any("'gone'" in obstacle for obstacle in found.obstacles)


@pytest.mark.parametrize(
    "text", ["x:one", "x:out:one", "x:-1", "x:65536", "x:99999999999", "x:y:-3"]
)
def test_an_input_that_is_no_output_is_said(text: str) -> None:
    graph = Graph()
    graph.placeholder("x", ())
    graph.op("Neg", text, name="y")
    found = flat(graph)
    assert found.ops[node_of(found.inputs[1][0])] == "_Missing"
    assert any(text in obstacle for obstacle in found.obstacles)


def test_of_two_ops_of_one_name_the_first_counts() -> None:
    graph = Graph()
    graph.raw("x", "Placeholder", dtype=Type(FLOAT))
    graph.raw("x", "Const", dtype=Type(FLOAT))
    graph.op("Neg", "x", name="y")
    found = flat(graph)
    assert node_of(found.inputs[found.index["y"]][0]) == 0
    assert any("'x'" in obstacle for obstacle in found.obstacles)


def test_an_empty_graph_is_a_graph() -> None:
    assert len(flat(Graph())) == 0


@pytest.mark.parametrize(
    ("op", "count"), [("Mul", 1), ("Sub", 3), ("Select", 2), ("ReadVariableOp", 0), ("Merge", 0)]
)
def test_a_node_with_a_number_of_inputs_that_its_op_cannot_have_is_no_such_op(
    op: str, count: int
) -> None:
    graph = Graph()
    graph.placeholder("x", ())
    graph.op(op, *["x"] * count, name="odd")
    found = flat(graph)
    assert found.ops[found.index["odd"]] == "_Malformed"
    assert any(f"'odd' says it is a {op}" in obstacle for obstacle in found.obstacles)


@pytest.mark.parametrize("op", ["_If", "_LoopVar", "_Missing", "_Malformed"])
def test_ops_that_exist_only_here_are_not_believed_to_a_file(op: str) -> None:
    graph = Graph()
    graph.raw("x", op)
    assert flat(graph).ops[0] == "_Malformed"
    assert flat(graph).obstacles


# ---- Calls.


def test_a_call_is_replaced_by_the_functions_body() -> None:
    graph = Graph()
    double(graph)
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call("double"))
    graph.op("Neg", "call", name="after")
    found = flat(graph)
    assert operands(found, "after") == ["call/sum:0"]
    assert operands(found, "call/sum") == ["a:0", "a:0"]
    assert not found.obstacles


def test_each_call_has_a_body_of_its_own() -> None:
    graph = Graph()
    double(graph)
    graph.placeholder("a", ())
    graph.op("StatefulPartitionedCall", "a", name="first", f=Call("double"))
    graph.op("StatefulPartitionedCall", "first", name="second", f=Call("double"))
    assert operands(flat(graph), "second/sum") == ["first/sum:0", "first/sum:0"]


def test_an_op_named_like_a_function_calls_it() -> None:
    graph = Graph()
    double(graph)
    graph.placeholder("a", ())
    graph.op("double", "a", name="call")
    graph.op("Neg", "call:0", name="after")
    assert operands(flat(graph), "after") == ["call/sum:0"]


def test_a_function_may_return_its_argument() -> None:
    graph = Graph()
    graph.function("same", {"x": FLOAT}, {"y": "x"})
    graph.placeholder("a", ())
    graph.op("PartitionedCall", "a", name="call", f=Call("same"))
    graph.op("Neg", "call", name="after")
    assert operands(flat(graph), "after") == ["a:0"]


def test_named_outputs_inside_of_functions_are_numbered() -> None:
    graph = Graph()
    body = graph.function("pick", {"x": FLOAT, "p": BOOL}, {"y": "switch:output_true:0"})
    body.op("Switch", "x", "p", name="switch")
    graph.placeholder("a", ())
    graph.placeholder("b", (), BOOL)
    graph.op("PartitionedCall", "a", "b", name="call", f=Call("pick"))
    graph.op("Neg", "call", name="after")
    found = flat(graph)
    assert port_of(found.inputs[found.index["after"]][0]) == 1


def test_both_branches_of_an_if_stand_in_the_graph() -> None:
    graph = Graph()
    double(graph, "yes")
    graph.function("no", {"x": FLOAT}, {"y": "x"})
    graph.placeholder("p", (), BOOL)
    graph.placeholder("a", ())
    graph.op("If", "p", "a", name="if", then_branch=Call("yes"), else_branch=Call("no"))
    graph.op("Neg", "if", name="after")
    found = flat(graph)
    merged = node_of(found.inputs[found.index["after"]][0])
    assert found.ops[merged] == "_If"
    assert [found.value_name(v) for v in found.inputs[merged]] == ["if/sum:0", "a:0", "p:0"]


def test_a_case_has_all_its_branches() -> None:
    graph = Graph()
    double(graph)
    graph.function("same", {"x": FLOAT}, {"y": "x"})
    graph.placeholder("k", ())
    graph.placeholder("a", ())
    branches = [Call("double"), Call("same"), Call("same")]
    graph.op("Case", "k", "a", name="case", branches=branches)
    graph.op("Neg", "case", name="after")
    found = flat(graph)
    merged = node_of(found.inputs[found.index["after"]][0])
    assert [found.value_name(v) for v in found.inputs[merged]] == [
        "case/sum:0",
        "a:0",
        "a:0",
        "k:0",
    ]


def test_a_loop_variable_has_its_start_and_its_value_after_one_iteration() -> None:
    graph = Graph()
    double(graph)
    graph.function("always", {"x": FLOAT}, {"y": "x"})
    graph.placeholder("a", ())
    graph.op("While", "a", name="while", cond=Call("always"), body=Call("double"))
    graph.op("Neg", "while", name="after")
    found = flat(graph)
    variable = node_of(found.inputs[found.index["after"]][0])
    assert found.ops[variable] == "_LoopVar"
    assert [found.value_name(v) for v in found.inputs[variable]] == ["a:0", "while/sum:0"]
    assert node_of(found.inputs[found.index["while/sum"]][0]) == variable


def test_identity_n_passes_each_input_by_its_port() -> None:
    graph = Graph()
    graph.placeholder("a", ())
    graph.placeholder("b", ())
    graph.op("IdentityN", "a", "b", name="both")
    graph.op("Neg", "both:1", name="after")
    assert operands(flat(graph), "after") == ["b:0"]


# ---- Attributes.


def test_attributes_are_plain_values() -> None:
    graph = Graph()
    attrs = {
        "shape": shape_proto((None, 3)),
        "_output_shapes": [shape_proto((2,)), shape_proto(())],
        "dtype": Type(FLOAT),
        "keep_dims": True,
        "axis": -1,
        "shared_name": "v",
        "squeeze_dims": [0, 2],
        "f": Call("step"),
    }
    graph.raw("x", "Custom", **attrs)
    read = flat(graph).attrs
    assert read.attr(0, "shape") == (None, 3)
    assert read.attr(0, "_output_shapes") == ((2,), ())
    assert read.attr(0, "dtype") == FLOAT
    assert read.attr(0, "keep_dims") is True
    assert read.attr(0, "axis") == -1
    assert read.attr(0, "shared_name") == b"v"
    assert read.attr(0, "squeeze_dims") == (0, 2)
    assert read.attr(0, "f") == "step"
    assert read.attr(0, "absent") is None


def test_a_shape_of_unknown_rank_is_none() -> None:
    graph = Graph()
    unknown = shape_proto(())
    unknown.unknown_rank = True
    graph.raw("x", "Placeholder", shape=unknown)
    assert flat(graph).attrs.attr(0, "shape") is None


@pytest.mark.parametrize(
    "name",
    ["shape", "_output_shapes", "dtype", "keep_dims", "axis", "shared_name", "squeeze_dims"],
)
@pytest.mark.parametrize(
    "value",
    [b"text", 1.5, [3, 4], tensor_proto([1.0])],
    ids=["string", "float", "integers", "tensor"],
)
def test_an_attribute_of_another_type_is_as_good_as_not_set(name: str, value: object) -> None:
    graph = Graph()
    graph.raw("x", "Custom", **{name: value})
    found = flat(graph).attrs.attr(0, name)
    fits = (name, type(value)) in {("shared_name", bytes), ("squeeze_dims", list)}
    assert fits or found in (None, ())


def test_attributes_that_decide_what_is_computed_are_in_the_key() -> None:
    graph = Graph()
    graph.raw("a", "Sum", keep_dims=True)
    graph.raw("b", "Sum", keep_dims=False)
    graph.raw("c", "Sum", keep_dims=True, T=Type(FLOAT), _class="hint")
    key = flat(graph).attrs.key
    assert key(0) != key(1)
    assert key(0) == key(2)


def test_shapes_of_placeholders_in_very_old_graphs_say_nothing() -> None:
    graph = Graph()
    graph.proto.versions.producer = 21
    assert flat(graph).scalar_means_unknown
    assert not flat(Graph()).scalar_means_unknown


def test_of_equal_names_the_first_is_read_though_a_later_one_is_nearer() -> None:
    graph = Graph()
    graph.op("IteratorGetNext", name="next")
    graph.op("IteratorGetNext", name="other")
    graph.op("AddN", "next", "next:1", name="sum")
    graph.proto.node[1].name = "next"
    found = flat(graph)
    assert found.inputs[2] == [0, 1]
    assert "two ops are called 'next'; the first one counts" in found.obstacles
