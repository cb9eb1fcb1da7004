# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Each family of failures as the smallest graph that has it, gradients as TF1 writes them."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.facts import Declaration, DeclaredLoss
from tests.helpers.graphs import FLOAT, Call, Graph
from tests.helpers.proofs import only, said, statuses
from tests.helpers.training import TrainingStep

# ---- Into the loss, or not.


def test_a_penalty_in_the_optimized_loss_is_included() -> None:
    step = TrainingStep()
    step.minimize(step.add(step.data_loss(), step.l2("w")))
    loss = only(step)
    assert said(loss) == ("included", 1.0)
    assert loss.variables == ("w",)
    assert loss.kind == "l2"
    assert loss.path[0] == "w/Regularizer/l2_regularizer/penalty"
    assert loss.path[-1] == "GradientDescent/update_w/ApplyGradientDescent"


def test_a_penalty_that_nothing_reads_is_missing() -> None:
    step = TrainingStep()
    step.l2("w")
    step.minimize(step.data_loss())
    loss = only(step)
    assert said(loss) == ("missing", 0.0)
    assert loss.path == ("w/Regularizer/l2_regularizer/penalty",)
    assert "no consumer" in loss.text


def test_a_penalty_in_a_total_that_is_not_optimized_is_missing() -> None:
    step = TrainingStep()
    data = step.data_loss()
    total = step.add(data, step.l2("w"))
    step.graph.op("ScalarSummary", step.graph.const("tag", 0.0), total, name="shown")
    step.minimize(data)
    loss = only(step)
    assert said(loss) == ("missing", 0.0)
    assert "shown" in loss.path


def test_a_penalty_times_zero_is_missing() -> None:
    step = TrainingStep()
    step.minimize(step.add(step.data_loss(), step.scale(0.0, step.l2("w"))))
    assert said(only(step)) == ("missing", 0.0)


@pytest.mark.parametrize("bare", [False, True], ids=["in a collection", "structure alone"])
@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (0.5, ("scaled", 0.5)),
        (0.25, ("scaled", 0.25)),
        (-1.0, ("scaled", -1.0)),
        (2.0, ("double_counted", 2.0)),
        (3.0, ("double_counted", 3.0)),
        (2.5, ("scaled", 2.5)),
    ],
)
def test_a_constant_factor_is_the_multiplier(
    factor: float, expected: tuple[str, float], bare: bool
) -> None:
    step = TrainingStep()
    penalty = step.l2("w", collected=not bare)
    step.minimize(step.add(step.data_loss(collected=not bare), step.scale(factor, penalty)))
    status, multiplier = said(only(step))
    assert status == expected[0]
    assert multiplier == pytest.approx(expected[1], rel=1e-5)


@pytest.mark.parametrize(
    ("factor", "bare", "expected"),
    [
        (1e-4, False, ("scaled", 1e-4)),
        (1e-4, True, ("scaled", 1e-4)),
        # The strength once more.
        (1e-2, True, ("scaled", 1e-2)),
    ],
)
def test_a_second_strength_is_a_factor_whether_or_not_anything_names_the_penalty(
    factor: float, bare: bool, expected: tuple[str, float]
) -> None:
    step = TrainingStep()
    penalty = step.l2("w", collected=not bare)
    step.minimize(step.add(step.data_loss(collected=not bare), step.scale(factor, penalty)))
    status, multiplier = said(only(step))
    assert (status, multiplier) == (expected[0], pytest.approx(expected[1], rel=1e-5))


def test_a_factor_on_the_whole_loss_does_not_count() -> None:
    step = TrainingStep()
    step.minimize(step.scale(128.0, step.add(step.data_loss(), step.l2("w"))))
    assert said(only(step)) == ("included", 1.0)


def test_a_factor_on_the_data_loss_alone_counts_the_other_way_around() -> None:
    step = TrainingStep()
    step.minimize(step.add(step.scale(4.0, step.data_loss()), step.l2("w")))
    assert said(only(step)) == ("scaled", pytest.approx(0.25))


def test_a_penalty_added_twice_is_double_counted() -> None:
    step = TrainingStep()
    penalty = step.l2("w")
    step.minimize(step.add(step.data_loss(), penalty, penalty))
    assert said(only(step)) == ("double_counted", 2.0)


def test_a_penalty_taken_off_the_loss_has_a_negative_multiplier() -> None:
    step = TrainingStep()
    step.minimize(step.graph.op("Sub", step.data_loss(), step.l2("w")))
    assert said(only(step)) == ("scaled", -1.0)


# ---- In the value, not in the gradient.


