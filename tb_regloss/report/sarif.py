# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""SARIF 2.1.0, as code scanning reads it; pure.

A regularization loss whose source line is known is a result at that line. What
is at fault without a line is one result per run and status, at the run's logs.
What is `unknown` has the kind that the standard (3.27.9) made for proofs: "open".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tb_regloss
from tb_regloss.analysis.verdict_types import Severity
from tb_regloss.report import sarif_places, sarif_rules, wording
from tb_regloss.report.faults import Fault, loudness, run_key
from tb_regloss.report.outcome import Outcome, RunOutcome

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
# As many names as a message holds; the properties have them all.
_MOST_NAMES = 5
_KNOWN = {"kind": "external", "justification": "Known from the baseline."}
_LEVELS = {"error": "error", "warning": "warning", "ok": "note"}


def document(
    outcome: Outcome, files: Mapping[str, str], explanations: Mapping[str, str]
) -> dict[str, Any]:
    """Returns the report, JSON-ready.

    Args:
      outcome: what was found.
      files: where the source files lie: by name the path in the checkout.
      explanations: of statuses and codes of findings, in Markdown.
    """
    results = [result for one in outcome.runs for result in _results(one, files)]
    if outcome.comparison is None:
        for result in results:
            # Without a baseline nothing was looked up: the key has to be absent.
            del result["suppressions"]
    ids = {result["ruleId"] for result in results}
    rules = sarif_rules.rules_of(ids, explanations)
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = numbers[result["ruleId"]]
    driver = {"name": "tb-regloss", "version": tb_regloss.__version__, "rules": rules}
    run = {"tool": {"driver": driver}, "invocations": [_invocation(outcome)], "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def source_names(outcome: Outcome) -> set[str]:
    """Returns the names of the source files that the report points to."""
    places = (_source_line(fault) for one in outcome.runs for fault in one.faults)
    return {place.file for place in places if place is not None}


def _source_line(fault: Fault) -> sarif_places.SourceLine | None:
    return sarif_places.source_line(fault.loss["created_at"]) if fault.loss else None


def _results(one: RunOutcome, files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    without_line: dict[str, list[Fault]] = {}
    for fault in one.faults:
        place = _source_line(fault)
        if place is None:
            without_line.setdefault(fault.status, []).append(fault)
        else:
            yield _of_loss(one.run, fault, place, files)
    for status, faults in without_line.items():
        yield _of_run(one.run, status, faults)
    for finding in one.run["findings"]:
        yield _of_finding(one.run, finding)


def _of_loss(
    run: Mapping[str, Any],
    fault: Fault,
    place: sarif_places.SourceLine,
    files: Mapping[str, str],
) -> dict[str, Any]:
    assert fault.loss is not None
    sentences = [wording.loss_line(fault.loss), fault.loss["text"], f"Run: {wording.title(run)}"]
    # Neither the run nor the line number: the next training has another folder
    # and the file another line above, and it is the same fault.
    identity = (fault.status, place.file, fault.loss["name"])
    return _result(run, [fault], fault.status, sentences, identity, place.location(files))


def _of_run(run: Mapping[str, Any], status: str, faults: Sequence[Fault]) -> dict[str, Any]:
    names = [fault.loss["name"] for fault in faults if fault.loss is not None]
    sentences = [f"{wording.title(run)}: {run['headline']}"]
    if names:
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        sentences.append(f"{status}: {', '.join(names[:_MOST_NAMES])}{more}")
    place = sarif_places.log_location(run["path"])
    return _result(run, faults, status, sentences, (status, run_key(run)), place)


def _result(
    run: Mapping[str, Any],
    faults: Sequence[Fault],
    status: str,
    sentences: Sequence[str],
    identity: Sequence[str],
    place: Mapping[str, Any],
) -> dict[str, Any]:
    fix = [f"Fix: {run['fix']['text']}"] if run["fix"] else []
    known = all(fault.known for fault in faults)
    return {
        "ruleId": status,
        **_level(max((fault.severity for fault in faults), key=loudness)),
        "message": {"text": _message([*sentences, *fix])},
        "locations": [place],
        "partialFingerprints": _fingerprints(identity),
        "suppressions": [_KNOWN] if known else [],
        "properties": {
            "run": wording.safe(run["run"]),
            "path": wording.safe(run["path"]),
            "regularizationLosses": [
                {
                    "name": wording.safe(fault.loss["name"]),
                    "variables": [wording.safe(name) for name in fault.loss["variables"]],
                    "status": fault.status,
                    "multiplier": fault.loss["multiplier"],
                }
                for fault in faults
                if fault.loss is not None
            ],
            "fix": wording.lines(run["fix"]["code"]) if run["fix"] else None,
        },
    }


def _of_finding(run: Mapping[str, Any], finding: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ruleId": finding["code"],
        **_level(finding["severity"]),
        "message": {"text": _message([f"{wording.title(run)}: {finding['text']}"])},
        "locations": [sarif_places.log_location(run["path"])],
        "partialFingerprints": _fingerprints((finding["code"], run_key(run))),
        "suppressions": [],
    }


def _level(severity: str) -> dict[str, str]:
    if severity == Severity.UNKNOWN.value:
        return {"kind": "open", "level": "none"}
    return {"kind": "fail", "level": _LEVELS[severity]}


def _message(sentences: Sequence[str]) -> str:
    """Returns a message text: braces would be placeholders (3.11.5), `[a](b)` links (3.11.6)."""
    ended = (text if text.endswith((".", "!", "?")) else f"{text}." for text in sentences if text)
    text = wording.one_line(" ".join(ended))
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _fingerprints(identity: Sequence[str]) -> dict[str, str]:
    digest = hashlib.sha256("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    # The first is the one that GitHub reads; left to itself it would make it
    # from the source line, which several regularization losses may share.
    return {"primaryLocationLineHash": f"{digest}:1", "regloss/v1": digest}


def _invocation(outcome: Outcome) -> dict[str, Any]:
    return {
        "executionSuccessful": not outcome.unreadable,
        "toolExecutionNotifications": [
            {
                "level": "error" if problem["path"] in outcome.unreadable else "warning",
                "message": {"text": _message([wording.problem(problem)])},
                "locations": [sarif_places.log_location(problem["path"])],
            }
            for problem in outcome.problems
        ],
    }
