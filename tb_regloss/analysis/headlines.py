# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""One sentence a run: what is the matter, in contract words."""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.verdict_types import Coverage, LossVerdict, Status


def headline(status: Status, losses: Sequence[LossVerdict], coverage: Coverage, reason: str) -> str:
    """Returns a run's headline.

    Args:
      status: the run's status.
      losses: all its regularization losses.
      coverage: how many of them count.
      reason: for `unknown`: the obstacle.
    """
    total = coverage.total
    count = sum(loss.status is status for loss in losses)
    what = f"of {total} regularization {_verb(total, 'loss', 'losses')}"
    if status is Status.INCLUDED:
        verb = _verb(total, "is", "are")
        return f"{coverage.included} {what} {verb} in the loss that is optimized"
    if status is Status.MISSING:
        return f"{count} {what} never {_verb(count, 'reaches', 'reach')} the loss that is optimized"
    if status is Status.BLOCKED:
        verb = _verb(count, "is", "are")
        return f"{count} {what} {verb} in the loss's value but not in its gradient"
    if status is Status.PARTIAL:
        return _partial(losses, what)
    if status in (Status.DOUBLE_COUNTED, Status.SCALED):
        values = {loss.multiplier for loss in losses if loss.status is status}
        value = values.pop() if len(values) == 1 else None
        times = f"{value:g} times" if value is not None else "with other factors than 1"
        return f"{count} {what} {_verb(count, 'counts', 'count')} {times}"
    if status is Status.DECOUPLED:
        return "The optimizer itself decays the weights; there is no regularization loss"
    if status is Status.NO_REGULARIZATION:
        return _none(losses)
    if status is Status.NOT_TRAINING:
        return "Nothing is trained in this run's graphs"
    return f"Cannot tell whether the regularization is in the loss that is optimized: {reason}"


def _verb(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _partial(losses: Sequence[LossVerdict], what: str) -> str:
    lost = sum(loss.status in (Status.MISSING, Status.BLOCKED) for loss in losses)
    if lost:
        return f"{lost} {what} never {_verb(lost, 'reaches', 'reach')} the loss that is optimized"
    part = sum(loss.status is Status.PARTIAL for loss in losses)
    return f"{part} {what} {_verb(part, 'reaches', 'reach')} only some of the trained variables"


def _none(losses: Sequence[LossVerdict]) -> str:
    frozen = sum(loss.status is Status.FROZEN for loss in losses)
    zero = sum(loss.status is Status.ZERO for loss in losses)
    if not losses:
        return "There is no regularization loss"
    if not frozen:
        return f"All {zero} regularization losses have strength 0: they change nothing"
    if not zero:
        return f"All {frozen} regularization losses penalize variables that are not trained"
    return (
        f"No regularization loss can change anything: {zero} have strength 0, "
        f"{frozen} penalize variables that are not trained"
    )
