# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which of the known ways a run went: what headline and advice are chosen by.

A cause never changes a status. It names what the evidence shows besides; where
that is a resemblance only (a multiplier that is one over the number of
replicas), the headline says so.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import math
from collections.abc import Sequence

from tb_regloss.analysis.proofs.proof import GraphProof, LossProof
from tb_regloss.analysis.verdict_types import LossVerdict, Status

# What is said of regularizers that stand in a configuration only.
NO_LOSS = "The layer's configuration has this regularizer, but no loss of it exists."
DROPPED = (
    "The model's configuration has this regularizer, but no gradient of the training step "
    "holds a penalty."
)
# What is said of penalties that were measured to count once each.
TWINS = "Another penalty on its variable is equal at every step, and both count."
# A strength of 0.5 that was applied twice cannot be told from a plain half.
_LARGEST_STRENGTH = 0.1
_SMALLEST_LOSS_SCALE = 32


class Cause(enum.Enum):
    """How regularization losses came to count otherwise than once."""

    # Missing.
    NOT_ADDED = enum.auto()
    OTHER_LOSS = enum.auto()
    UNCOLLECTED = enum.auto()
    NO_LOSS = enum.auto()
    DROPPED = enum.auto()
    # Partial.
    SOME_VARIABLES = enum.auto()
    # Blocked.
    CUT = enum.auto()
    OUTSIDE = enum.auto()
    NO_GRADIENT = enum.auto()
    # Double counted.
    SAME_PENALTY = enum.auto()
    LATE_BINDING = enum.auto()
    EACH_COPY = enum.auto()
    SEVERAL_TIMES = enum.auto()
    # Scaled.
    ONE_COPY = enum.auto()
    STRENGTH_TWICE = enum.auto()
    LOSS_SCALE = enum.auto()
    SUBTRACTED = enum.auto()
    FACTOR = enum.auto()


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What went wrong.

    Attributes:
      cause: the way.
      losses: the regularization losses that it concerns.
      multiplier: what they share, rounded for people; `None` where they differ.
      copies: how many towers or replicas there are.
      is_partial: other losses of the run are as they should be.
    """

    cause: Cause
    losses: tuple[LossVerdict, ...]
    multiplier: float | None = None
    copies: int = 1
    is_partial: bool = False


def diagnose(
    status: Status, losses: Sequence[LossVerdict], proof: GraphProof | None
) -> Diagnosis | None:
    """Returns what went wrong in a run, `None` where nothing did or nobody can tell.

    Args:
      status: the run's status.
      losses: the verdicts on its regularization losses.
      proof: what decided, `None` where it was no graph.
    """
    for concerned in _concerned(status):
        found = tuple(loss for loss in losses if loss.status is concerned)
        if found:
            diagnosis = _diagnose(concerned, found, proof)
            return dataclasses.replace(diagnosis, is_partial=status is Status.PARTIAL)
    return None


def _concerned(status: Status) -> tuple[Status, ...]:
    """Returns the statuses of losses that make a run's status, the worst first."""
    if status is Status.PARTIAL:
        return (Status.MISSING, Status.BLOCKED, Status.PARTIAL)
    return (status,) if status in _CAUSES else ()


def _diagnose(
    status: Status, losses: tuple[LossVerdict, ...], proof: GraphProof | None
) -> Diagnosis:
    multipliers = {shown(loss.multiplier) for loss in losses}
    multiplier = multipliers.pop() if len(multipliers) == 1 else None
    names = {loss.name for loss in losses}
    proofs = [one for one in proof.losses if one.name in names] if proof is not None else []
    copies = proof.copies if proof is not None else 1
    found = _Case(losses, proofs, proof, multiplier, copies)
    return Diagnosis(_CAUSES[status](found), losses, multiplier, copies)


def shown(multiplier: float | None) -> float | None:
    """Returns a multiplier with the digits that it is known to.

    >>> shown(0.4999999999999999), shown(None)
    (0.5, None)
    """
    return None if multiplier is None else float(f"{multiplier:.5g}")


@dataclasses.dataclass(frozen=True)
class _Case:
    """What a cause is told by."""

    losses: tuple[LossVerdict, ...]
    proofs: Sequence[LossProof]
    proof: GraphProof | None
    multiplier: float | None
    copies: int


def _missing(case: _Case) -> Cause:
    texts = {loss.text for loss in case.losses}
    if texts == {NO_LOSS}:
        return Cause.NO_LOSS
    if texts == {DROPPED}:
        return Cause.DROPPED
    if case.proofs and all(one.in_value for one in case.proofs):
        return Cause.OTHER_LOSS
    collected = case.proof is not None and case.proof.has_collections
    if case.proofs and collected and all(one.source == "structure" for one in case.proofs):
        return Cause.UNCOLLECTED
    return Cause.NOT_ADDED


def _blocked(case: _Case) -> Cause:
    if not case.proofs:
        return Cause.NO_GRADIENT
    # The way to the op that cuts is known only where there is one.
    return Cause.CUT if any(one.path for one in case.proofs) else Cause.OUTSIDE


def _double_counted(case: _Case) -> Cause:
    groups: collections.Counter[object]
    if case.proof is None:
        groups = collections.Counter(loss.variables for loss in case.losses if loss.text == TWINS)
    else:
        groups = collections.Counter((one.group, one.variables) for one in case.proofs)
    if groups and all(count > 1 and count == case.multiplier for count in groups.values()):
        others = case.proof is not None and bool(case.proof.unpenalized)
        return Cause.LATE_BINDING if others else Cause.SAME_PENALTY
    if case.copies > 1 and case.multiplier == case.copies:
        return Cause.EACH_COPY
    return Cause.SEVERAL_TIMES


def _scaled(case: _Case) -> Cause:
    multiplier = case.multiplier
    if multiplier is None:
        return Cause.FACTOR
    if multiplier < 0:
        return Cause.SUBTRACTED
    if case.copies > 1 and shown(multiplier * case.copies) == 1:
        return Cause.ONE_COPY
    if case.proofs and all(_is_own_strength(multiplier, one.decay) for one in case.proofs):
        return Cause.STRENGTH_TWICE
    power = 2.0 ** round(-math.log2(multiplier))
    if power >= _SMALLEST_LOSS_SCALE and shown(multiplier) == shown(1 / power):
        return Cause.LOSS_SCALE
    return Cause.FACTOR


def _is_own_strength(multiplier: float, decay: float | None) -> bool:
    """Whether a multiplier is the strength itself, be the norm halved (`l2_loss`) or not."""
    if decay is None or multiplier > _LARGEST_STRENGTH:
        return False
    return shown(decay) == multiplier or shown(decay / 2) == multiplier


_CAUSES = {
    Status.MISSING: _missing,
    Status.PARTIAL: lambda case: Cause.SOME_VARIABLES,
    Status.BLOCKED: _blocked,
    Status.DOUBLE_COUNTED: _double_counted,
    Status.SCALED: _scaled,
}
