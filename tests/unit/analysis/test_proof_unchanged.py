# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What changes no verdict: other names, another order, ops in between, size."""

from __future__ import annotations

import time

import pytest

from tb_regloss.analysis.proofs.proof import GraphProof
from tests.helpers.graphs import FLOAT, Type, shape_proto
from tests.helpers.proofs import said, statuses
from tests.helpers.training import TrainingStep


def decorated(step: TrainingStep, how: str) -> GraphProof:
    """Changes a graph in a way that changes nothing, and proves it."""
    nodes = step.graph.node_defs
    if how == "renamed":
        new = {node.name: f"n{number}" for number, node in enumerate(nodes)}
        for node in nodes:
            node.name = new[node.name]
            for place, text in enumerate(node.input):
                mark = "^" if text.startswith("^") else ""
                node.input[place] = mark + new[text.removeprefix("^")]
        step.graph.collections = {
            collection: tuple(new[name.removesuffix(":0")] + ":0" for name in members)
            for collection, members in step.graph.collections.items()
        }
    elif how == "reversed":
        backwards = [type(node).FromString(node.SerializeToString()) for node in reversed(nodes)]
        del nodes[:]
        nodes.extend(backwards)
    elif how == "identities":
        for node in list(nodes):
            if node.op in ("AddN", "Mul", "ApplyGradientDescent"):
                for place, text in enumerate(node.input):
                    if place or node.op != "ApplyGradientDescent":
                        node.input[place] = step.graph.op("Identity", text, name="same")
    elif how == "controls":
        for node in list(nodes)[3:]:
            if not node.input:
                node.input.append("^images")
    return step.graph.prove()


@pytest.mark.parametrize("how", ["renamed", "reversed", "identities", "controls"])
@pytest.mark.parametrize("kind", ["included", "missing", "scaled", "double_counted", "blocked"])
def test_what_changes_nothing_changes_no_verdict(kind: str, how: str) -> None:
    step = TrainingStep()
    data, penalty = step.data_loss("w", "u"), step.l2("w")
    step.l2("u")
    terms = {
        "included": [penalty],
        "missing": [],
        "scaled": [step.scale(0.5, penalty)],
        "double_counted": [step.scale(2.0, penalty)],
        "blocked": [step.graph.op("StopGradient", penalty)],
    }[kind]
    step.minimize(step.add(data, *terms))
    before = sorted(said(loss) for loss in step.graph.prove().losses)
    assert kind in {status for status, _ in before}
    assert sorted(said(loss) for loss in decorated(step, how).losses) == before


@pytest.mark.parametrize("op", ["Identity", "Custom"])
def test_a_chain_of_200_000_ops_is_followed_without_recursion(op: str) -> None:
    step = TrainingStep()
    last = step.gradients(step.add(step.data_loss(), step.l2("w")))["w"]
    for number in range(200_000):
        last = step.graph.raw(f"link_{number}", op, last)
    step.apply({"w": last})
    logged = step.graph.parse()
    start = time.process_time()
    loss = step.graph.prove_parsed(logged).losses[0]
    # It takes 2 seconds of one core; a quadratic walk would take hours.
    assert time.process_time() - start < 20
    assert loss.status.value == ("unknown" if op == "Custom" else "included")


def test_huge_variables_cost_no_memory() -> None:
    step = TrainingStep()
    graph = step.graph
    graph.op("VariableV2", name="huge", dtype=Type(FLOAT), shape=shape_proto((1 << 40, 1 << 20)))
    step.reads["huge"] = graph.op("Identity", "huge", name="huge/read")
    penalty = step.l2("huge")
    step.data_loss()
    step.minimize(penalty)
    assert statuses(step) == ["included"]


def test_a_variable_without_elements_is_no_obstacle_to_others() -> None:
    step = TrainingStep()
    graph = step.graph
    graph.op("VariableV2", name="none", dtype=Type(FLOAT), shape=shape_proto((0, 1 << 60)))
    step.reads["none"] = graph.op("Identity", "none", name="none/read")
    step.minimize(step.add(step.data_loss(), step.l2("w"), step.l2("none")))
    statuses_by_name = {loss.variables: loss.status.value for loss in step.graph.prove().losses}
    assert statuses_by_name[("w",)] == "included"
    assert statuses_by_name[("none",)] != "missing"
