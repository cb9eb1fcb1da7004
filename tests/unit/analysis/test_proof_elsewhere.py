# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Gradients that travel outside of the graph's edges, and updates by ops that nobody knows."""

from __future__ import annotations

import pytest

from tests.helpers.graphs import FLOAT, Type
from tests.helpers.training import TrainingStep


def _through_a_queue(step: TrainingStep, producers: int) -> None:
    """Sends the gradients through a queue before they are applied."""
    graph = step.graph
    loss = step.add(step.data_loss(), step.l2("w"))
    (gradient,) = step.gradients(loss).values()
    queue = graph.op("FIFOQueueV2", name="queue")
    for _ in range(producers):
        graph.op("QueueEnqueueV2", queue, gradient)
    taken = graph.op("QueueDequeueV2", queue, name="taken")
    step.apply({"w": taken})


def test_a_gradient_that_went_through_a_queue_is_followed() -> None:
    step = TrainingStep()
    _through_a_queue(step, producers=1)
    (loss,) = step.graph.prove().losses
    assert (loss.status.value, loss.multiplier) == ("included", 1.0)


def test_what_comes_out_of_a_queue_of_several_producers_is_unknown() -> None:
    step = TrainingStep()
    _through_a_queue(step, producers=2)
    (loss,) = step.graph.prove().losses
    assert loss.status.value == "unknown"
    assert "'taken' (QueueDequeueV2)" in loss.text


def test_a_gradient_that_is_fed_is_unknown() -> None:
    step = TrainingStep()
    step.gradients(step.add(step.data_loss(), step.l2("w")))
    step.apply({"w": step.graph.placeholder("fed_gradient", (3, 2))})
    (loss,) = step.graph.prove().losses
    assert loss.status.value == "unknown"
    assert "fed_gradient" in loss.text


@pytest.mark.parametrize("is_part", [False, True])
def test_an_update_op_that_nobody_knows_is_not_taken_for_no_training(is_part: bool) -> None:
    step = TrainingStep()
    names = ("w", "v") if is_part else ("w",)
    loss = step.add(step.data_loss(*names), step.l2("w"))
    gradients = step.gradients(loss)
    rate = step.graph.const("rate", 0.1)
    step.graph.op("FusedApplyAdam", "w", rate, gradients.pop("w"), name="fused", T=Type(FLOAT))
    if is_part:
        step.apply(gradients)
    proved = step.graph.prove()
    assert proved.trains is (True if is_part else None)
    (found,) = proved.losses
    assert found.status.value == "unknown"
    assert "'fused' (FusedApplyAdam)" in found.text


def test_an_op_that_nobody_knows_and_that_computes_with_a_variable_is_no_update() -> None:
    step = TrainingStep()
    loss = step.add(step.data_loss(), step.l2("w"))
    shown = step.graph.op("CustomNorm", "w", loss, name="custom")
    step.graph.op("ScalarSummary", step.graph.const("tag", 0.0), shown, name="shown")
    step.minimize(loss)
    (found,) = step.graph.prove().losses
    assert (found.status.value, found.multiplier) == ("included", 1.0)


@pytest.mark.parametrize("is_differentiated", [False, True])
def test_weights_that_are_fed_may_be_trained_outside_if_their_gradient_is_there(
    is_differentiated: bool,
) -> None:
    step = TrainingStep()
    loss = step.add(step.data_loss(), step.l2("w"))
    flat = step.graph.placeholder("new_values", (None,))
    shaped = step.graph.op("Reshape", flat, step.graph.const("shape", [3, 2]))
    step.graph.op("AssignVariableOp", "w", shaped, name="load")
    if is_differentiated:
        step.gradients(loss)
    proved = step.graph.prove()
    assert proved.trains is (None if is_differentiated else False)
    (found,) = proved.losses
    assert found.status.value == ("unknown" if is_differentiated else "frozen")
    assert ("'load' writes what is fed to 'w'" in found.text) is is_differentiated
