# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What stands between a gradient and its update: clipping, towers, sums by hand, optimizers."""

from __future__ import annotations

import pytest

from tests.helpers.graphs import FLOAT, Type
from tests.helpers.proofs import only, said, statuses
from tests.helpers.training import SHAPE, TrainingStep


def clipped_by_global_norm(step: TrainingStep, gradients: dict[str, str]) -> dict[str, str]:
    """Clips as `tf.clip_by_global_norm` does: one factor out of all gradients."""
    graph = step.graph
    graph.scope("clip_by_global_norm")
    halves = [graph.op("L2Loss", gradient) for gradient in gradients.values()]
    total = graph.op("Sum", graph.op("Pack", *halves, axis=0), graph.const("axes", [0]))
    norm = graph.op("Sqrt", graph.op("Mul", total, graph.const("two", 2.0)))
    bound = graph.const("clip_norm", 5.0)
    factor = graph.op("Mul", bound, graph.op("RealDiv", graph.const("one", 1.0), norm))
    clipped = {name: graph.op("Mul", g, factor) for name, g in gradients.items()}
    graph.scope("")
    return clipped


@pytest.mark.parametrize("name", ["w", "u"])
def test_through_the_factor_of_clipping_nothing_is_reached(name: str) -> None:
    step = TrainingStep()
    data, penalty = step.data_loss("w", "u"), step.l2("w")
    other = step.l2("u")
    total = step.add(data, penalty if name == "w" else other)
    step.apply(clipped_by_global_norm(step, step.gradients(total)))
    expected = ["included", "missing"] if name == "w" else ["missing", "included"]
    assert statuses(step) == expected


def test_clipping_by_value_keeps_a_penalty() -> None:
    step = TrainingStep()
    graph = step.graph
    gradients = step.gradients(step.add(step.data_loss(), step.l2("w")))
    low = graph.op("Minimum", gradients["w"], graph.const("high", 1.0))
    step.apply({"w": graph.op("Maximum", low, graph.const("low", -1.0))})
    assert said(only(step)) == ("included", 1.0)


def towers(count: int, with_penalty: int, mean: bool) -> TrainingStep:
    """Returns towers that share `w`, of which the first ones add its penalty."""
    step = TrainingStep()
    graph = step.graph
    penalty = step.l2("w")
    found = []
    for tower in range(count):
        loss = step.data_loss()
        loss = step.add(loss, penalty) if tower < with_penalty else loss
        found.append(step.gradients(loss, f"tower_{tower}")["w"])
    joined = graph.op("AddN", *found, name="joined")
    if mean:
        joined = graph.op("RealDiv", joined, graph.const("towers", float(count)))
    step.apply({"w": joined})
    return step


@pytest.mark.parametrize("mean", [True, False], ids=["mean", "sum"])
@pytest.mark.parametrize("count", [2, 4])
def test_a_penalty_in_each_tower_counts_once(count: int, mean: bool) -> None:
    assert said(only(towers(count, count, mean))) == ("included", 1.0)


@pytest.mark.parametrize(
    "mean",
    [
        True,
        False,
    ],
    ids=["mean", "sum"],
)
def test_a_penalty_in_one_of_four_towers_counts_a_quarter(mean: bool) -> None:
    assert said(only(towers(4, 1, mean))) == ("scaled", pytest.approx(0.25))


def test_a_penalty_in_no_tower_is_missing() -> None:
    assert said(only(towers(3, 0, True))) == ("missing", 0.0)


def l1(step: TrainingStep) -> tuple[str, str]:
    """Returns `0.1 * Sum(Abs(w))` and its gradient."""
    graph, read = step.graph, step.variable("w")
    strength = graph.const("strength", 0.1)
    total = graph.op("Sum", graph.op("Abs", read), graph.const("axes", [0, 1]))
    penalty = graph.op("Mul", strength, total, name="l1")
    graph.collect("regularization_losses", penalty + ":0")
    return penalty, graph.op("Mul", strength, graph.op("Sign", read))


