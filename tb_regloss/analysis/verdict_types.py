# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The answer's shape: statuses, severities, evidence, verdicts."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class Status(str, enum.Enum):
    """The statuses of one regularization loss and of a run."""

    INCLUDED = "included"
    MISSING = "missing"
    PARTIAL = "partial"
    SCALED = "scaled"
    DOUBLE_COUNTED = "double_counted"
    BLOCKED = "blocked"
    FROZEN = "frozen"
    ZERO = "zero"
    UNKNOWN = "unknown"
    NOT_TRAINING = "not_training"
    DECOUPLED = "decoupled"
    NO_REGULARIZATION = "no_regularization"


class Severity(str, enum.Enum):
    """How loud an answer is; `unknown` is never shown as a warning."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"


class EvidenceKind(str, enum.Enum):
    """Where a piece of evidence comes from."""

    GRAPH = "graph"
    SCALARS = "scalars"
    DECLARED = "declared"
    KERAS_CONFIG = "keras_config"


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One piece of evidence for a verdict.

    Attributes:
      kind: its source.
      status: what this piece alone says.
      text: one or two sentences for people.
      details: JSON-ready extras (`path`: op names from the loss to the update;
        `frontier`: where the value ends; `cut`: the op that cuts the gradient).
    """

    kind: EvidenceKind
    status: Status
    text: str
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something worth saying that does not change the status."""

    code: str
    severity: Severity
    text: str


@dataclasses.dataclass(frozen=True)
class LossVerdict:
    """The verdict on one regularization loss.

    Attributes:
      name: its tensor name or the name that the training code gave.
      variables: names of the penalized variables.
      status: see `Status`.
      multiplier: see the package docstring; `None` where not a constant.
      value: last logged value, `None` where not logged.
      created_at: `"model.py:42"` or `None`.
      kind: `"l2"`, `"l1"`, `"l1_l2"`, `"other"`; `None` where not known.
      strength: its coefficient, `None` where not a constant.
      text: one sentence of evidence for this loss.
    """

    name: str
    variables: tuple[str, ...]
    status: Status
    multiplier: float | None = None
    value: float | None = None
    created_at: str | None = None
    kind: str | None = None
    strength: float | None = None
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Coverage:
    """How many of the regularization losses that count are included."""

    included: int = 0
    total: int = 0
    unknown: int = 0


@dataclasses.dataclass(frozen=True)
class Fix:
    """What to change, as a sentence and as code to copy."""

    framework: str
    text: str
    code: str


@dataclasses.dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run."""

    status: Status
    severity: Severity
    headline: str
    coverage: Coverage = dataclasses.field(default_factory=Coverage)
    regularization_losses: tuple[LossVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    fix: Fix | None = None
