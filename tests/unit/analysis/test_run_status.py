# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The status of a run by those of its losses, by the contract's table."""

from __future__ import annotations

import itertools

import pytest

from tb_regloss.analysis import statuses as statuses_module
from tb_regloss.analysis.verdict_types import (
    Status,
)
from tests.helpers.loss_statuses import BY_NAME, OF_LOSSES

REACHING = {Status.INCLUDED, Status.SCALED, Status.DOUBLE_COUNTED, Status.PARTIAL}


def run_status(*statuses: str, decays: bool = False, certain: bool = True) -> str:
    return statuses_module.run_status([BY_NAME[s] for s in statuses], decays, certain).value


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        # Nothing is left.
        ("", "no_regularization"),
        ("frozen", "no_regularization"),
        ("zero", "no_regularization"),
        ("frozen zero", "no_regularization"),
        # Any missing, blocked or partial, and any that reaches its update.
        ("missing included", "partial"),
        ("missing scaled", "partial"),
        ("missing double_counted", "partial"),
        ("missing partial", "partial"),
        ("blocked included", "partial"),
        ("blocked scaled", "partial"),
        ("blocked double_counted", "partial"),
        ("partial", "partial"),
        ("partial included", "partial"),
        ("partial unknown", "partial"),
        ("missing unknown included", "partial"),
        # Any missing.
        ("missing", "missing"),
        ("missing blocked", "missing"),
        ("missing unknown", "missing"),
        ("missing frozen zero", "missing"),
        # Any blocked.
        ("blocked", "blocked"),
        ("blocked unknown", "blocked"),
        ("blocked zero", "blocked"),
        # Any unknown.
        ("unknown", "unknown"),
        ("unknown included", "unknown"),
        ("unknown scaled double_counted", "unknown"),
        # Any counted twice, any scaled.
        ("double_counted", "double_counted"),
        ("double_counted scaled included", "double_counted"),
        ("scaled", "scaled"),
        ("scaled included", "scaled"),
        ("scaled frozen", "scaled"),
        # All included.
        ("included", "included"),
        ("included included frozen zero", "included"),
    ],
)
def test_run_status_by_the_contracts_table(losses: str, expected: str) -> None:
    assert run_status(*losses.split()) == expected


def test_order_and_number_of_losses_do_not_matter() -> None:
    for count in range(1, 4):
        for chosen in itertools.combinations(OF_LOSSES, count):
            names = [status.value for status in chosen]
            one = run_status(*names)
            assert {run_status(*order) for order in itertools.permutations(names)} == {one}
            assert run_status(*names, *names) == one


def _by_first_line_that_holds(kept: set[Status]) -> Status:
    """Reads the contract's table literally; `kept` holds no frozen and no zero."""
    lost = {Status.MISSING, Status.BLOCKED, Status.PARTIAL}
    lines = [
        (not kept, Status.NO_REGULARIZATION),
        (bool(kept & lost) and bool(kept & REACHING), Status.PARTIAL),
        (Status.MISSING in kept, Status.MISSING),
        (Status.BLOCKED in kept, Status.BLOCKED),
        (Status.UNKNOWN in kept, Status.UNKNOWN),
        (Status.DOUBLE_COUNTED in kept, Status.DOUBLE_COUNTED),
        (Status.SCALED in kept, Status.SCALED),
        (kept == {Status.INCLUDED}, Status.INCLUDED),
    ]
    return next(status for holds, status in lines if holds)


def test_every_set_of_statuses_by_the_first_line_that_holds() -> None:
    for count in range(len(OF_LOSSES) + 1):
        for chosen in itertools.combinations(OF_LOSSES, count):
            kept = set(chosen) - {Status.FROZEN, Status.ZERO}
            expected = _by_first_line_that_holds(kept).value
            assert run_status(*(status.value for status in chosen)) == expected, chosen


@pytest.mark.parametrize("losses", ["", "frozen", "zero", "zero frozen"])
def test_an_optimizer_that_decays_weights_says_decoupled_where_nothing_is_left(losses: str) -> None:
    assert run_status(*losses.split(), decays=True) == "decoupled"
    assert run_status(*losses.split(), decays=True, certain=False) == "decoupled"


@pytest.mark.parametrize("loss", ["included", "missing", "unknown", "scaled"])
def test_decay_changes_nothing_where_a_loss_is_left(loss: str) -> None:
    assert run_status(loss, decays=True) == loss


def test_no_regularization_needs_a_graph_or_a_declaration() -> None:
    assert run_status(certain=False) == "unknown"
    assert run_status("frozen", certain=False) == "unknown"
