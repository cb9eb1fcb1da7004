# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The report as Markdown, for a comment on a pull request or a job's summary; pure."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tb_regloss.analysis.verdict_types import Severity
from tb_regloss.report import wording
from tb_regloss.report.faults import Fault, loudness
from tb_regloss.report.markdown_text import block, code, prose, row
from tb_regloss.report.outcome import Outcome, RunOutcome, baseline_line

# A comment on GitHub holds 65,536 characters. `--format json` has everything.
_MOST_ROWS = 50
_MOST_DETAILS = 10
_MOST_LOSSES = 10
_MOST_PROBLEMS = 20
_LOUD = (Severity.ERROR.value, Severity.WARNING.value)


def document(outcome: Outcome) -> str:
    """Returns the report."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"## {_heading(outcome.runs)}"
    yield ""
    if outcome.comparison is not None:
        yield prose(f"{baseline_line(outcome.comparison)}.")
        yield ""
    runs = sorted(outcome.runs, key=lambda one: -loudness(one.run["severity"]))
    if runs:
        yield from _table(runs)
        yield ""
    detailed = [one for one in runs if _has_details(one.run)]
    for one in detailed[:_MOST_DETAILS]:
        yield from _details(one)
    if len(detailed) > _MOST_DETAILS:
        yield f"The details of {len(detailed) - _MOST_DETAILS} more runs are left out."
        yield ""
    if outcome.problems:
        yield from _problems(outcome.problems)


def _heading(runs: Sequence[RunOutcome]) -> str:
    if not runs:
        return "RegLoss: no run was found"
    faulty = sum(one.run["severity"] in _LOUD for one in runs)
    noun = "run" if len(runs) == 1 else "runs"
    verb = "is" if faulty == 1 or len(runs) == 1 else "are"
    return f"RegLoss: {faulty or 'none'} of {len(runs)} {noun} {verb} at fault"


def _table(runs: Sequence[RunOutcome]) -> Iterator[str]:
    yield row("status", "run", "included", "what was found")
    yield row("---", "---", "---:", "---")
    for one in runs[:_MOST_ROWS]:
        run = one.run
        coverage = run["coverage"]
        included = f"{coverage['included']} of {coverage['total']}" if coverage["total"] else ""
        name = code(wording.title(run))
        yield row(_status(run["status"], one.faults), name, included, prose(run["headline"]))
    if len(runs) > _MOST_ROWS:
        counts = collections.Counter(one.run["status"] for one in runs[_MOST_ROWS:])
        parts = ", ".join(f"{count} {_plain(status)}" for status, count in counts.most_common())
        yield ""
        yield f"{len(runs) - _MOST_ROWS} more runs: {parts}."


def _status(status: str, faults: Sequence[Fault]) -> str:
    """Returns the status, what is loud in bold, with what the baseline knows."""
    loud = any(fault.severity in _LOUD for fault in faults)
    known = sum(fault.known for fault in faults)
    note = "" if not known else " (known)" if known == len(faults) else f" ({known} known)"
    return (f"**{_plain(status)}**" if loud else _plain(status)) + note


def _plain(status: str) -> str:
    return status.replace("_", " ")


def _has_details(run: Mapping[str, Any]) -> bool:
    severities = {run["severity"], *(finding["severity"] for finding in run["findings"])}
    return not severities.isdisjoint(_LOUD)


def _details(one: RunOutcome) -> Iterator[str]:
    run = one.run
    yield f"### {code(wording.title(run))}: {_plain(run['status'])}"
    yield ""
    yield prose(run["headline"])
    if values := wording.losses_line(run["losses"]):
        yield ""
        yield f"Last logged: {prose(values)}."
    yield ""
    if run["regularization_losses"]:
        yield from _losses(run["regularization_losses"], one.faults)
        yield ""
    told = [f"{evidence['kind']}: {evidence['text']}" for evidence in run["evidence"]]
    told += [f"{_finding_word(found['severity'])}: {found['text']}" for found in run["findings"]]
    told += run["notes"]
    if told:
        yield from (f"- {prose(text)}" for text in told)
        yield ""
    if run["fix"]:
        yield f"**Fix.** {prose(run['fix']['text'])}"
        yield ""
        yield block(run["fix"]["code"], "diff")
        yield ""


def _losses(losses: Sequence[Mapping[str, Any]], faults: Sequence[Fault]) -> Iterator[str]:
    known = {id(fault.loss) for fault in faults if fault.known}
    shown = wording.loudest_first(losses)[:_MOST_LOSSES]
    yield row("status", "multiplier", "regularization loss", "variables", "created at")
    yield row("---", "---:", "---", "---", "---")
    for loss in shown:
        yield row(
            _plain(loss["status"]) + (" (known)" if id(loss) in known else ""),
            wording.number(loss["multiplier"]),
            code(loss["name"]),
            ", ".join(map(code, loss["variables"])),
            code(loss["created_at"]) if loss["created_at"] else "",
        )
    if len(losses) > len(shown):
        yield ""
        yield f"{len(losses) - len(shown)} more are left out."


def _finding_word(severity: str) -> str:
    return "note" if severity == Severity.OK.value else severity


def _problems(problems: Sequence[Mapping[str, str]]) -> Iterator[str]:
    yield "### Not read"
    yield ""
    for problem in problems[:_MOST_PROBLEMS]:
        yield f"- {prose(wording.problem(problem))}"
    if len(problems) > _MOST_PROBLEMS:
        yield f"- {len(problems) - _MOST_PROBLEMS} more"
    yield ""
