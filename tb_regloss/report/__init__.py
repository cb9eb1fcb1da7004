# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts and series as the JSON of the contract; pure.

Every key of the contract is always there; `None` is what is not known. NaN and
infinities become the strings "NaN", "Infinity", "-Infinity": bare, they are no
JSON, and browsers reject them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tb_regloss.analysis.facts import ROLES, FoundRole, Problem, RunFacts, Series
from tb_regloss.analysis.verdict_types import LossVerdict, RunVerdict

# Of every payload.
VERSION = 1


def run_object(facts: RunFacts, verdict: RunVerdict, argument: str) -> dict[str, Any]:
    """Returns a run as panel and command line show it.

    Args:
      facts: what is known of the run.
      verdict: what was concluded.
      argument: the logdir or file as the user gave it.
    """
    values = _last_values(facts)
    return {
        "version": VERSION,
        "run": facts.run,
        "path": facts.path,
        "argument": argument,
        "status": verdict.status.value,
        "severity": verdict.severity.value,
        "headline": verdict.headline,
        "coverage": {
            "included": verdict.coverage.included,
            "total": verdict.coverage.total,
            "unknown": verdict.coverage.unknown,
        },
        "losses": _last_losses(facts),
        "roles": None
        if facts.roles is None
        else {role: _role_object(facts.roles.get(role, FoundRole())) for role in ROLES},
        "regularization_losses": [
            _loss_object(loss, values) for loss in verdict.regularization_losses
        ],
        "findings": [
            {"code": finding.code, "severity": finding.severity.value, "text": finding.text}
            for finding in verdict.findings
        ],
        "evidence": [
            {
                "kind": evidence.kind.value,
                "status": evidence.status.value,
                "text": evidence.text,
                **plain(evidence.details),
            }
            for evidence in verdict.evidence
        ],
        "fix": None
        if verdict.fix is None
        else {
            "framework": verdict.fix.framework,
            "text": verdict.fix.text,
            "code": verdict.fix.code,
        },
        "related_to": None,
        "notes": list(facts.notes),
        "problems": [problem_object(problem) for problem in facts.problems],
    }


def summary_object(
    run: str, whole: Mapping[str, Any] | None, related_to: str | None = None
) -> dict[str, Any]:
    """Returns a run's line in the list of runs.

    Args:
      run: its name.
      whole: its run object, `None` while it is not judged.
      related_to: the training run that it seems to evaluate, while it is not judged.
    """
    keys = ("status", "severity", "headline", "coverage")
    found: dict[str, Any] = {key: whole[key] if whole else None for key in keys}
    if whole is None:
        found["status"] = "pending"
    multiplier = None if whole is None else _shared_multiplier(whole)
    related_to = related_to if whole is None else whole["related_to"]
    return {"run": run, **found, "multiplier": multiplier, "related_to": related_to}


def _shared_multiplier(whole: Mapping[str, Any]) -> float | str | None:
    """Returns the multiplier of all losses that have the run's status, for its badge."""
    losses = whole["regularization_losses"]
    found = {loss["multiplier"] for loss in losses if loss["status"] == whole["status"]}
    return found.pop() if len(found) == 1 else None


def problem_object(problem: Problem) -> dict[str, str]:
    """Returns a problem as the contract has it."""
    return {"path": problem.path, "message": problem.message}


def series_object(series: Series | None) -> dict[str, Any] | None:
    """Returns a series as columns, `None` for none."""
    if series is None:
        return None
    return {
        "steps": series.steps.tolist(),
        "wall_times": numbers(series.wall_times),
        "values": numbers(series.values),
        "tags": list(series.tags),
    }


def numbers(values: npt.NDArray[np.float64]) -> list[float | str]:
    """Returns a column of numbers, JSON-ready."""
    if np.isfinite(values).all():
        found: list[float | str] = values.tolist()
        return found
    return [number(value) for value in values.tolist()]


def number(value: float) -> float | str:
    """Returns the number, as a string where JSON has no such number.

    >>> number(0.5), number(float("-inf"))
    (0.5, '-Infinity')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def plain(value: Any) -> Any:
    """Returns the value with every number in it JSON-ready."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return number(value) if isinstance(value, float) else value


def to_json(payload: Mapping[str, Any], indent: int | None = None) -> str:
    """Returns the payload as strict JSON in ASCII."""
    return json.dumps(payload, allow_nan=False, indent=indent)


def runs_object(
    runs: Iterable[Mapping[str, Any]], problems: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Returns the payload that holds several runs."""
    return {"version": VERSION, "runs": list(runs), "problems": list(problems)}


def _last_losses(facts: RunFacts) -> dict[str, Any]:
    """Returns each role's last value; the step is that of the newest of them."""
    found = {role: facts.series[role] for role in ROLES if _has_points(facts.series.get(role))}
    losses: dict[str, Any] = {
        role: number(float(found[role].values[-1])) if role in found else None for role in ROLES
    }
    losses["step"] = max((int(s.steps[-1]) for s in found.values()), default=None)
    return losses


def _role_object(found: FoundRole) -> dict[str, Any]:
    return {
        "tags": list(found.tags),
        "source": found.source,
        "candidates": list(found.candidates),
    }


def _has_points(series: Series | None) -> bool:
    return series is not None and len(series.steps) > 0


def _last_values(facts: RunFacts) -> dict[str, float]:
    """Returns the last logged value of each declared regularization loss."""
    if facts.loss_matrix is None or not facts.declarations or not len(facts.loss_matrix.steps):
        return {}
    names = [loss.name for loss in facts.declarations[-1].regularization_losses]
    return dict(zip(names, facts.loss_matrix.values[-1].tolist(), strict=False))


def _loss_object(loss: LossVerdict, values: Mapping[str, float]) -> dict[str, Any]:
    value = loss.value if loss.value is not None else values.get(loss.name)
    return {
        "name": loss.name,
        "variables": list(loss.variables),
        "status": loss.status.value,
        "multiplier": None if loss.multiplier is None else number(loss.multiplier),
        "value": None if value is None else number(value),
        "created_at": loss.created_at,
        "kind": loss.kind,
        "strength": None if loss.strength is None else number(loss.strength),
        "text": loss.text,
    }
