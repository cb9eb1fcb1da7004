# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The report for people who read a terminal or a log; pure."""

from __future__ import annotations

import collections
import dataclasses
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tb_regloss.report import wording
from tb_regloss.report.outcome import Outcome, RunOutcome, baseline_line

# More than these say nothing new; `--format json` has them all.
_MOST_LOSSES = 10
_SHORTEST_LINE = 40

_MARKS = {"error": "ERROR", "warning": "WARNING", "unknown": "UNKNOWN", "ok": "OK"}
_FAULTY = ("error", "warning")
_STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "unknown": "bold cyan",
    "ok": "bold green",
}


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the report and how it is drawn (a style of rich)."""

    text: str
    style: str = ""


def lines(outcome: Outcome, width: int | None = None) -> Iterator[Line]:
    """Yields the report.

    Args:
      outcome: what was found.
      width: longest line; `None` never breaks one.
    """
    for one in outcome.runs:
        yield from _run(one, width)
        yield Line("")
    for problem in outcome.problems:
        yield from _wrapped(wording.problem(problem), width, "! ", "yellow")
    if outcome.problems:
        yield Line("")
    faulty = {one.run["status"]: None for one in outcome.runs if one.run["severity"] in _FAULTY}
    if faulty:
        yield Line(f"What that means: tb-regloss explain {' '.join(faulty)}", "dim")
    if outcome.comparison is not None:
        yield from _wrapped(baseline_line(outcome.comparison), width, "")
    yield _summary(outcome.runs)


def _run(one: RunOutcome, width: int | None) -> Iterator[Line]:
    run = one.run
    name = wording.title(run)
    where = f"  ({run['path']})" if name != run["path"] else ""
    mark, style = _MARKS[run["severity"]], _STYLES[run["severity"]]
    yield Line(f"{mark:<8} {wording.safe(name + where)}", style)
    yield from _wrapped(f"{run['status']}: {run['headline']}", width, "  ", "bold")
    if one.known:
        yield Line(f"  known from the baseline: {one.known} of {len(one.faults)}", "dim")
    if values := wording.losses_line(run["losses"]):
        yield Line(f"  {values}")
    for evidence in run["evidence"]:
        yield from _wrapped(f"{evidence['kind']}: {evidence['text']}", width, "  - ")
    for finding in run["findings"]:
        yield from _wrapped(f"{finding['severity']}: {finding['text']}", width, "  * ")
    for note in run["notes"]:
        yield from _wrapped(note, width, "  * ", "dim")
    yield from _losses(run["regularization_losses"])
    if run["fix"]:
        yield Line("")
        yield from _wrapped(f"Fix: {run['fix']['text']}", width, "  ", "bold")
        for code in run["fix"]["code"].splitlines():
            yield Line("      " + wording.safe(code), "green")


def _losses(losses: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if not losses:
        return
    shown = wording.loudest_first(losses)[:_MOST_LOSSES]
    rows = [("status", "multiplier", "value", "regularization loss", "created at")]
    rows += [
        (
            loss["status"],
            wording.number(loss["multiplier"]),
            wording.number(loss["value"]),
            wording.safe(loss["name"]),
            wording.safe(loss["created_at"] or ""),
        )
        for loss in shown
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield Line("")
    for number, row in enumerate(rows):
        cells = (cell.ljust(size) for cell, size in zip(row, widths, strict=True))
        yield Line("  " + "  ".join(cells).rstrip(), "" if number else "underline")
    if len(losses) > len(shown):
        yield Line(f"  ... and {len(losses) - len(shown)} more (--format json has all)", "dim")


def _summary(runs: Sequence[RunOutcome]) -> Line:
    if not runs:
        return Line("No run was found.", "bold")
    counts = collections.Counter(one.run["status"] for one in runs)
    parts = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return Line(f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {parts}", "bold")


def _wrapped(text: str, width: int | None, start: str, style: str = "") -> Iterator[Line]:
    text = wording.one_line(text)
    rest = " " * len(start)
    if width is None:
        yield Line(start + text, style)
        return
    for part in textwrap.wrap(
        text,
        max(width, _SHORTEST_LINE),
        initial_indent=start,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield Line(part, style)
