# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which faults a baseline knows, which are new, which are gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tb_regloss import errors, report
from tb_regloss.report.baseline import Baseline, Comparison, parse
from tb_regloss.report.outcome import Outcome, baseline_line, check_object, outcome_of
from tests.unit.report.runs import a_loss, a_run

Runs = list[dict[str, Any]]
MISSING = ("error",)
WARNING = ("error", "warning")
UNKNOWN = ("error", "warning", "unknown")


def compared(before: Runs, now: Runs, loud: tuple[str, ...] = MISSING) -> Outcome:
    # Through JSON, as in life.
    content = report.to_json(check_object(outcome_of(["logs"], before))).encode()
    return outcome_of(["logs"], now, loud=loud, baseline=parse("known.json", content))


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    found = outcome.comparison
    assert found is not None
    return len(found.known), len(found.new), len(found.gone), len(found.undecided)


def fails(outcome: Outcome) -> list[bool]:
    return [one.fails for one in outcome.runs]


def test_what_it_has_does_not_fail() -> None:
    runs = [a_run("train", [a_loss("a"), a_loss("b")])]
    assert fails(outcome_of(["logs"], runs)) == [True]
    found = compared(runs, runs)
    assert fails(found) == [False]
    assert counts(found) == (2, 0, 0, 0)


def test_another_loss_or_another_run_is_new() -> None:
    before = [a_run("train", [a_loss("a")])]
    now = [a_run("train", [a_loss("a"), a_loss("b")]), a_run("other", [a_loss("a")])]
    found = compared(before, now)
    assert fails(found) == [True, True]
    assert counts(found) == (1, 2, 0, 0)
    assert [fault.known for fault in found.runs[0].faults] == [True, False]


@pytest.mark.parametrize(
    ("before", "now", "known"),
    [
        ("missing", "missing", True),
        ("missing", "blocked", False),  # As loud.
        ("scaled", "missing", False),  # Louder.
        ("missing", "scaled", True),  # Less loud: better than it was.
    ],
)
def test_a_fault_that_got_worse_is_new(before: str, now: str, known: bool) -> None:
    then = [a_run("train", [a_loss("a", before)], before)]
    found = compared(then, [a_run("train", [a_loss("a", now)], now)], WARNING)
    assert fails(found) == [not known]
    assert counts(found) == ((1, 0, 0, 0) if known else (0, 1, 0, 0))


@pytest.mark.parametrize(
    ("status", "before", "now", "known"),
    [
        ("scaled", 0.5, 0.5 + 1e-9, True),
        ("scaled", 0.5, 0.25, False),
        ("double_counted", 2.0, 4.0, False),
        ("scaled", "NaN", "NaN", True),
        ("scaled", None, 0.5, False),
        ("missing", None, 0.0, True),  # Its status says all.
    ],
)
def test_another_multiplier_is_new(status: str, before: Any, now: Any, known: bool) -> None:
    then = [a_run("train", [a_loss("a", status, multiplier=before)], status)]
    today = [a_run("train", [a_loss("a", status, multiplier=now)], status)]
    assert fails(compared(then, today, WARNING)) == [not known]


def test_runs_without_losses_go_by_their_status() -> None:
    assert fails(compared([a_run("train")], [a_run("train")])) == [False]
    assert fails(compared([a_run("train", status="scaled")], [a_run("train")])) == [True]
    # Then it was the whole run, now it is a loss: another fault.
    assert fails(compared([a_run("train")], [a_run("train", [a_loss("a")])])) == [True]


def test_the_logs_may_have_moved() -> None:
    before = [a_run("train", [a_loss("a")], argument="/old", path="/old/train")]
    assert fails(compared(before, [a_run("train", [a_loss("a")])])) == [False]


def test_runs_of_one_name_are_told_apart_by_their_place() -> None:
    def at(place: str) -> dict[str, Any]:
        return a_run("train", [a_loss("x")], argument=place, path=f"{place}/train")

    assert fails(compared([at("b")], [at("a"), at("b")])) == [True, False]
    assert fails(compared([at("b"), at("a")], [at("a"), at("b"), at("c")])) == [False, False, True]


