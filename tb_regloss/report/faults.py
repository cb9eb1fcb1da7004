# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What of a run object is at fault, and how loud each fault is; pure."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

from tb_regloss.analysis import verdicts
from tb_regloss.analysis.verdict_types import Severity, Status

_BY_LOUDNESS = (Severity.OK, Severity.UNKNOWN, Severity.WARNING, Severity.ERROR)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One thing that is wrong, or that could not be decided.

    Attributes:
      run: the run object.
      loss: the regularization loss of it that is at fault; `None` where the
        verdict is on the run as a whole.
      status: of the loss, or of the run.
      severity: never above that of the run.
      known: whether the baseline has it; `False` without a baseline.
    """

    run: Mapping[str, Any]
    loss: Mapping[str, Any] | None
    status: str
    severity: str
    known: bool = False

    @property
    def key(self) -> tuple[str, str | None]:
        """What it is called, wherever the logs lie: the run's and the loss's name."""
        return run_key(self.run), None if self.loss is None else self.loss["name"]


def run_key(run: Mapping[str, Any]) -> str:
    """Returns what a run is called, wherever the logs lie.

    A path with one run only, a single file say, has the run ".": there the last
    part of the path tells runs apart.
    """
    name: str = run["run"]
    return os.path.basename(os.path.normpath(run["path"])) if name == "." else name


def faults_of(run: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Returns what is at fault in a run; the loudest is as loud as the run.

    Raises:
      ValueError: it has a status or a severity that does not exist.
    """
    highest = Severity(run["severity"])
    if highest is Severity.OK:
        return ()
    found = []
    for loss in run["regularization_losses"]:
        severity = verdicts.severity_of(Status(loss["status"]))
        if severity is not Severity.OK:
            severity = min(severity, highest, key=_BY_LOUDNESS.index)
            found.append(Fault(run, loss, loss["status"], severity.value))
    if not any(fault.severity == highest.value for fault in found):
        found.insert(0, Fault(run, None, Status(run["status"]).value, highest.value))
    return tuple(found)


def loudness(severity: str) -> int:
    """Returns a number that is higher for louder severities."""
    return _BY_LOUDNESS.index(Severity(severity))
