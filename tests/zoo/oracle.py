# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Confirms the truth of a case by running it; shares no code with the analysis.

The logged graph runs from equal initial values with the strength as built and
with the strength of one regularization loss R multiplied. What changes in the
gradient g of a variable v at the optimizer's input is c_R * dR/dv; the rest of
g is c_D * dD/dv, D the data loss. dR/dv and dD/dv come from automatic
differentiation of R and D themselves. The multiplier is c_R / c_D. Gradients
are compared, not updates: Adam's first step hides every scale.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tests.zoo.case import BuiltCase, Case, LossTruth
from tests.zoo.measured import FACTOR, Array, Measured, strength_of

TOLERANCE = 4e-3


@dataclasses.dataclass(frozen=True)
class Finding:
    """What the oracle finds of one regularization loss.

    Attributes:
      status: a status of the contract.
      multiplier: common to all trained variables, `None` where they differ.
      complaints: what keeps the measurement from being trusted.
    """

    status: str
    multiplier: float | None
    complaints: tuple[str, ...] = ()


def check(case: Case, built: BuiltCase | None = None) -> list[str]:
    """Returns what contradicts the declared truth of a case, nothing if it is confirmed."""
    built = built or case.build({})
    if built.truth.run == "not_training":
        return ["nothing is trained, so no loss is judged"] if built.truth.losses else []
    return judge(built, *measurements(case, built))


def measurements(case: Case, built: BuiltCase) -> tuple[Measured, dict[str, Measured]]:
    """Returns what a case measures as built, and with each strength multiplied."""
    if case.framework == "tf1":
        from tests.zoo import oracle_tf1 as runner
    else:
        from tests.zoo import oracle_tf2 as runner
    return runner.measure(case, built)


def judge(built: BuiltCase, base: Measured, changed: Mapping[str, Measured]) -> list[str]:
    """Returns what in the measurements contradicts the truth of a case."""
    scales, complaints = data_coefficients(built, base, changed)
    for loss in built.truth.losses:
        found = find(loss, base, changed[strength_of(loss.key)], scales)
        complaints += found.complaints
        if found.status != loss.status:
            complaints.append(
                f"{loss.key}: declared {loss.status}, measured {found.status} "
                f"with multiplier {found.multiplier}"
            )
        elif loss.multiplier is not None and not _close(found.multiplier, loss.multiplier):
            complaints.append(
                f"{loss.key}: declared multiplier {loss.multiplier}, measured {found.multiplier}"
            )
    return complaints


def find(
    loss: LossTruth, base: Measured, changed: Measured, scales: Mapping[str, float | None]
) -> Finding:
    """Returns status and multiplier of one regularization loss as they are measured."""
    trained = [v for v in loss.variables if v in base.ports]
    if not trained:
        return Finding("frozen", None)
    gradients = {v: base.penalties[loss.key, v] for v in trained}
    own = {
        v: changed.penalties[loss.key, v] - gradients[v]
        for v in loss.variables
        if (loss.key, v) in changed.penalties
    }
    if not any(np.any(value) for value in own.values()) and not base.values[loss.key]:
        return Finding("zero", None)
    complaints = []
    multipliers = []
    for v in trained:
        if not np.any(own[v]):
            multipliers.append(0.0)
            continue
        coefficient, residual = _fit(changed.ports[v] - base.ports[v], own[v])
        if residual > TOLERANCE * 5:
            complaints.append(f"{loss.key}: the gradient of {v} changes otherwise than dR/dv does")
        if scales[v] is None:
            complaints.append(f"{loss.key}: no coefficient of the data loss at {v}")
            multipliers.append(coefficient)
        else:
            multipliers.append(coefficient / scales[v])
    status, multiplier = _status(multipliers)
    if status == "missing" and base.reaches.get(loss.key, True) and _value_moved(base, changed):
        status = "blocked"
    return Finding(status, multiplier, tuple(complaints))


def _status(multipliers: list[float]) -> tuple[str, float | None]:
    reached = [m for m in multipliers if abs(m) > TOLERANCE / 2]
    if not reached:
        return "missing", 0.0
    if len(reached) < len(multipliers):
        return "partial", None
    first = multipliers[0]
    if not all(_close(m, first) for m in multipliers):
        return "scaled", None
    if _close(first, 1.0):
        return "included", first
    if first > 1.5 and _close(first, round(first)):
        return "double_counted", first
    return "scaled", first


def _value_moved(base: Measured, changed: Measured) -> bool:
    if base.optimized is None or changed.optimized is None:
        return False
    return abs(changed.optimized - base.optimized) > 1e-6 * max(abs(base.optimized), 1e-3)


def data_coefficients(
    built: BuiltCase, base: Measured, changed: Mapping[str, Measured]
) -> tuple[dict[str, float | None], list[str]]:
    scales: dict[str, float | None] = {}
    complaints = []
    for v, port in base.ports.items():
        rest = port.copy()
        for strength, other in changed.items():
            # The effect of this strength as built; a strength of 0 has none.
            if any(strength_of(t.key) == strength for t in built.truth.losses):
                rest -= (other.ports[v] - port) / (FACTOR - 1.0)
        gradient = base.data.get(v)
        if gradient is None or np.linalg.norm(gradient) < 1e-12:
            scales[v] = None
            continue
        scales[v], residual = _fit(rest, gradient)
        if residual > TOLERANCE * 5 or abs(scales[v] or 0.0) < 1e-9:
            complaints.append(f"{v}: what its optimizer receives is not the data loss's gradient")
    return scales, complaints


def _fit(target: Array, direction: Array) -> tuple[float, float]:
    """Returns the coefficient of direction in target, and the part of target that is left."""
    square = float(np.vdot(direction, direction))
    coefficient = float(np.vdot(direction, target)) / square
    left = float(np.linalg.norm(target - coefficient * direction))
    return coefficient, left / max(float(np.linalg.norm(target)), 1e-3 * float(np.sqrt(square)))


def _close(a: float | None, b: float) -> bool:
    return a is not None and abs(a - b) <= TOLERANCE * max(abs(b), 1e-12)
