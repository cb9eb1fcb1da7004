# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The contract's table of statuses, row by row, and which evidence can prove what."""

from __future__ import annotations

import numpy as np
import pytest

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    ConfiguredRegularizer,
    Declaration,
    DeclaredLoss,
    LossMatrix,
    RunFacts,
    Series,
)
from tb_regloss.analysis.proofs.proof import GraphProof, LossProof, status_of
from tb_regloss.analysis.verdict_types import (
    EvidenceKind,
    RunVerdict,
    Severity,
    Status,
)
from tests.helpers.loss_statuses import BY_NAME, MULTIPLIERS, OF_LOSSES


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("decoupled", "ok"),
        ("no_regularization", "ok"),
        ("partial", "error"),
        ("missing", "error"),
        ("blocked", "error"),
        ("unknown", "unknown"),
        ("double_counted", "error"),
        ("scaled", "warning"),
        ("included", "ok"),
        ("not_training", "ok"),
    ],
)
def test_severity(status: str, severity: str) -> None:
    assert verdicts.severity_of(BY_NAME[status]).value == severity


@pytest.mark.parametrize(
    ("multiplier", "status"),
    [
        (None, "included"),
        (1.0, "included"),
        (1.0 + 1e-7, "included"),
        (2.0, "double_counted"),
        (2.0 - 1e-7, "double_counted"),
        (7.0, "double_counted"),
        (2.5, "scaled"),
        (0.5, "scaled"),
        (1.001, "scaled"),
        (1 / 3, "scaled"),
        (-1.0, "scaled"),
        (-2.0, "scaled"),
        (1e-4, "scaled"),
    ],
)
def test_status_of_a_multiplier(multiplier: float | None, status: str) -> None:
    assert status_of(multiplier).value == status


# ---- Joining graphs, declarations, configuration and scalars.


def proof(*statuses: str, source: str = "graph", trains: bool | None = True, **more) -> GraphProof:
    losses = tuple(
        LossProof(f"loss_{n}", ("w",), BY_NAME[s], MULTIPLIERS.get(s), declared=n)
        for n, s in enumerate(statuses)
    )
    more.setdefault("fingerprint", source)
    return GraphProof(source, trains=trains, losses=losses, **more)


def declare(*multipliers: float | None, **more) -> Declaration:
    losses = tuple(
        DeclaredLoss(f"loss_{n}", variables=("w",), created_at=f"model.py:{n}", multiplier=m)
        for n, m in enumerate(multipliers)
    )
    return Declaration("tf2", losses, **more)


def judge(*proofs: GraphProof, **facts) -> RunVerdict:
    return verdicts.judge(RunFacts("train", "logs", **facts), proofs)


def logged(multiplier: float) -> dict[str, Series]:
    """Returns series in which the regularization sum counts so many times."""
    steps = np.arange(0, 1000, 10)
    random = np.random.default_rng(3)
    data = 0.2 + 2 * np.exp(-steps / 300) * random.uniform(0.8, 1.2, len(steps))
    penalty = 0.05 + 0.4 * np.exp(-steps / 200)
    values = {
        DATA_LOSS: data,
        REGULARIZATION_SUM: penalty,
        OPTIMIZED_LOSS: data + multiplier * penalty,
    }
    return {
        role: Series(steps, steps.astype(float), v.astype(np.float32) + 0.0, (f"regloss/{role}",))
        for role, v in values.items()
    }


def test_the_newest_graph_that_trains_decides() -> None:
    older, newer = proof("missing", source="older"), proof("included", source="newer")
    assert judge(older, newer).status is Status.INCLUDED
    assert judge(newer, older).status is Status.MISSING


def test_a_newer_graph_that_does_not_train_decides_nothing() -> None:
    training, evaluation = proof("missing"), proof("frozen", source="eval", trains=False)
    assert judge(training, evaluation).status is Status.MISSING
    unclear = proof("unknown", source="cut", trains=None, obstacles=("a call was not followed",))
    assert judge(training, unclear).status is Status.MISSING


def test_an_older_training_graph_that_disagrees_is_named() -> None:
    verdict = judge(proof("missing", source="older"), proof("included", source="newer"))
    finding = next(f for f in verdict.findings if f.code == "graphs_disagree")
    assert "older" in finding.text
    assert finding.severity is Severity.OK