def test_stop_gradient_around_a_penalty_blocks_it() -> None:
    step = TrainingStep()
    cut = step.graph.op("StopGradient", step.l2("w"), name="cut")
    step.minimize(step.add(step.data_loss(), cut))
    loss = only(step)
    assert said(loss) == ("blocked", 0.0)
    assert "'cut'" in loss.text
    assert loss.path[-1] == "cut"


def test_stop_gradient_inside_of_a_penalty_blocks_it() -> None:
    step = TrainingStep()
    graph = step.graph
    still = graph.op("StopGradient", step.variable("w"), name="still")
    penalty = graph.op("Mul", graph.const("strength", 0.1), graph.op("L2Loss", still))
    graph.collect("regularization_losses", penalty + ":0")
    data = step.data_loss()
    gradients = step.gradients(data)
    step.add(data, penalty)
    step.apply(gradients)
    assert said(only(step)) == ("blocked", 0.0)


def test_a_penalty_that_was_added_after_the_gradients_were_taken_is_not_included() -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(), step.l2("w")
    gradients = step.gradients(data)
    step.apply(gradients)
    total = step.add(data, penalty)
    declaration = Declaration(
        "tf1",
        (DeclaredLoss("penalty", penalty + ":0"),),
        data_losses=(DeclaredLoss("data", data + ":0"),),
        optimized_loss=DeclaredLoss("total", total + ":0"),
    )
    assert statuses(step, declaration) == ["blocked"]
    assert statuses(step) == ["missing"]


# ---- Harmless ones.


def test_a_penalty_on_a_variable_that_is_not_trained_is_frozen() -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(), step.l2("backbone")
    step.minimize(data)
    del penalty
    assert statuses(step) == ["frozen"]


@pytest.mark.parametrize("included", [True, False])
def test_a_strength_of_zero_is_zero_wherever_it_goes(included: bool) -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(), step.l2("w", 0.0)
    step.minimize(step.add(data, penalty) if included else data)
    assert statuses(step) == ["zero"]


def test_an_evaluation_graph_trains_nothing() -> None:
    step = TrainingStep()
    step.add(step.data_loss(), step.l2("w"))
    proof = step.graph.prove()
    assert proof.trains is False
    assert [loss.status.value for loss in proof.losses] == ["frozen"]


def test_an_empty_graph_trains_nothing() -> None:
    proof = Graph().prove()
    assert proof.trains is False
    assert proof.losses == ()


# ---- Several variables, several losses.


def test_each_loss_has_a_status_of_its_own() -> None:
    step = TrainingStep()
    data = step.data_loss("w", "u", "v")
    kept, cut, lost = step.l2("w"), step.l2("u"), step.l2("v")
    step.minimize(step.add(data, kept, step.graph.op("StopGradient", cut)))
    del lost
    assert statuses(step) == ["included", "blocked", "missing"]


def both(step: TrainingStep) -> str:
    graph = step.graph
    norms = [graph.op("L2Loss", step.variable(name)) for name in ("w", "u")]
    penalty = graph.op("Mul", graph.const("strength", 0.1), graph.op("AddN", *norms))
    graph.collect("regularization_losses", penalty + ":0")
    return penalty


def test_one_penalty_on_two_variables() -> None:
    step = TrainingStep()
    step.minimize(step.add(step.data_loss("w", "u"), both(step)))
    loss = only(step)
    assert said(loss) == ("included", 1.0)
    assert loss.variables == ("w", "u")


def test_one_penalty_on_two_variables_that_reaches_one_is_partial() -> None:
    step = TrainingStep()
    data = step.data_loss("w", "u")
    full = step.gradients(step.add(data, both(step)), "whole")
    short = step.gradients(data, "short")
    step.apply({"w": full["w"], "u": short["u"]})
    loss = only(step)
    assert loss.status.value == "partial"
    assert "'u'" in loss.text
    assert "'w'" not in loss.text


def test_one_penalty_on_two_variables_of_which_one_is_frozen_is_included() -> None:
    step = TrainingStep()
    gradients = step.gradients(step.add(step.data_loss("w", "u"), both(step)))
    step.apply({"w": gradients["w"]})
    assert said(only(step)) == ("included", 1.0)


def test_the_other_players_loss_does_not_help() -> None:
    step = TrainingStep()
    first = step.data_loss("w")
    second = step.add(step.data_loss("u"), step.l2("w"))
    step.apply({"w": step.gradients(first, "first")["w"]}, "generator")
    step.apply({"u": step.gradients(second, "second")["u"]}, "critic")
    assert statuses(step) == ["missing"]


