# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The report for people who read a terminal or a log; pure."""

from __future__ import annotations

import collections
import dataclasses
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# More than these say nothing new; `--format json` has them all.
_MOST_LOSSES = 10
_SHORTEST_LINE = 40

_MARKS = {"error": "ERROR", "warning": "WARNING", "unknown": "UNKNOWN", "ok": "OK"}
_STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "unknown": "bold cyan",
    "ok": "bold green",
}
_ROLES = ("data_loss", "regularization_sum", "total_loss", "optimized_loss")
# Losses that need attention come first.
_QUIET_STATUSES = ("included", "frozen", "zero")


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the report and how it is drawn (a style of rich)."""

    text: str
    style: str = ""


def lines(
    runs: Sequence[Mapping[str, Any]],
    problems: Sequence[Mapping[str, str]],
    width: int | None = None,
) -> Iterator[Line]:
    """Yields the report.

    Args:
      runs: run objects of the contract.
      problems: what could not be read.
      width: longest line; `None` never breaks one.
    """
    for run in runs:
        yield from _run(run, width)
        yield Line("")
    for problem in problems:
        path, message = problem["path"], problem["message"]
        told = message if path in message else f"{path}: {message}"
        yield from _wrapped(told, width, "! ", "yellow")
    if problems:
        yield Line("")
    yield _summary(runs)


def _run(run: Mapping[str, Any], width: int | None) -> Iterator[Line]:
    name = run["run"] if run["run"] != "." else run["path"]
    where = f"  ({run['path']})" if name != run["path"] else ""
    yield Line(
        f"{_MARKS[run['severity']]:<8} {_safe(name)}{_safe(where)}", _STYLES[run["severity"]]
    )
    yield from _wrapped(f"{run['status']}: {run['headline']}", width, "  ", "bold")
    yield from _values(run["losses"])
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
            yield Line("      " + _safe(code), "green")


def _values(losses: Mapping[str, Any]) -> Iterator[Line]:
    found = [
        f"{role.replace('_', ' ')} {_number(losses[role])}"
        for role in _ROLES
        if losses[role] is not None
    ]
    if found:
        yield Line(f"  {', '.join(found)} at step {losses['step']}")


def _losses(losses: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    if not losses:
        return
    ordered = sorted(losses, key=lambda loss: loss["status"] in _QUIET_STATUSES)
    shown = ordered[:_MOST_LOSSES]
    rows = [("status", "multiplier", "value", "regularization loss", "created at")]
    rows += [
        (
            loss["status"],
            _number(loss["multiplier"]),
            _number(loss["value"]),
            _safe(loss["name"]),
            _safe(loss["created_at"] or ""),
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


def _summary(runs: Sequence[Mapping[str, Any]]) -> Line:
    if not runs:
        return Line("No run was found.", "bold")
    counts = collections.Counter(run["status"] for run in runs)
    parts = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return Line(f"{len(runs)} run{'s' if len(runs) > 1 else ''}: {parts}", "bold")


def _wrapped(text: str, width: int | None, start: str, style: str = "") -> Iterator[Line]:
    text = _safe(" ".join(text.split()))
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


def _number(value: float | str | None) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.6g}"


def _safe(text: str) -> str:
    """Returns the text without control characters: names come from other people's files."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
