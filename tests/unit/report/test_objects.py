# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The JSON objects: every key, no number that JSON lacks."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tb_regloss import report
from tb_regloss.analysis.facts import (
    Declaration,
    DeclaredLoss,
    LossMatrix,
    RunFacts,
    Series,
)
from tb_regloss.analysis.verdict_types import LossVerdict, RunVerdict, Severity, Status
from tests.unit.report.test_text import FACTS, VERDICT


def test_a_run_object_is_what_the_contract_says() -> None:
    found = json.loads(report.to_json(report.run_object(FACTS, VERDICT, "logs")))
    assert found == {
        "version": 1,
        "run": "train",
        "path": "logs/train",
        "argument": "logs",
        "status": "partial",
        "severity": "error",
        "headline": "1 of 2 regularization losses never reaches the loss that is optimized",
        "coverage": {"included": 1, "total": 2, "unknown": 0},
        "related_to": None,
        "roles": {
            "data_loss": {"tags": ["my/ce"], "source": "given", "candidates": []},
            "regularization_sum": {"tags": [], "source": "none", "candidates": []},
            "total_loss": {"tags": [], "source": "none", "candidates": []},
            "optimized_loss": {
                "tags": [],
                "source": "ambiguous",
                "candidates": ["loss", "loss_1"],
            },
        },
        "losses": {
            "data_loss": 0.31,
            "regularization_sum": "NaN",
            "total_loss": None,
            "optimized_loss": None,
            "step": 1,
        },
        "regularization_losses": [
            {
                "name": "conv/l2:0",
                "variables": ["conv/w"],
                "status": "included",
                "multiplier": 1.0,
                "value": 0.25,
                "created_at": None,
                "kind": None,
                "strength": None,
                "text": "",
            },
            {
                "name": "dense/l2:0",
                "variables": ["dense/w"],
                "status": "missing",
                "multiplier": 0.0,
                "value": None,
                "created_at": "model.py:42",
                "kind": None,
                "strength": None,
                "text": "",
            },
        ],
        "findings": [{"code": "equal_terms", "severity": "warning", "text": "All are equal."}],
        "evidence": [
            {
                "kind": "graph",
                "status": "partial",
                "text": "It ends at dense/l2.",
                "frontier": ["a"],
            }
        ],
        "fix": {
            "framework": "tf1-slim",
            "text": "Add the collection.",
            "code": "loss = tf.losses.get_total_loss()\nprint(loss)",
        },
        "notes": ["Found by their tags."],
        "problems": [{"path": "logs/train/x", "message": "It ends within a record."}],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.5, 1.5), (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), (-0.0, -0.0)],
)
def test_numbers(value: float, expected: object) -> None:
    assert report.number(value) == expected
    assert report.numbers(np.array([value])) == [expected]
    assert report.plain({"a": [value, (np.float32(value),)]}) == {"a": [expected, [expected]]}


def test_the_last_logged_value_of_a_declared_loss_is_shown() -> None:
    steps = np.array([0, 1])
    facts = RunFacts(
        "a",
        "a",
        declarations=(Declaration(regularization_losses=(DeclaredLoss("x"), DeclaredLoss("y"))),),
        loss_matrix=LossMatrix(steps, steps * 1.0, np.array([[1.0, 2.0], [3.0, math.inf]])),
    )
    losses = tuple(LossVerdict(name, (), Status.UNKNOWN) for name in ("y", "x", "z"))
    verdict = RunVerdict(Status.UNKNOWN, Severity.UNKNOWN, "", regularization_losses=losses)
    values = [
        loss["value"] for loss in report.run_object(facts, verdict, "a")["regularization_losses"]
    ]
    assert values == ["Infinity", 3.0, None]


def test_an_empty_series_has_no_last_value() -> None:
    empty = Series(np.array([], np.int64), np.array([]), np.array([]))
    facts = RunFacts("a", "a", series={"data_loss": empty})
    found = report.run_object(facts, VERDICT, "a")["losses"]
    assert set(found.values()) == {None}


def test_a_run_that_is_not_judged_is_pending() -> None:
    assert report.summary_object("a", None) == {
        "run": "a",
        "status": "pending",
        "severity": None,
        "headline": None,
        "coverage": None,
        "multiplier": None,
        "related_to": None,
    }


def test_the_badge_gets_the_multiplier_that_all_share() -> None:
    def multiplier(*losses: tuple[Status, float | None]) -> object:
        verdicts = tuple(LossVerdict("a", (), status, value) for status, value in losses)
        verdict = RunVerdict(Status.SCALED, Severity.WARNING, "", regularization_losses=verdicts)
        run = report.run_object(RunFacts("a", "a"), verdict, "a")
        return report.summary_object("a", run, "train")["multiplier"]

    assert multiplier((Status.SCALED, 0.5), (Status.SCALED, 0.5), (Status.FROZEN, 1.0)) == 0.5
    assert multiplier((Status.SCALED, 0.5), (Status.SCALED, 0.25)) is None
    assert multiplier((Status.SCALED, None)) is None
    assert multiplier() is None