@pytest.mark.parametrize("used", [True, False])
def test_l1(used: bool) -> None:
    step = TrainingStep()
    data = step.data_loss()
    gradient = step.gradients(data)["w"]
    penalty, own = l1(step)
    step.add(data, penalty)
    step.apply({"w": step.graph.op("AddN", gradient, own) if used else gradient})
    loss = only(step)
    assert loss.status.value == ("included" if used else "missing")
    assert loss.kind == "l1"


def test_a_gradient_added_by_hand_is_included() -> None:
    step = TrainingStep()
    gradient = step.gradients(step.data_loss())["w"]
    step.l2("w", 0.01)
    graph = step.graph
    own = graph.op("Mul", step.variable("w"), graph.const("by_hand", 0.01))
    step.apply({"w": graph.op("AddV2", gradient, own)})
    assert said(only(step)) == ("included", 1.0)


def test_a_strength_that_is_fed_has_a_multiplier_all_the_same() -> None:
    step = TrainingStep()
    graph = step.graph
    fed = graph.placeholder("strength", ())
    penalty = graph.op("Mul", fed, graph.op("L2Loss", step.variable("w")), name="penalty")
    graph.collect("regularization_losses", penalty + ":0")
    step.minimize(step.add(step.data_loss(), penalty))
    assert said(only(step)) == ("included", 1.0)


def test_a_factor_that_is_fed_has_no_constant_multiplier() -> None:
    step = TrainingStep()
    graph = step.graph
    fed = graph.placeholder("share", ())
    step.minimize(step.add(step.data_loss(), graph.op("Mul", fed, step.l2("w"))))
    assert said(only(step)) == ("included", None)


def test_a_resource_variable_with_a_read_of_its_own_for_the_penalty() -> None:
    step = TrainingStep()
    graph = step.graph
    step.reads["w"] = graph.resource("w", SHAPE)
    data = step.data_loss()
    gradient = step.gradients(data)["w"]
    again = graph.op("ReadVariableOp", "w", name="penalty/Read", dtype=Type(FLOAT))
    strength = graph.const("strength", 0.1)
    penalty = graph.op("Mul", strength, graph.op("L2Loss", again), name="penalty")
    graph.collect("regularization_losses", penalty + ":0")
    step.add(data, penalty)
    total = graph.op("AddN", gradient, graph.op("Mul", again, strength))
    graph.op("ResourceApplyGradientDescent", "w", "learning_rate", total, name="update")
    assert said(only(step)) == ("included", 1.0)


def test_an_update_written_by_hand() -> None:
    for used in (True, False):
        step = TrainingStep()
        graph = step.graph
        data, penalty = step.data_loss(), step.l2("w")
        gradient = step.gradients(step.add(data, penalty) if used else data)["w"]
        graph.op("AssignSub", "w", graph.op("Mul", "learning_rate", gradient), name="update")
        assert statuses(step) == ["included" if used else "missing"]


def test_decay_of_the_weights_beside_the_gradient_is_no_penalty() -> None:
    step = TrainingStep()
    graph = step.graph
    step.minimize(step.data_loss())
    shrunk = graph.op("Mul", graph.const("decay", 1e-4), step.variable("w"))
    graph.op("AssignSub", "w", shrunk, name="decay_weights")
    proof = step.graph.prove()
    assert proof.losses == ()
    assert proof.decays == ("w",)


def test_decay_of_the_weights_does_not_make_a_missing_penalty_included() -> None:
    step = TrainingStep()
    graph = step.graph
    step.l2("w")
    step.minimize(step.data_loss())
    shrunk = graph.op("Mul", graph.const("decay", 0.01), step.variable("w"))
    graph.op("AssignSub", "w", shrunk, name="decay_weights")
    assert statuses(step) == ["missing"]
