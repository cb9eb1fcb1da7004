# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""One sentence a run: what is the matter, in contract words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tb_regloss.analysis.causes import Cause, Diagnosis, shown
from tb_regloss.analysis.verdict_types import Coverage, LossVerdict, Status

# What follows "3 of 5 regularization losses"; of [one|many] the number takes one.
_INCLUDED = "[is|are] in the loss that is optimized"
_WAYS = {
    Cause.NOT_ADDED: "never [reaches|reach] the loss that is optimized",
    Cause.OTHER_LOSS: (
        "[is|are] added to a loss, but not to the one that trains [its|their] variables"
    ),
    Cause.UNCOLLECTED: (
        "never [reaches|reach] the loss that is optimized and [stands|stand] in no collection"
    ),
    Cause.NO_LOSS: "[stands|stand] in a layer's configuration but [yields|yield] no loss",
    Cause.DROPPED: (
        "[stands|stand] in the model's configuration, but no gradient of the training step "
        "holds [it|them]"
    ),
    Cause.SOME_VARIABLES: "[reaches|reach] only some of the trained variables",
    Cause.CUT: "[is|are] in the loss's value but not in its gradient, which is cut on the way",
    Cause.OUTSIDE: (
        "[is|are] in the loss's value but not in its gradient: "
        "computed outside of the tape, or another loss is differentiated"
    ),
    Cause.NO_GRADIENT: "[is|are] in the loss's value but not in its gradient",
    Cause.SAME_PENALTY: "[is|are] one and the same penalty on {variable}, counted {times} times",
    Cause.LATE_BINDING: (
        "[is|are] one and the same penalty on {variable}, counted {times} times; other variables "
        "of its kind have none, as where lambdas in a loop bind late"
    ),
    Cause.EACH_COPY: "[counts|count] {times} times, as often as there are towers or replicas",
    Cause.SEVERAL_TIMES: "[counts|count] {times} times",
    Cause.ONE_COPY: (
        "[counts|count] {times} times, as if one of {copies} towers or replicas added [it|them]"
    ),
    Cause.STRENGTH_TWICE: "[counts|count] {times} times: [its|their] strength is applied twice",
    Cause.LOSS_SCALE: (
        "[counts|count] 1/{inverse} times, as if left out of a loss scale of {inverse}"
    ),
    Cause.SUBTRACTED: "[counts|count] {times} times: subtracted, [it makes|they make] weights grow",
    Cause.FACTOR: "[counts|count] {times} times",
}
_DECAYED = {
    Status.INCLUDED: "; the optimizer decays weights besides",
    Status.MISSING: "; only the optimizer's own decay acts",
    Status.BLOCKED: "; only the optimizer's own decay acts",
}
_BY_VALUES = {
    Status.INCLUDED: (
        "The regularization sum is in the value of the optimized loss; "
        "whether it trains anything, values cannot tell"
    ),
    Status.MISSING: "The optimized loss, as it was logged, holds none of the regularization sum",
    Status.DOUBLE_COUNTED: (
        "The optimized loss, as it was logged, holds the regularization sum {times} times"
    ),
    Status.SCALED: (
        "The optimized loss, as it was logged, holds the regularization sum {times} times"
    ),
}


def headline(
    status: Status,
    losses: Sequence[LossVerdict],
    coverage: Coverage,
    diagnosis: Diagnosis | None = None,
    decays: bool = False,
    reason: str = "",
) -> str:
    """Returns a run's headline.

    Args:
      status: the run's status.
      losses: all its regularization losses.
      coverage: how many of them count.
      diagnosis: what went wrong, where something did.
      decays: whether its optimizer decays weights itself.
      reason: for `unknown`: the obstacle.
    """
    ending = _DECAYED.get(status, "") if decays else ""
    if diagnosis is not None:
        count = len(diagnosis.losses)
        sentence = _of(count, coverage.total, _WAYS[diagnosis.cause])
        return sentence.format(**_words(diagnosis)) + ending
    if status is Status.INCLUDED:
        return _of(coverage.included, coverage.total, _INCLUDED) + ending
    if status is Status.DECOUPLED:
        none = _none(losses)
        return f"The optimizer itself decays the weights; {none[0].lower()}{none[1:]}"
    if status is Status.NO_REGULARIZATION:
        return _none(losses)
    if status is Status.NOT_TRAINING:
        return "Nothing is trained in this run's graphs"
    return f"Cannot tell whether the regularization is in the loss that is optimized: {reason}"


def by_values(status: Status, multiplier: float | None) -> str:
    """Returns the headline where logged values are the only evidence."""
    return _BY_VALUES[status].format(times=_number(multiplier))


def _of(count: int, total: int, way: str) -> str:
    losses = _conjugated("regularization [loss|losses]", total)
    return f"{count} of {total} {losses} {_conjugated(way, count)}"


def _conjugated(text: str, count: int) -> str:
    """Returns the text for one or many.

    >>> _conjugated("[is|are] there", 2)
    'are there'
    """
    return re.sub(r"\[(.*?)\|(.*?)\]", r"\1" if count == 1 else r"\2", text)


def _words(diagnosis: Diagnosis) -> dict[str, str]:
    multiplier = diagnosis.multiplier
    variables = [variable for loss in diagnosis.losses for variable in loss.variables]
    return {
        "variable": repr(variables[0]) if variables else "one variable",
        "times": _number(multiplier),
        "inverse": str(round(1 / multiplier)) if multiplier else "",
        "copies": str(diagnosis.copies),
    }


def _number(multiplier: float | None) -> str:
    return "other than one" if multiplier is None else f"{shown(multiplier):g}"


def _none(losses: Sequence[LossVerdict]) -> str:
    frozen = sum(loss.status is Status.FROZEN for loss in losses)
    zero = sum(loss.status is Status.ZERO for loss in losses)
    if not losses:
        return "There is no regularization loss"
    if not frozen:
        way = "[has|have] strength 0: [it changes|they change] nothing"
        return _of(zero, zero, way)
    if not zero:
        return _of(frozen, frozen, "[penalizes|penalize] variables that are not trained")
    return (
        f"No regularization loss can change anything: {zero} have strength 0, "
        f"{frozen} penalize variables that are not trained"
    )
