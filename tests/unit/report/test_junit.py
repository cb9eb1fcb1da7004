# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""JUnit XML: what readers find in it, and that it keeps to the format."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from tb_regloss import report
from tb_regloss.report import junit
from tb_regloss.report.baseline import Baseline
from tb_regloss.report.outcome import Outcome, outcome_of
from tests.unit.report.runs import a_loss, a_run
from tests.unit.report.test_text import FACTS, VERDICT

# Of Jenkins' junit-10.xsd: the attributes that each element may have (those that
# it must have first), and its children.
ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"skipped", "time"},
        {"properties", "testcase"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"classname", "time"},
        {"failure", "error", "skipped", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
}


def parsed(outcome: Outcome) -> ElementTree.Element:
    """Returns the document after a look at its form and its sums."""
    text = junit.document(outcome)
    assert text.isascii()
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, more, children = ALLOWED[element.tag]
        assert needed <= set(element.keys()) <= needed | more, element.tag
        assert {child.tag for child in element} <= children
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        assert int(root.get(key, "")) == len(list(root.iter(tag)))
        for suite in root:
            assert int(suite.get(key, "")) == len(list(suite.iter(tag)))
    return root


def cases(outcome: Outcome) -> dict[str | None, ElementTree.Element]:
    return {case.get("name"): case for case in parsed(outcome).iter("testcase")}


def answers(outcome: Outcome) -> dict[str | None, list[str]]:
    streams = ("system-out", "system-err")
    return {
        name: [child.tag for child in case if child.tag not in streams]
        for name, case in cases(outcome).items()
    }


RUNS = [
    a_run("bad", [a_loss("a")]),
    a_run("odd", [a_loss("a", "scaled")], "scaled"),
    a_run("unclear", status="unknown"),
    a_run("fine", [a_loss("a", "included")], "included"),
]


@pytest.mark.parametrize(
    ("loud", "failed"),
    [
        ((), set()),
        (("error",), {"bad"}),
        (("error", "warning"), {"bad", "odd"}),
        (("error", "warning", "unknown"), {"bad", "odd", "unclear"}),
    ],
)
def test_what_is_loud_fails_and_unknown_is_skipped(loud: tuple[str, ...], failed: set[str]) -> None:
    expected: dict[str, list[str]] = {"bad": [], "odd": [], "unclear": ["skipped"], "fine": []}
    expected |= {name: ["failure"] for name in failed}
    assert answers(outcome_of(["logs"], RUNS, loud=loud)) == expected


def test_a_failure_tells_the_losses_and_the_fix() -> None:
    run = report.run_object(FACTS, VERDICT, "logs")
    (case,) = cases(outcome_of(["logs"], [run])).values()
    assert case.attrib == {"classname": "logs", "name": "train", "time": "0"}
    failure, out, err = case
    headline = "partial: 1 of 2 regularization losses never reaches the loss that is optimized"
    assert failure.attrib == {"type": "partial", "message": headline}
    assert (failure.text or "").splitlines() == [
        headline,
        "dense/l2:0: missing, multiplier 0, penalizes dense/w, created at model.py:42",
        "Fix: Add the collection.",
        "loss = tf.losses.get_total_loss()",
        "print(loss)",
    ]
    assert (out.text or "").splitlines() == [
        headline,
        "path: logs/train",
        "data loss 0.31, regularization sum NaN at step 1",
        "graph: It ends at dense/l2.",
        "warning: All are equal.",
        "Found by their tags.",
    ]
    assert err.text == "logs/train/x: It ends within a record."


def test_what_the_baseline_knows_is_skipped() -> None:
    baseline = Baseline("known.json", (RUNS[0],))
    worse = a_run("bad", [a_loss("a"), a_loss("b")])
    assert answers(outcome_of(["logs"], RUNS[:1], baseline=baseline)) == {"bad": ["skipped"]}
    root = parsed(outcome_of(["logs"], [worse], baseline=baseline))
    text = next(root.iter("failure")).text or ""
    assert "a: missing, penalizes w (known)\nb: missing, penalizes w\n" in text
    told = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert told["baseline"] == "Baseline known.json: 1 known, 1 new, 0 of its faults gone"


def test_each_path_is_a_suite_and_none_is_overlooked() -> None:
    problems = [
        {"path": "nope", "message": "nope does not exist."},
        {"path": "empty", "message": "There is no event file in or below empty."},
        {"path": "logs/train/x", "message": "It is damaged."},
    ]
    paths = ["logs", "nope", "empty", "logs"]
    root = parsed(outcome_of(paths, RUNS[3:], problems, unreadable=["nope"]))
    assert [suite.get("name") for suite in root] == ["logs", "nope", "empty"]
    fine, nope, empty = root.iter("testcase")
    assert (fine.get("name"), len(fine.findall("skipped"))) == ("fine", 0)
    assert nope[0].attrib == {"type": "unreadable", "message": "nope does not exist."}
    assert nope[0].tag == "error"
    assert empty[0].tag == "skipped"


def test_no_run_at_all() -> None:
    assert len(parsed(outcome_of(["logs"], []))[0].findall("testcase")) == 0


def test_a_single_file_goes_by_its_path() -> None:
    run = a_run(".", argument="a/model.meta", path="a/model.meta")
    assert list(cases(outcome_of(["a/model.meta"], [run]))) == ["a/model.meta"]


def test_odd_characters() -> None:
    name = "a\x00\x1b[31m\x85\u2028\ud800\uffff]]>&<\"'\n\tλ\U0001f600"
    run: dict[str, Any] = a_run(name, [a_loss(name, created_at=name)], headline=name)
    (case,) = cases(outcome_of(["logs"], [run])).values()
    assert case.get("name") == (
        "a\\x00\\x1b[31m\\x85\\u2028\\ud800\\uffff]]>&<\"'\\n\\tλ\U0001f600"
    )
