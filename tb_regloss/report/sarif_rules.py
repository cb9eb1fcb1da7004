# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of the SARIF report: one for each status and code of a finding; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.verdict_types import Severity, Status

# Of each status that is a fault.
_TITLES = {
    Status.MISSING: "A regularization loss never reaches the loss that is optimized",
    Status.PARTIAL: "Regularization reaches the updates of some trained variables only",
    Status.SCALED: "A regularization loss counts with another constant factor than 1",
    Status.DOUBLE_COUNTED: "A regularization loss is counted twice or more",
    Status.BLOCKED: "A regularization loss is in the optimized loss, but its gradient is cut",
    Status.UNKNOWN: "It cannot be decided whether the regularization is in the optimized loss",
}
_LEVEL_OF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.UNKNOWN: "none"}
_LEVELS = {status.value: _LEVEL_OF[verdicts.severity_of(status)] for status in _TITLES}
# To another section of the page that the explanations are from.
_LINK = re.compile(r"\[([^\]]+)\]\(#[^)]*\)")


def rules_of(ids: Iterable[str], explanations: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns the rules of every status that is a fault, and those of the findings in `ids`.

    Args:
      ids: statuses and codes of findings.
      explanations: by status and code, in Markdown.
    """
    titles = {status.value: title for status, title in _TITLES.items()}
    codes = sorted(set(ids) - titles.keys())
    titles |= {code: code.replace("_", " ").capitalize() for code in codes}
    return [_rule(code, title, explanations.get(code, title)) for code, title in titles.items()]


def _rule(code: str, title: str, explanation: str) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": code,
        "name": "".join(word.capitalize() for word in code.split("_")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
    }
    text = _LINK.sub(r"\1", explanation)
    rule["help"] = {"text": text, "markdown": text}
    if code in _LEVELS:
        rule["defaultConfiguration"] = {"level": _LEVELS[code]}
    return rule