def test_what_is_repaired_is_gone_and_what_nobody_saw_is_not() -> None:
    before = [
        a_run("repaired", [a_loss("a")]),
        a_run("away", [a_loss("a")]),
        a_run("unclear", [a_loss("a")]),
        a_run("fewer", [a_loss("a"), a_loss("b")]),
    ]
    now = [
        a_run("repaired", [a_loss("a", "included")], "included"),
        a_run("unclear", status="unknown"),
        a_run("fewer", [a_loss("a"), a_loss("b", "included")], "partial"),
    ]
    found = compared(before, now)
    assert counts(found) == (1, 0, 2, 2)
    assert found.comparison is not None
    assert [fault.key for fault in found.comparison.gone] == [("repaired", "a"), ("fewer", "b")]
    assert baseline_line(found.comparison) == (
        "Baseline known.json: 1 known, 0 new, 2 of its faults gone, "
        "2 in runs that were not checked or are unknown now"
    )


def test_unknown_counts_only_for_those_who_fail_on_it() -> None:
    before, now = [a_run("a", status="unknown")], [a_run("b", status="unknown")]
    assert counts(compared(before, now)) == (0, 0, 0, 0)
    assert counts(compared(before, now, UNKNOWN)) == (0, 1, 0, 1)
    assert fails(compared(before, now, UNKNOWN)) == [True]
    assert fails(compared(before, before, UNKNOWN)) == [False]


def test_json_lists_them_all() -> None:
    run = a_run("train", [a_loss("a", "scaled", multiplier=0.5), a_loss("b")], "partial")
    found = check_object(compared([run], [a_run("train", [a_loss("b")]), a_run("new")]))["baseline"]
    assert list(found) == ["path", "known", "new", "gone", "undecided"]
    assert [fault["regularization_loss"] for fault in found["known"]] == ["b"]
    assert found["gone"] == [
        {
            "run": "train",
            "path": "logs/train",
            "regularization_loss": "a",
            "status": "scaled",
            "severity": "warning",
            "multiplier": 0.5,
        }
    ]
    assert found["new"] == [
        {
            "run": "new",
            "path": "logs/new",
            "regularization_loss": None,
            "status": "missing",
            "severity": "error",
            "multiplier": None,
        }
    ]
    assert check_object(outcome_of(["logs"], [run]))["baseline"] is None


def test_many_faults_of_one_name_take_no_time() -> None:
    runs = [a_run("train", [a_loss("x")], path=f"{i}/train") for i in range(20_000)]
    found = outcome_of(["logs"], runs, baseline=Baseline("known.json", tuple(runs)))
    assert counts(found) == (20_000, 0, 0, 0)


WITHOUT = a_run("train", [a_loss("a")])
OTHERS = [
    (b"", "k.json is empty. A shell empties the file behind `>`"),
    (b" \n", "k.json is empty"),
    (b"{", "k.json is no output of `tb-regloss check --format json`: "),
    (b"\xff\xfe\x00", "is no output of"),
    (b"[" * 100_000, "is no output of"),
    (b"9" * 10_000, "is no output of"),
    (b"[]", "is no output of"),
    (b"{}", "the key 'runs' is missing"),
    (b'{"version": 2, "runs": []}', "k.json has version 2, expected was 1: make it anew"),
    (b'{"version": 1, "runs": 3}', "is no output of"),
    (b'{"version": 1, "runs": [3]}', "is no output of"),
    (b'{"version": 1, "runs": [{"run": "a"}]}', "the key 'path' is missing"),
    ({"run": 3}, "a name is no string"),
    ({"status": "lost", "regularization_losses": []}, "'lost' is not a valid Status"),
    ({"severity": "loud"}, "'loud' is not a valid Severity"),
    ({"regularization_losses": [a_loss("a", multiplier=[])]}, "a multiplier is no number"),
    ({"regularization_losses": [{**a_loss("a"), "status": []}]}, "is no output of"),
]


@pytest.mark.parametrize(("content", "message"), OTHERS)
def test_what_is_no_baseline_is_said_to_be_none(
    content: bytes | dict[str, Any], message: str
) -> None:
    if isinstance(content, dict):
        content = json.dumps({"version": 1, "runs": [{**WITHOUT, **content}]}).encode()
    with pytest.raises(errors.UsageError) as raised:
        parse("k.json", content)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_a_windows_shell_wrote_is_read() -> None:
    text = report.to_json(report.runs_object([WITHOUT], []))
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert parse("k.json", text.encode(encoding)).runs[0]["run"] == "train"


def test_a_comparison_without_a_baseline_is_none() -> None:
    found = outcome_of(["logs"], [WITHOUT])
    assert found.comparison is None
    assert isinstance(compared([], []).comparison, Comparison)
