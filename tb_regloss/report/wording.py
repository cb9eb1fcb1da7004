# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Words and names that the report's formats share; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_ROLES = ("data_loss", "regularization_sum", "total_loss", "optimized_loss")
_QUIET_STATUSES = ("included", "frozen", "zero")


def safe(text: str) -> str:
    r"""Returns the text without control characters: names come from other people's files.

    What is left is valid in XML and in every Unicode encoding too.

    >>> safe("a\x1b[31m")
    'a\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """Returns the text as one safe line."""
    return safe(" ".join(text.split()))


def number(value: float | str | None) -> str:
    """Returns a number of a run object for people."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else f"{value:.6g}"


def title(run: Mapping[str, Any]) -> str:
    """Returns the run's name, or its path where it is the only run there."""
    name: str = run["run"] if run["run"] != "." else run["path"]
    return name


def problem(found: Mapping[str, str]) -> str:
    """Returns a problem as a sentence that names the path."""
    path, message = found["path"], found["message"]
    return message if path in message else f"{path}: {message}"


def losses_line(losses: Mapping[str, Any]) -> str:
    """Returns the last logged values of a run, empty where there are none."""
    found = [
        f"{role.replace('_', ' ')} {number(losses[role])}"
        for role in _ROLES
        if losses[role] is not None
    ]
    return f"{', '.join(found)} at step {losses['step']}" if found else ""


def loudest_first(losses: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns the regularization losses, those that need attention first."""
    return sorted(losses, key=lambda loss: loss["status"] in _QUIET_STATUSES)


def loss_line(loss: Mapping[str, Any]) -> str:
    """Returns a regularization loss as one line: name, variables, status, multiplier, place."""
    parts = [f"{loss['name']}: {loss['status']}"]
    if loss["multiplier"] is not None:
        parts.append(f"multiplier {number(loss['multiplier'])}")
    if loss["variables"]:
        parts.append(f"penalizes {', '.join(loss['variables'])}")
    if loss["created_at"]:
        parts.append(f"created at {loss['created_at']}")
    return one_line(", ".join(parts))


def lines(text: str) -> str:
    """Returns a text of several lines, each of them safe."""
    return "\n".join(safe(line) for line in text.splitlines())
