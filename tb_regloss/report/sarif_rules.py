# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of the SARIF report: one for each status and code of a finding; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.verdict_types import Severity, Status

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning"}

# Of each status that is a fault: what it means, what to do.
_STATUSES = {
    Status.MISSING: (
        "A regularization loss never reaches the loss that is optimized",
        "It is computed and thrown away: training goes on as if there were no regularization. "
        "Optimize the total loss, which is the data loss plus the regularization losses.",
    ),
    Status.PARTIAL: (
        "Regularization reaches the updates of some trained variables only",
        "Look for a second optimizer, a list of variables, or a part of the regularization "
        "losses that the optimized loss leaves out.",
    ),
    Status.SCALED: (
        "A regularization loss counts with another constant factor than 1",
        "If the factor is not meant, take it off; if it is, put it into the strength of the "
        "regularizer, where readers look for it.",
    ),
    Status.DOUBLE_COUNTED: (
        "A regularization loss is counted twice or more",
        "Add the regularization losses in one place only: either in the loss, or in a total "
        "that contains them already.",
    ),
    Status.BLOCKED: (
        "A regularization loss is in the optimized loss, but its gradient is cut",
        "Its value shows in the curves and changes nothing. Look for stop_gradient, detach, an "
        "op without a gradient, or a copy that is computed outside of the tape.",
    ),
    Status.UNKNOWN: (
        "It cannot be decided whether the regularization is in the optimized loss",
        "The result names the obstacle. Log the graph, or one line more in the training code, "
        "and the answer can be proved.",
    ),
}
_FINDING = "It does not change the verdict; the result says what was seen."


def rules_of(ids: Iterable[str]) -> list[dict[str, Any]]:
    """Returns the rules of every status that is a fault, and those of the findings in `ids`."""
    statuses = [_of_status(status) for status in _STATUSES]
    known = {rule["id"] for rule in statuses}
    return [*statuses, *(_of_finding(code) for code in sorted(set(ids) - known))]


def _of_status(status: Status) -> dict[str, Any]:
    short, help_text = _STATUSES[status]
    level = _LEVELS.get(verdicts.severity_of(status), "none")
    return {
        **_rule(status.value, short, help_text),
        "defaultConfiguration": {"level": level},
    }


def _of_finding(code: str) -> dict[str, Any]:
    return _rule(code, code.replace("_", " ").capitalize(), _FINDING)


def _rule(identity: str, short: str, help_text: str) -> dict[str, Any]:
    return {
        "id": identity,
        "name": "".join(word.capitalize() for word in identity.split("_")),
        "shortDescription": {"text": short},
        "fullDescription": {"text": f"{short}. {help_text}"},
        "help": {"text": help_text, "markdown": f"**{short}.** {help_text}"},
    }
