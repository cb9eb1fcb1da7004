# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Damaged graphs: each input of each op in turn is wrong, and nothing is told as absent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.graphs import Graph
from tests.helpers.training import TrainingStep


def _step() -> Graph:
    step = TrainingStep()
    loss = step.add(step.data_loss("w", "u"), step.l2("w"), step.l2("u"))
    step.minimize(loss)
    return step.graph


def _nowhere(graph: Graph, node: int, place: int) -> str:
    graph.node_defs[node].input[place] = "nowhere"
    return "'nowhere'"


def _itself(graph: Graph, node: int, place: int) -> str:
    graph.node_defs[node].input[place] = graph.node_defs[node].name
    return "waits for itself"


def _named_twice(graph: Graph, node: int, place: int) -> str:
    operand = graph.node_defs[node].input[place].lstrip("^").partition(":")[0]
    graph.node_defs.add(name=operand, op="NoOp")
    return f"two ops are called {operand!r}"


@pytest.mark.parametrize("damage", [_nowhere, _itself, _named_twice])
def test_each_input_of_each_op(damage: Callable[[Graph, int, int], str]) -> None:
    count = 0
    for node, node_def in enumerate(_step().node_defs):
        for place in range(len(node_def.input)):
            graph = _step()
            reason = damage(graph, node, place)
            proof = graph.prove()
            what = (node_def.name, place)
            assert {loss.status.value for loss in proof.losses} <= {"included", "unknown"}, what
            assert any(reason in text for text in proof.obstacles), what
            count += 1
    assert count > 50


def test_a_cycle_that_no_gradient_passes_leaves_a_quiet_run_open() -> None:
    step = TrainingStep()
    graph = step.graph
    loss = step.data_loss(collected=False)
    step.minimize(loss)
    graph.op("AddV2", loss, "total", name="total")
    assert graph.prove().obstacles == ("'total' waits for itself",)