def test_an_older_graph_that_agrees_is_not_worth_a_word() -> None:
    verdict = judge(proof("missing", source="older"), proof("missing", source="newer"))
    assert "graphs_disagree" not in {f.code for f in verdict.findings}


def test_of_one_graph_that_is_there_twice_the_one_with_collections_counts() -> None:
    rich = proof("missing", fingerprint="same", has_collections=True)
    bare = proof(fingerprint="same")
    assert judge(rich, bare).status is Status.MISSING
    assert judge(bare, rich).status is Status.MISSING


def test_not_training_needs_a_graph() -> None:
    assert judge(proof("frozen", trains=False)).status is Status.NOT_TRAINING
    assert judge(series=logged(0)).status is not Status.NOT_TRAINING
    assert judge().status is Status.UNKNOWN


def test_a_graph_that_could_not_be_followed_is_unknown_with_its_reason() -> None:
    cut = proof("unknown", trains=None, obstacles=("the call 'step' was not followed",))
    verdict = judge(cut)
    assert verdict.status is Status.UNKNOWN
    assert verdict.severity is Severity.UNKNOWN
    assert "the call 'step' was not followed" in verdict.headline


def test_no_losses_in_a_graph_with_obstacles_is_unknown() -> None:
    verdict = judge(proof(obstacles=("the graph names 'x' but has no such op",)))
    assert verdict.status is Status.UNKNOWN
    assert "'x'" in verdict.headline


def test_coverage_counts_what_was_not_dropped() -> None:
    coverage = judge(proof("included", "included", "missing", "unknown", "frozen", "zero")).coverage
    assert (coverage.included, coverage.total, coverage.unknown) == (2, 4, 1)


@pytest.mark.parametrize(
    ("multipliers", "expected"),
    [
        ((1.0,), "included"),
        ((1.0, 1.0), "included"),
        ((0.0, 0.0), "missing"),
        ((1.0, 0.0), "partial"),
        ((2.0,), "double_counted"),
        ((0.5, 1.0), "scaled"),
        ((float("nan"),), "unknown"),
        ((float("inf"), 1.0), "unknown"),
        ((None, 1.0), "unknown"),
        ((None,), "unknown"),
        ((), "no_regularization"),
    ],
)
def test_measured_multipliers_speak_where_no_graph_does(
    multipliers: tuple[float | None, ...], expected: str
) -> None:
    verdict = judge(declarations=(declare(*multipliers),))
    assert verdict.status.value == expected
    assert len(verdict.regularization_losses) == len(multipliers)


def test_the_newest_declaration_counts() -> None:
    assert judge(declarations=(declare(0.0), declare(1.0))).status is Status.INCLUDED


def test_what_was_measured_fills_what_the_graph_leaves_open() -> None:
    verdict = judge(proof("unknown", "unknown"), declarations=(declare(1.0, 0.0),))
    assert [loss.status.value for loss in verdict.regularization_losses] == ["included", "missing"]
    assert verdict.status is Status.PARTIAL
    stays = judge(proof("unknown"), declarations=(declare(None),))
    assert stays.status is Status.UNKNOWN


def test_an_optimizer_that_was_declared_to_decay_is_decoupled() -> None:
    assert judge(declarations=(declare(optimizer_weight_decay=1e-4),)).status is Status.DECOUPLED
    verdict = judge(declarations=(declare(optimizer_weight_decay=0.0),))
    assert verdict.status is Status.NO_REGULARIZATION


_DENSE = ConfiguredRegularizer("dense", "kernel_regularizer", "L2", 0.01)


def test_a_configured_regularizer_without_a_loss_is_missing_in_a_clean_graph() -> None:
    verdict = judge(proof(is_clean=True), keras_regularizers=(_DENSE,))
    assert verdict.status is Status.MISSING
    assert [loss.name for loss in verdict.regularization_losses] == ["dense/kernel_regularizer"]


