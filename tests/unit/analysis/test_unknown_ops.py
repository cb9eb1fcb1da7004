# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that nobody knows: what may have gone into them is not told as absent."""

from __future__ import annotations

import pytest

from tb_regloss.analysis.facts import Declaration, DeclaredLoss
from tests.helpers.graphs import FLOAT, Type
from tests.helpers.proofs import said
from tests.helpers.training import TrainingStep

_OWN = "SomebodysOwnOp"


def test_a_loss_that_an_unknown_op_joins() -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(collected=False), step.l2("w", collected=False)
    step.minimize(data)
    step.graph.op(_OWN, data, penalty)
    proof = step.graph.prove()
    assert [loss.status.value for loss in proof.losses] in ([], ["unknown"])
    assert any("reads what may be a penalty" in text for text in proof.obstacles)


def test_a_list_of_losses_that_an_unknown_op_adds_up() -> None:
    step = TrainingStep()
    data, penalty = step.data_loss(collected=False), step.l2("w", collected=False)
    listed = step.graph.op("Pack", data, penalty, T=Type(FLOAT))
    step.minimize(data)
    step.graph.op(_OWN, listed, name="sum")
    assert any("'sum'" in text for text in step.graph.prove().obstacles)


def test_a_penalty_that_an_unknown_op_is() -> None:
    step = TrainingStep()
    graph, data = step.graph, step.data_loss(collected=False)
    own = graph.op(_OWN, step.variable("w"), name="penalty")
    graph.op("AddV2", data, own, name="total")
    step.minimize(data)
    assert any("'penalty'" in text for text in graph.prove().obstacles)


@pytest.mark.parametrize("collected", [True, False])
def test_a_missing_penalty_that_an_unknown_op_reads_is_unknown(collected: bool) -> None:
    step = TrainingStep()
    penalty = step.l2("w", collected=collected)
    loss = step.data_loss()
    step.minimize(loss)
    step.graph.op("Neg", step.graph.op(_OWN, penalty, name="own"))
    assert [found.status.value for found in step.graph.prove().losses] in (["unknown"], [])


def test_a_gradient_and_a_penalty_in_an_unknown_op_are_not_missing() -> None:
    step = TrainingStep()
    graph, data, penalty = step.graph, step.data_loss(), step.l2("w")
    (gradient,) = step.gradients(data).values()
    decay = graph.op("Mul", step.variable("w"), graph.const("strength", 0.01))
    joined = graph.op(_OWN, gradient, decay, name="joined")
    step.apply({"w": joined})
    (loss,) = graph.prove().losses
    assert loss.status.value == "unknown"
    assert penalty


def test_an_unknown_op_behind_data_only_leaves_a_proof() -> None:
    """Custom ops stand in many models; a penalty that nothing reads is missing all the same."""
    step = TrainingStep()
    graph, data = step.graph, step.data_loss()
    step.l2("w")
    (gradient,) = step.gradients(data).values()
    step.apply({"w": graph.op(_OWN, gradient, name="compressed")})
    (loss,) = graph.prove().losses
    assert loss.status.value == "missing"


@pytest.mark.parametrize("op", ["EagerPyFunc", "PyFunc"])
def test_a_declared_penalty_that_python_computes_says_so(op: str) -> None:
    step = TrainingStep()
    norm = step.graph.op(op, step.variable("w"), name="norm")
    penalty = step.scale(0.01, norm)
    step.minimize(step.data_loss())
    declaration = Declaration("tf2", (DeclaredLoss("penalty", penalty + ":0", variables=("w",)),))
    (loss,) = step.graph.prove(declaration).losses
    assert said(loss) == ("unknown", None)
    assert "'norm'" in loss.text
    assert op in loss.text
    assert "no such tensor" not in loss.text
