# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Real programs in which one op after the other is replaced by one that nobody knows.

As an op of another library would be. All penalties are included in these programs; what an
unknown op may have done to one is `unknown`, never `missing`, never another multiplier, and
never a quiet run without regularization.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tf
pytest.importorskip("tensorflow")

from tensorboard.compat.proto import graph_pb2

from tests.zoo import catalog, judging

# Hand-written and Keras optimizers, a fused one, slots, clipping, lists of losses.
_PROGRAMS = (
    "tf2/plain/included",
    "tf2/momentum_by_hand/included",
    "tf2/clip/included",
    "tf1/adam_ref/included",
    "tf1/momentum_by_hand_resource/included",
    "tf-keras/loop_adam/included",
    "keras/fit/included",
)
# They read a variable: nothing else tells what its value is.
_READS = ("ReadVariableOp",)


@pytest.fixture(scope="module")
def graph_defs() -> dict[str, bytes]:
    return {
        case.name: case.build({}).graph_def for case in catalog.cases() if case.name in _PROGRAMS
    }


@pytest.mark.parametrize("program", _PROGRAMS)
def test_an_op_that_nobody_knows(program: str, graph_defs: dict[str, bytes]) -> None:
    data = graph_defs[program]
    whole = judging.answer(data, "graph_def")
    assert {loss.multiplier for loss in whole.regularization_losses} == {1.0}
    replaced = 0
    while True:
        graph = graph_pb2.GraphDef.FromString(data)
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        nodes = [n for n in nodes if n.input and n.op not in ("NoOp", *_READS)]
        if replaced == len(nodes):
            break
        node = nodes[replaced]
        what, node.op = f"{node.name} ({node.op})", "SomebodysOwnOp"
        for name in [name for name in node.attr if name != "_output_shapes"]:
            del node.attr[name]
        found = judging.answer(graph.SerializeToString(), "graph_def")
        assert found.status.value in ("included", "unknown"), what
        for loss in found.regularization_losses:
            assert loss.status.value in ("included", "unknown"), (what, loss.name)
            assert loss.multiplier in (None, 1.0), (what, loss.name)
        replaced += 1
    assert replaced > 40


def test_a_gradient_without_its_penalty_is_told(graph_defs: dict[str, bytes]) -> None:
    """So the answers above could have been others."""
    graph = graph_pb2.GraphDef.FromString(graph_defs["tf2/plain/included"])
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    found = set()
    for node in nodes:
        if node.op == "AddN":
            kept = list(node.input)
            for part in kept:
                node.input[:] = [part]
                found.add(judging.answer(graph.SerializeToString(), "graph_def").status.value)
            node.input[:] = kept
    assert "partial" in found