def test_each_optimizer_is_judged_by_its_own_variables() -> None:
    step = TrainingStep()
    first = step.add(step.data_loss("w"), step.l2("w"))
    second = step.add(step.data_loss("u"), step.l2("u"))
    step.apply({"w": step.gradients(first, "first")["w"]}, "generator")
    step.apply({"u": step.gradients(second, "second")["u"]}, "critic")
    assert statuses(step) == ["included", "included"]


def test_of_an_optimizer_that_was_built_again_the_newest_counts() -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(), step.l2("w")
    step.apply(step.gradients(data, "gradients"), "GradientDescent")
    step.apply(step.gradients(step.add(data, penalty), "gradients_1"), "GradientDescent_1")
    assert statuses(step) == ["included"]


def test_a_declared_train_op_is_the_one_that_counts() -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(), step.l2("w")
    step.apply(step.gradients(data, "plain"), "warm_up")
    step.apply(step.gradients(step.add(data, penalty), "whole"), "main")
    assert statuses(step, Declaration("tf1", train_op="warm_up")) == ["missing"]
    assert statuses(step, Declaration("tf1", train_op="main")) == ["included"]


# ---- Twins.


def test_a_dead_twin_of_a_penalty_that_is_used_is_that_penalty() -> None:
    step = TrainingStep()
    step.l2("w")  # In the collection, without a consumer.
    used = step.l2("w", collected=False)
    step.minimize(step.add(step.data_loss(), used))
    assert said(only(step)) == ("included", 1.0)


def test_twins_that_are_both_used_are_counted_twice() -> None:
    step = TrainingStep()
    step.minimize(step.add(step.data_loss(), step.l2("w"), step.l2("w")))
    proof = step.graph.prove()
    assert {said(loss) for loss in proof.losses} == {("double_counted", 2.0)}


def test_penalties_of_two_strengths_on_one_variable_are_two() -> None:
    step = TrainingStep()
    weak, strong = step.l2("w", 0.01), step.l2("w", 0.5)
    step.minimize(step.add(step.data_loss(), strong))
    del weak
    assert statuses(step)[1] == "included"
    assert statuses(step)[0] != "included"


# ---- What looks like a penalty and is none.


def test_a_norm_for_a_summary_is_no_penalty() -> None:
    step = TrainingStep()
    graph = step.graph
    total = graph.op("Sum", graph.op("Square", step.variable("w")), graph.const("axes", [0, 1]))
    graph.op("ScalarSummary", graph.const("tag", 0.0), graph.op("Sqrt", total))
    step.minimize(step.data_loss())
    assert statuses(step) == []


def test_a_norm_of_gradients_is_no_penalty() -> None:
    step = TrainingStep()
    graph = step.graph
    gradients = step.gradients(step.data_loss())
    squares = graph.op("L2Loss", gradients["w"], name="global_norm/L2Loss")
    graph.op("Mul", graph.const("two", 2.0), graph.op("AddN", squares), name="global_norm/mul")
    step.apply(gradients)
    assert statuses(step) == []


def test_the_derivative_of_a_strength_is_no_penalty() -> None:
    step = TrainingStep()
    graph = step.graph
    step.minimize(step.add(step.data_loss(collected=False), step.l2("w", collected=False)))
    scope = "w/Regularizer/l2_regularizer"
    dead = graph.op("Mul", "gradients/Fill", f"{scope}/L2Loss", name="gradients/penalty_grad/Mul")
    graph.op("Sum", dead, graph.const("gradients/axes", [0]), name="gradients/penalty_grad/Sum")
    assert [said(loss) for loss in step.graph.prove().losses] == [("included", 1.0)]


def test_no_collection_and_no_penalty_is_nothing() -> None:
    step = TrainingStep()
    step.minimize(step.data_loss(collected=False))
    proof = step.graph.prove()
    assert proof.losses == ()
    assert proof.is_clean


def test_an_unused_penalty_is_found_by_its_form_alone() -> None:
    step = TrainingStep()
    step.l2("w", collected=False)
    step.minimize(step.data_loss(collected=False))
    assert statuses(step) == ["missing"]


def test_a_step_inside_of_a_function() -> None:
    for used in (True, False):
        step = TrainingStep()
        graph = step.graph
        data, penalty = step.data_loss(), step.l2("w")
        gradient = step.gradients(step.add(data, penalty) if used else data)["w"]
        body = graph.function("scale", {"g": FLOAT}, {"y": "mul:z:0"})
        body.op("Mul", "g", body.const("one", 1.0) + ":output:0", name="mul")
        step.apply({"w": graph.op("PartitionedCall", gradient, f=Call("scale"))})
        assert statuses(step) == ["included" if used else "missing"]
