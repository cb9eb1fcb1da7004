# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What of a run is at fault: never louder than the run, and at least once as loud."""

from __future__ import annotations

import itertools

import pytest

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.verdict_types import Status
from tb_regloss.report.faults import faults_of, run_key
from tests.unit.report.runs import a_loss, a_run


def told(losses: list[str], status: str) -> list[tuple[str | None, str, str]]:
    run = a_run("train", [a_loss(name, name) for name in losses], status)
    return [(fault.key[1], fault.status, fault.severity) for fault in faults_of(run)]


def test_a_run_that_is_fine_has_none() -> None:
    assert told(["included", "frozen", "zero"], "included") == []
    assert told([], "no_regularization") == []


def test_each_loss_at_fault_is_one() -> None:
    assert told(["missing", "included", "scaled", "zero"], "partial") == [
        ("missing", "missing", "error"),
        ("scaled", "scaled", "warning"),
    ]


def test_a_verdict_on_the_run_as_a_whole_is_one() -> None:
    assert told([], "missing") == [(None, "missing", "error")]
    assert told(["included"], "unknown") == [(None, "unknown", "unknown")]


def test_none_is_louder_than_its_run() -> None:
    assert told(["unknown", "double_counted"], "unknown") == [
        ("unknown", "unknown", "unknown"),
        ("double_counted", "double_counted", "unknown"),
    ]


@pytest.mark.parametrize("status", list(Status))
def test_the_loudest_is_as_loud_as_the_run(status: Status) -> None:
    # So that the exit status is the same whether runs or faults are asked.
    loud = verdicts.severity_of(status).value
    for losses in itertools.product([one.value for one in Status][:9], repeat=2):
        found = {severity for _, _, severity in told(list(losses), status.value)}
        assert (loud in found) == (loud != "ok")


def test_a_status_that_does_not_exist_is_refused() -> None:
    run = a_run("train", [a_loss("a", "missing")])
    run["regularization_losses"][0]["status"] = "lost"
    with pytest.raises(ValueError, match="lost"):
        faults_of(run)


def test_single_files_are_told_apart_by_their_names() -> None:
    assert run_key(a_run("train")) == "train"
    assert run_key(a_run(".", path="/a/model.meta")) == "model.meta"
    assert run_key(a_run(".", path="/a/logs/")) == run_key(a_run(".", path="logs"))
