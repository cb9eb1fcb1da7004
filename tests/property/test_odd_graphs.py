# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs that no program writes: damaged, mutated, random.

Never a crash, never a hang, and never `missing` by accident: what cannot be
followed is `unknown`.
"""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import tensor_pb2

from tb_regloss import errors
from tb_regloss.analysis.ops import op_functions, op_semantics
from tb_regloss.analysis.proofs import proof
from tb_regloss.formats import graphs
from tests.helpers.graphs import (
    FLOAT,
    RESOURCE,
    Call,
    Graph,
    Type,
    attr_value,
    shape_proto,
    tensor_proto,
)
from tests.helpers.training import TrainingStep

_SECONDS = 5.0  # of one core, for graphs of some dozen ops: bounded, whatever the machine does


def step_with_everything() -> Graph:
    """Returns a step with an included, a blocked, a scaled and a missing penalty."""
    step = TrainingStep()
    graph = step.graph
    data = step.data_loss("w", "u", "v", "x")
    kept, cut, half = step.l2("w"), step.l2("u"), step.l2("v")
    step.l2("x")
    terms = [kept, graph.op("StopGradient", cut), step.scale(0.5, half)]
    step.minimize(step.add(data, *terms))
    body = graph.function("good", {"x": FLOAT}, {"y": "sum:z:0"})
    body.op("AddV2", "x", "x", name="sum")
    body = graph.function("itself", {"x": FLOAT}, {"y": "call:output:0"})
    body.op("PartitionedCall", "x", name="call", f=Call("itself"))
    graph.function("broken", {"x": FLOAT}, {"y": "gone:z:0"})
    return graph


_BYTES = step_with_everything().meta_graph().SerializeToString()


def read_and_prove(data: bytes, kind: str) -> list[proof.GraphProof] | None:
    """Returns what bytes prove, `None` where they are unreadable; anything else fails."""
    start = time.process_time()
    try:
        found = [proof.prove(logged) for logged in graphs.parse(data, kind, "a test")]
    except errors.UnreadableError:
        return None
    assert time.process_time() - start < _SECONDS
    for graph_proof in found:
        assert graph_proof.trains is not None or graph_proof.obstacles
        for loss in graph_proof.losses:
            assert loss.text
            assert loss.status.value != "unknown" or loss.multiplier is None
    return found


# ---- Bytes.


def test_the_graph_as_it_is() -> None:
    (found,) = read_and_prove(_BYTES, "meta_graph") or ()
    statuses = [loss.status.value for loss in found.losses]
    assert statuses == ["included", "blocked", "scaled", "missing"]


@pytest.mark.parametrize("kind", sorted(graphs.KINDS))
def test_cut_off_at_every_byte(kind: str) -> None:
    small = Graph()
    small.op("Neg", small.const("c", 1.0))
    small.collect("losses", "Neg:0")
    data = small.meta_graph().SerializeToString()
    for end in range(len(data)):
        read_and_prove(data[:end], kind)


def test_a_training_step_cut_off_at_every_byte() -> None:
    for end in range(len(_BYTES)):
        read_and_prove(_BYTES[:end], "meta_graph")


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(_BYTES) - 1), st.integers(0, 255)), max_size=6))
def test_bytes_that_flipped(flips: list[tuple[int, int]]) -> None:
    data = bytearray(_BYTES)
    for place, value in flips:
        data[place] = value
    read_and_prove(bytes(data), "meta_graph")


@pytest.mark.parametrize("kind", sorted(graphs.KINDS))
@settings(max_examples=40)
@given(st.binary(max_size=80))
def test_any_bytes(kind: str, data: bytes) -> None:
    read_and_prove(data, kind)


# ---- Mutations.

_OPS = sorted(
    {*op_semantics._TABLE, *op_functions.FUNCTIONS}
    | {"If", "StatelessIf", "While", "Case", "PartitionedCall", "good", "itself", "broken"}
    | {"ApplyAdam", "ResourceApplyGradientDescent", "SparseApplyAdagrad", "ApplyFtrl", "Custom"}
    | {"Assign", "AssignSub", "AssignAddVariableOp", "ResourceScatterSub", "StackPop"}
    | {"AccumulatorApplyGradient", "ScalarSummary", "OneHot", "_Missing", "_Malformed"}
)
_ATTRS = sorted({"shape", "dtype", "T", "value", "f", "body", "cond", "then_branch", "branches"})
_ATTRS += ["_output_shapes", "_handle_shapes", "keep_dims", "axis", "squeeze_dims", "N"]
_ATTRS += ["shared_name", "num_split", "group_size", "group_key", "instance_key", "final_op"]
_ATTRS += ["begin_mask", "end_mask", "shrink_axis_mask", "new_axis_mask", "transpose_a"]
_SIZES = (None, 0, 1, 2, 3, 1 << 20, 1 << 40, (1 << 62) - 1)


def odd_tensor(rng: random.Random) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=rng.choice([0, 1, 2, 3, 7, 9, 10, 14, 19, 20, 23, 77]))
    shape = [rng.choice(_SIZES) for _ in range(rng.randrange(4))]
    proto.tensor_shape.CopyFrom(shape_proto(shape))
    field = rng.choice(["float_val", "int_val", "half_val", "double_val", "", "string_val"])
    if field == "string_val":
        proto.string_val.append(b"text")
    elif field:
        getattr(proto, field).extend([1] * rng.randrange(4))
    else:
        proto.tensor_content = bytes(rng.randrange(20))
    return proto


def odd_attr(rng: random.Random) -> object:
    return rng.choice(
        [
            lambda: rng.choice([0, 1, -1, 7, 1 << 40, -(1 << 62)]),
            lambda: rng.random() < 0.5,
            lambda: "text",
            lambda: 0.5,
            lambda: Type(rng.choice([0, 1, 3, 10, RESOURCE, 21, 99, 101])),
            lambda: Call(rng.choice(["good", "itself", "broken", "gone"])),
            lambda: shape_proto([rng.choice(_SIZES) for _ in range(rng.randrange(6))]),
            lambda: [shape_proto([2, None])],
            lambda: [1, 5],
            lambda: [Call("good"), Call("broken")],
            lambda: tensor_proto(rng.choice([0.0, [1.0, 2.0], [[1, 2], [3, 4]], True, [-1], [5]])),
            lambda: odd_tensor(rng),
        ]
    )()


def mutate(graph: Graph, rng: random.Random) -> None:
    """Changes one thing of a graph."""
    nodes = graph.proto.node
    if not nodes:
        return
    node = rng.choice(nodes)
    other = rng.choice(nodes).name + rng.choice(["", "", "", ":1", ":0", ":99999", ":x", ":a:0"])
    kind = rng.randrange(10)
    place = rng.randrange(len(node.input)) if node.input else 0
    if kind == 0 and node.input:
        node.input[place] = other
    elif kind == 1:
        node.input.append(rng.choice([other, "^" + other, "gone", ""]))
    elif kind == 2 and node.input:
        del node.input[place]
    elif kind == 3:
        node.op = rng.choice(_OPS)
    elif kind == 4:
        node.attr[rng.choice(_ATTRS)].CopyFrom(attr_value(odd_attr(rng)))
    elif kind == 5:
        node.name = rng.choice(nodes).name
    elif kind == 6:
        node.Clear()
    elif kind == 7 and node.attr:
        del node.attr[rng.choice(sorted(node.attr))]
    elif kind == 8 and node.input:
        added = graph.op(rng.choice(_OPS), *[node.input[place], other][: rng.randrange(3)])
        node.input[place] = added
    elif kind == 9:
        nodes.remove(node)


@settings(max_examples=400)
@given(st.integers(0, 2**32), st.integers(1, 20))
@example(726, 3)  # a penalty's factor became an empty constant
@example(254, 3)  # a list's stack lost its inputs
def test_mutated_training_steps(seed: int, count: int) -> None:
    rng = random.Random(seed)
    graph = step_with_everything()
    for _ in range(count):
        mutate(graph, rng)
    if graph.proto.node:
        graph.collect("regularization_losses", "gone:0", rng.choice(graph.proto.node).name + ":0")
    assert read_and_prove(graph.meta_graph().SerializeToString(), "meta_graph") is not None


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_random_graphs(seed: int, count: int) -> None:
    rng = random.Random(seed)
    graph = Graph()
    names = [f"n{number}" for number in range(count)]
    for name in names:
        inputs = [rng.choice(names) + rng.choice(["", "", ":1"]) for _ in range(rng.randrange(4))]
        attrs = {rng.choice(_ATTRS): odd_attr(rng) for _ in range(rng.randrange(3))}
        graph.raw(name, rng.choice(_OPS), *inputs, **attrs)
    graph.collect("regularization_losses", *(f"{name}:0" for name in names[:5]))
    graph.collect("losses", *(f"{name}:0" for name in names[5:10]))
    assert read_and_prove(graph.meta_graph().SerializeToString(), "meta_graph") is not None


# ---- Never `missing` by accident.


def included_step() -> Graph:
    step = TrainingStep()
    step.minimize(step.add(step.data_loss(), step.l2("w")))
    return step.graph


def _absent(graph: Graph, text: str) -> str:
    return "gone"


def _bad_port(graph: Graph, text: str) -> str:
    return text + ":7"


def _unknown_op(graph: Graph, text: str) -> str:
    return graph.op("Custom", text, name="odd")


def _malformed(graph: Graph, text: str) -> str:
    return graph.op("Mul", text, name="odd")


def _absent_function(graph: Graph, text: str) -> str:
    return graph.op("PartitionedCall", text, name="odd", f=Call("gone"))


def _broken_function(graph: Graph, text: str) -> str:
    graph.function("broken", {"x": FLOAT}, {"y": "gone:z:0"})
    return graph.op("PartitionedCall", text, name="odd", f=Call("broken"))


def _recursion(graph: Graph, text: str) -> str:
    body = graph.function("again", {"x": FLOAT}, {"y": "call:output:0"})
    body.op("PartitionedCall", "x", name="call", f=Call("again"))
    return graph.op("PartitionedCall", text, name="odd", f=Call("again"))


def _broken_loop(graph: Graph, text: str) -> str:
    graph.function("broken", {"x": FLOAT}, {"y": "gone:z:0"})
    return graph.op("While", text, name="odd", body=Call("broken"), cond=Call("broken"))


def _cycle(graph: Graph, text: str) -> str:
    return "odd" if graph.op("AddV2", text, "odd", name="odd") else ""


OBSTACLES = [
    _absent,
    _bad_port,
    _unknown_op,
    _malformed,
    _absent_function,
    _broken_function,
    _recursion,
    _broken_loop,
    _cycle,
]


@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda f: f.__name__.strip("_"))
@pytest.mark.parametrize("listed", [True, False], ids=["in a collection", "structure alone"])
def test_an_obstacle_on_any_edge_never_makes_an_included_penalty_missing(
    obstacle: Callable[[Graph, str], str], listed: bool
) -> None:
    count = len(included_step().proto.node)
    for number in range(count):
        for place in range(len(included_step().proto.node[number].input)):
            graph = included_step()
            if not listed:
                graph.collections = {}
            node = graph.proto.node[number]
            if node.input[place].startswith("^"):
                continue
            node.input[place] = obstacle(graph, node.input[place])
            statuses = {loss.status.value for loss in graph.prove().losses}
            assert not statuses & {"missing", "partial", "blocked", "zero"}, (node.name, place)


def _through(graph: Graph, text: str) -> str:
    graph.function("same", {"x": FLOAT}, {"y": "x"})
    return graph.op("PartitionedCall", text, name="odd", f=Call("same"))


def _identity(graph: Graph, text: str) -> str:
    return graph.op("Identity", text, name="odd")


@pytest.mark.parametrize("inserted", [_through, _identity], ids=["call", "identity"])
def test_what_passes_its_input_on_any_edge_changes_nothing(
    inserted: Callable[[Graph, str], str],
) -> None:
    count = len(included_step().proto.node)
    for number in range(count):
        for place in range(len(included_step().proto.node[number].input)):
            graph = included_step()
            node = graph.proto.node[number]
            if node.input[place].startswith("^"):
                continue
            node.input[place] = inserted(graph, node.input[place])
            (loss,) = graph.prove().losses
            assert (loss.status.value, loss.multiplier) == ("included", 1.0), (node.name, place)


def test_an_unknown_op_that_also_reads_data_never_makes_an_included_penalty_missing() -> None:
    graph = included_step()
    node = next(n for n in graph.proto.node if n.name == "gradients/Fill")
    node.input[1] = graph.op("Custom", node.input[1], "images", name="odd")
    assert {loss.status.value for loss in graph.prove().losses} <= {"unknown", "included"}


@pytest.mark.parametrize("name", ["w/read", "GradientDescent/update_w/ApplyGradientDescent"])
def test_a_handle_that_cannot_be_followed_is_unknown_not_frozen(name: str) -> None:
    graph = included_step()
    node = next(n for n in graph.proto.node if n.name == name)
    node.input[0] = "gone"
    assert {loss.status.value for loss in graph.prove().losses} <= {"unknown", "included"}


# ---- Constants and collections.


def test_huge_constants_of_one_value_are_not_spelled_out() -> None:
    graph = included_step()
    huge = tensor_pb2.TensorProto(dtype=FLOAT, float_val=[2.0])
    huge.tensor_shape.CopyFrom(shape_proto((1 << 20, 1 << 10)))
    graph.tensor("huge", huge)
    node = next(n for n in graph.proto.node if n.name == "total_loss")
    axes = graph.const("axes", [0, 1])
    node.input.append(graph.op("Sum", graph.op("Square", "huge"), axes))
    tracemalloc.start()
    (loss,) = graph.prove().losses
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (loss.status.value, loss.multiplier) == ("included", 1.0)
    assert peak < 50e6  # 4 GB in float32


def test_a_collection_may_name_what_the_graph_lacks() -> None:
    graph = included_step()
    graph.collect("regularization_losses", "gone:0", "", ":0", "w:x", "w/read:99")
    graph.collect("losses", "gone", "::", "total_loss:0")
    graph.collect("trainable_variables", "gone:0")
    statuses = {loss.name: loss.status.value for loss in graph.prove().losses}
    assert statuses.get("gone:0", "unknown") == "unknown"
    assert "missing" not in statuses.values()


def test_a_loss_in_a_collection_that_is_a_variable_or_a_summary_is_no_loss() -> None:
    graph = included_step()
    graph.op("ScalarSummary", graph.const("tag", 0.0), "total_loss", name="summary")
    graph.collect("mine", "w:0", "images:0", "summary:0", "learning_rate:0")
    assert [loss.status.value for loss in graph.prove().losses] == ["included"]
