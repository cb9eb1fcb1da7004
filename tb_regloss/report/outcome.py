# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What `tb-regloss check` found: the value that each of its formats writes; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tb_regloss import report
from tb_regloss.analysis.verdict_types import Severity
from tb_regloss.report.baseline import Baseline, Comparison, compare
from tb_regloss.report.faults import Fault, faults_of


@dataclasses.dataclass(frozen=True)
class RunOutcome:
    """One run.

    Attributes:
      run: the run object of the contract.
      faults: what is at fault in it.
      fails: whether one of them, not in the baseline, is as loud as the user asked for.
    """

    run: Mapping[str, Any]
    faults: tuple[Fault, ...]
    fails: bool

    @property
    def known(self) -> int:
        """How many of its faults the baseline has."""
        return sum(fault.known for fault in self.faults)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Everything.

    Attributes:
      arguments: the paths as the user gave them, each once.
      runs: the runs, in the order of the paths.
      problems: what could not be read, the runs' own included.
      unreadable: the paths that could not be read at all.
      comparison: with the baseline, `None` without one.
    """

    arguments: tuple[str, ...]
    runs: tuple[RunOutcome, ...]
    problems: tuple[Mapping[str, str], ...]
    unreadable: frozenset[str] = frozenset()
    comparison: Comparison | None = None


def outcome_of(
    arguments: Sequence[str],
    runs: Sequence[Mapping[str, Any]],
    problems: Sequence[Mapping[str, str]] = (),
    unreadable: Sequence[str] = (),
    loud: Collection[str] = (Severity.ERROR.value,),
    baseline: Baseline | None = None,
) -> Outcome:
    """Returns what was found.

    Args:
      arguments: the paths as the user gave them.
      runs: run objects.
      problems: what could not be read.
      unreadable: the paths that could not be read at all.
      loud: the severities that make the command fail.
      baseline: what is known already.
    """
    comparison = None
    faults = [faults_of(run) for run in runs]
    if baseline is not None:
        unknown_counts = Severity.UNKNOWN.value in loud
        faults, comparison = compare(runs, baseline, unknown_counts)
    found = tuple(
        RunOutcome(run, of_run, any(f.severity in loud and not f.known for f in of_run))
        for run, of_run in zip(runs, faults, strict=True)
    )
    unique = tuple(dict.fromkeys(arguments))
    return Outcome(unique, found, tuple(problems), frozenset(unreadable), comparison)


def check_object(outcome: Outcome) -> dict[str, Any]:
    """Returns the payload of `--format json`."""
    runs = [one.run for one in outcome.runs]
    payload = report.runs_object(runs, outcome.problems)
    compared = outcome.comparison
    payload["baseline"] = (
        None
        if compared is None
        else {
            "path": compared.path,
            "known": [_fault_object(fault) for fault in compared.known],
            "new": [_fault_object(fault) for fault in compared.new],
            "gone": [_fault_object(fault) for fault in compared.gone],
            "undecided": [_fault_object(fault) for fault in compared.undecided],
        }
    )
    return payload


def baseline_line(comparison: Comparison) -> str:
    """Returns the comparison as one sentence."""
    parts = [f"{len(comparison.known)} known", f"{len(comparison.new)} new"]
    parts.append(f"{len(comparison.gone)} of its faults gone")
    if comparison.undecided:
        parts.append(
            f"{len(comparison.undecided)} in runs that were not checked or are unknown now"
        )
    return f"Baseline {comparison.path}: {', '.join(parts)}"


def _fault_object(fault: Fault) -> dict[str, Any]:
    return {
        "run": fault.run["run"],
        "path": fault.run["path"],
        "regularization_loss": None if fault.loss is None else fault.loss["name"],
        "status": fault.status,
        "severity": fault.severity,
        "multiplier": None if fault.loss is None else fault.loss["multiplier"],
    }
