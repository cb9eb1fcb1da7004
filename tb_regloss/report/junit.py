# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""JUnit XML, as Jenkins, GitLab and the reporters of GitHub read it; pure.

The format has no specification. What is written here satisfies the schema of
Jenkins' xunit plugin (junit-10.xsd): a suite per path, a case per run.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import tb_regloss
from tb_regloss.analysis.verdict_types import Severity
from tb_regloss.report import wording
from tb_regloss.report.baseline import Comparison
from tb_regloss.report.outcome import Outcome, RunOutcome, baseline_line

_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def document(outcome: Outcome) -> str:
    """Returns the report in ASCII; characters beyond it are references."""
    root = ElementTree.Element("testsuites", name="tb-regloss")
    runs, problems = collections.defaultdict(list), collections.defaultdict(list)
    for one in outcome.runs:
        runs[one.run["argument"]].append(one)
    for problem in outcome.problems:
        problems[problem["path"]].append(problem["message"])
    for argument in outcome.arguments:
        cases = [_run(one) for one in runs[argument]]
        if argument in outcome.unreadable:
            cases.append(_of_path(argument, "error", "unreadable", problems[argument]))
        elif not cases and problems[argument]:
            cases.append(_of_path(argument, "skipped", "no_run", problems[argument]))
        root.append(_suite(argument, cases, outcome.comparison))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", "0")
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suite(
    argument: str, cases: list[ElementTree.Element], comparison: Comparison | None
) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=wording.safe(argument))
    properties = ElementTree.SubElement(suite, "properties")
    told = {"tb-regloss": tb_regloss.__version__}
    if comparison is not None:
        told["baseline"] = wording.one_line(baseline_line(comparison))
    for name, value in told.items():
        ElementTree.SubElement(properties, "property", name=name, value=value)
    suite.set("tests", str(len(cases)))
    for key, tag in _COUNTS.items():
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", "0")
    suite.extend(cases)
    return suite


def _of_path(argument: str, tag: str, kind: str, problems: list[str]) -> ElementTree.Element:
    """Returns a case for a path that gave no run, so that it is not overlooked."""
    case = _case(argument, argument)
    _say(case, tag, kind, problems[0], wording.lines("\n".join(problems)))
    return case


def _run(one: RunOutcome) -> ElementTree.Element:
    run = one.run
    case = _case(run["argument"], wording.title(run))
    headline = f"{run['status']}: {run['headline']}"
    if one.fails:
        _say(case, "failure", run["status"], headline, "\n".join(_failure(one)))
    elif one.faults and one.known == len(one.faults):
        _say(case, "skipped", "known", f"known from the baseline: {headline}")
    elif run["severity"] == Severity.UNKNOWN.value:
        _say(case, "skipped", run["status"], headline)
    _stream(case, "system-out", _evidence(run))
    _stream(case, "system-err", map(wording.problem, run["problems"]))
    return case


def _case(argument: str, name: str) -> ElementTree.Element:
    # Some readers show "NaN ms" where the time is left out.
    return ElementTree.Element(
        "testcase", classname=wording.safe(argument), name=wording.safe(name), time="0"
    )


def _say(
    case: ElementTree.Element, tag: str, kind: str, message: str, text: str | None = None
) -> None:
    ElementTree.SubElement(case, tag, type=kind, message=wording.one_line(message)).text = text


def _failure(one: RunOutcome) -> Iterator[str]:
    run = one.run
    yield f"{run['status']}: {wording.one_line(run['headline'])}"
    for fault in one.faults:
        if fault.loss is not None:
            yield wording.loss_line(fault.loss) + (" (known)" if fault.known else "")
    if run["fix"]:
        yield f"Fix: {wording.one_line(run['fix']['text'])}"
        yield from (wording.safe(line) for line in run["fix"]["code"].splitlines())


def _evidence(run: Mapping[str, Any]) -> Iterator[str]:
    yield f"{run['status']}: {run['headline']}"
    yield f"path: {run['path']}"
    yield wording.losses_line(run["losses"])
    for evidence in run["evidence"]:
        yield f"{evidence['kind']}: {evidence['text']}"
    for finding in run["findings"]:
        yield f"{finding['severity']}: {finding['text']}"
    yield from run["notes"]


def _stream(case: ElementTree.Element, tag: str, lines: Iterator[str]) -> None:
    text = "\n".join(wording.one_line(line) for line in lines if line)
    if text:
        ElementTree.SubElement(case, tag).text = text
