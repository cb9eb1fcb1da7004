# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The text report, line by line."""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_regloss import report
from tb_regloss.analysis.facts import FoundRole, Problem, RunFacts, Series
from tb_regloss.analysis.verdict_types import (
    Coverage,
    Evidence,
    EvidenceKind,
    Finding,
    Fix,
    LossVerdict,
    RunVerdict,
    Severity,
    Status,
)
from tb_regloss.report import text
from tb_regloss.report.baseline import Baseline
from tb_regloss.report.outcome import outcome_of


def series(*values: float) -> Series:
    steps = np.arange(len(values), dtype=np.int64)
    return Series(steps, steps.astype(np.float64), np.array(values, np.float64))


FACTS = RunFacts(
    "train",
    "logs/train",
    series={"data_loss": series(0.5, 0.31), "regularization_sum": series(float("nan"))},
    roles={
        "data_loss": FoundRole(("my/ce",), "given"),
        "optimized_loss": FoundRole((), "ambiguous", ("loss", "loss_1")),
    },
    notes=("Found by their tags.",),
    problems=(Problem("logs/train/x", "It ends within a record."),),
)
VERDICT = RunVerdict(
    Status.PARTIAL,
    Severity.ERROR,
    "1 of 2 regularization losses never reaches the loss that is optimized",
    Coverage(1, 2, 0),
    (
        LossVerdict("conv/l2:0", ("conv/w",), Status.INCLUDED, 1.0, 0.25),
        LossVerdict("dense/l2:0", ("dense/w",), Status.MISSING, 0.0, None, "model.py:42"),
    ),
    (Finding("equal_terms", Severity.WARNING, "All are equal."),),
    (Evidence(EvidenceKind.GRAPH, Status.PARTIAL, "It ends at dense/l2.", {"frontier": ["a"]}),),
    Fix("tf1-slim", "Add the collection.", "loss = tf.losses.get_total_loss()\nprint(loss)"),
)


def told(runs: list[dict[str, Any]], width: int | None = None) -> list[str]:
    return [line.text for line in text.lines(outcome_of(["logs"], runs), width)]


def test_everything_of_a_run_is_told() -> None:
    assert told([report.run_object(FACTS, VERDICT, "logs")]) == [
        "ERROR    train  (logs/train)",
        "  partial: 1 of 2 regularization losses never reaches the loss that is optimized",
        "  data loss 0.31, regularization sum NaN at step 1",
        "  - graph: It ends at dense/l2.",
        "  * warning: All are equal.",
        "  * Found by their tags.",
        "",
        "  status    multiplier  value  regularization loss  created at",
        "  missing   0           -      dense/l2:0           model.py:42",
        "  included  1           0.25   conv/l2:0",
        "",
        "  Fix: Add the collection.",
        "      loss = tf.losses.get_total_loss()",
        "      print(loss)",
        "",
        "What that means: tb-regloss explain partial",
        "1 run: 1 partial",
    ]


def test_long_lists_are_cut_and_counted() -> None:
    losses = tuple(LossVerdict(f"l{i}", (), Status.INCLUDED) for i in range(37))
    verdict = RunVerdict(Status.INCLUDED, Severity.OK, "All in", regularization_losses=losses)
    lines = told([report.run_object(RunFacts("a", "b"), verdict, "b")])
    assert "  ... and 27 more (--format json has all)" in lines
    assert sum(line.startswith("  included  ") for line in lines) == 10


def test_lines_are_broken_to_the_width_and_never_without_one() -> None:
    verdict = RunVerdict(Status.UNKNOWN, Severity.UNKNOWN, "word " * 60)
    run = report.run_object(RunFacts("a", "b"), verdict, "b")
    assert all(len(line) <= 60 for line in told([run], 60))
    assert any(len(line) > 250 for line in told([run]))


def test_control_characters_of_names_do_not_reach_the_terminal() -> None:
    run = report.run_object(RunFacts("a\x1b[31m\n", "b"), VERDICT, "b")
    assert told([run])[0] == "ERROR    a\\x1b[31m\\n  (b)"


def test_problems_and_the_sum_come_last() -> None:
    problems = [
        {"path": "logs/a", "message": "logs/a does not exist."},
        {"path": "logs/b", "message": "It is damaged."},
    ]
    assert [line.text for line in text.lines(outcome_of(["logs"], [], problems))] == [
        "! logs/a does not exist.",
        "! logs/b: It is damaged.",
        "",
        "No run was found.",
    ]


def test_what_the_baseline_knows_is_told() -> None:
    run = report.run_object(FACTS, VERDICT, "logs")
    found = outcome_of(["logs"], [run], baseline=Baseline("known.json", (run,)))
    lines = [line.text for line in text.lines(found)]
    assert lines[2] == "  known from the baseline: 1 of 1"
    assert lines[-2] == "Baseline known.json: 1 known, 0 new, 0 of its faults gone"