@pytest.mark.parametrize(
    "configured",
    [
        ConfiguredRegularizer("dense", "kernel_regularizer", "L2", 0.0),
        ConfiguredRegularizer("dense", "kernel_regularizer", "L2", 0.01, trainable=False),
    ],
    ids=["strength 0", "not trainable"],
)
def test_a_configured_regularizer_that_can_do_nothing_is_not_missing(
    configured: ConfiguredRegularizer,
) -> None:
    verdict = judge(proof(is_clean=True), keras_regularizers=(configured,))
    assert verdict.status is Status.NO_REGULARIZATION


def test_configuration_proves_nothing_beside_losses_or_an_unclean_graph() -> None:
    assert judge(proof("included"), keras_regularizers=(_DENSE,)).status is Status.INCLUDED
    unclean = judge(proof(is_clean=False), keras_regularizers=(_DENSE,))
    assert unclean.status is not Status.MISSING


def test_a_declared_regularizer_without_a_loss_is_missing() -> None:
    declaration = declare(configured=(_DENSE,))
    assert judge(proof(), declarations=(declaration,)).status is Status.MISSING
    assert judge(declarations=(declaration,)).status is Status.MISSING


def test_what_is_known_of_a_loss_arrives_in_its_verdict() -> None:
    steps = np.array([0, 10])
    matrix = LossMatrix(steps, steps * 1.0, np.array([[0.5, 1.5], [0.25, 0.75]]))
    facts = {"declarations": (declare(1.0, 0.0),), "loss_matrix": matrix}
    first, second = judge(**facts).regularization_losses
    assert (first.name, first.value, first.created_at) == ("loss_0", 0.25, "model.py:0")
    assert (second.name, second.value, second.multiplier) == ("loss_1", 0.75, 0.0)


def test_a_matrix_narrower_than_the_declaration_gives_no_value() -> None:
    steps = np.array([0])
    matrix = LossMatrix(steps, steps * 1.0, np.array([[0.5]]))
    verdict = judge(declarations=(declare(1.0, 1.0),), loss_matrix=matrix)
    assert [loss.value for loss in verdict.regularization_losses] == [0.5, None]


@pytest.mark.parametrize(("last", "status"), [(0.0, "zero"), (0.25, "missing")])
def test_a_penalty_that_is_zero_at_all_steps_has_strength_zero(last: float, status: str) -> None:
    steps = np.array([0, 10])
    matrix = LossMatrix(steps, steps * 1.0, np.array([[0.5, 0.0], [0.25, last]]))
    verdict = judge(declarations=(declare(1.0, 0.0),), loss_matrix=matrix)
    assert [loss.status.value for loss in verdict.regularization_losses] == ["included", status]
    assert verdict.status.value == ("included" if status == "zero" else "partial")


@pytest.mark.parametrize(
    ("multipliers", "second", "expected"),
    [
        ((1.0, 1.0), [0.5, 0.25], ["double_counted"] * 2),
        # A twin that is left over is none.
        ((1.0, 0.0), [0.5, 0.25], ["included", "missing"]),
        ((1.0, 1.0), [0.5, 0.5], ["included"] * 2),
    ],
)
def test_identical_penalties_on_one_variable_that_are_both_used_count_twice(
    multipliers: tuple[float, float], second: list[float], expected: list[str]
) -> None:
    steps = np.array([0, 10])
    matrix = LossMatrix(steps, steps * 1.0, np.array([[0.5, 0.25], second]).T)
    verdict = judge(declarations=(declare(*multipliers),), loss_matrix=matrix)
    assert [loss.status.value for loss in verdict.regularization_losses] == expected
    if verdict.status is Status.DOUBLE_COUNTED:
        assert "one and the same penalty on 'w', counted 2 times" in verdict.headline


@pytest.mark.parametrize("status", [s.value for s in OF_LOSSES])
def test_every_verdict_has_headline_evidence_and_matching_severity(status: str) -> None:
    verdict = judge(proof(status))
    assert verdict.headline
    assert verdict.severity is verdicts.severity_of(verdict.status)
    assert verdict.evidence[0].kind is EvidenceKind.GRAPH
    # A factor that is not constant could not be named in a fix.
    assert (verdict.fix is not None) == (verdict.severity in (Severity.ERROR, Severity.WARNING))
