# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the logged series show besides the multiplier.

Each function asks one question and returns at most one finding. None of them
changes a status: a regularization sum that stands still is a reason to look,
not a proof.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator

import numpy as np

from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    LossMatrix,
    RunFacts,
    Series,
)
from tb_regloss.analysis.scalars import scalar_samples
from tb_regloss.analysis.verdict_types import Finding, Severity

ZERO = "regularization_zero"
FLAT = "regularization_flat"
GROWING = "regularization_growing"
SHARE = "regularization_share"
LOST_IN_ROUNDING = "regularization_lost_in_rounding"
EQUAL = "regularization_losses_equal"
BELOW = "optimized_below_regularization"
NOT_FINITE = "losses_not_finite"

# A series says something of its course from here on.
_FEW = 10
# A penalty of weights that train moves by more than this in ten steps.
_STILL = 1e-6
_SHARE = 100.0
_GROWTH = 10.0
_MOST_NAMES = 3


def symptoms(facts: RunFacts) -> Iterator[Finding]:
    """Yields what the series of a run show, the most telling first."""
    regularization = facts.series.get(REGULARIZATION_SUM)
    data = facts.series.get(DATA_LOSS)
    optimized = facts.series.get(OPTIMIZED_LOSS)
    found = [_not_finite(facts)]
    if regularization is not None:
        found.append(_growing(regularization))
        if not facts.declarations or facts.declarations[-1].regularization_losses:
            # Where none is declared, 0 is what is to be expected.
            found.append(_zero(regularization))
        if data is not None:
            found += [_flat(regularization, data), _share(regularization, data)]
        if optimized is not None:
            found.append(_lost_in_rounding(regularization, optimized))
            if data is None:
                found.append(_below(regularization, optimized))
    if facts.loss_matrix is not None:
        found.append(_equal(facts.loss_matrix, _names(facts)))
    yield from (finding for finding in found if finding is not None)


def _not_finite(facts: RunFacts) -> Finding | None:
    first: list[tuple[int, str, str]] = []
    for role, series in facts.series.items():
        bad = np.flatnonzero(~np.isfinite(series.values))
        if len(bad):
            value = series.values[bad[0]]
            what = "NaN" if np.isnan(value) else "infinity" if value > 0 else "-infinity"
            first.append((int(series.steps[bad[0]]), role.replace("_", " "), what))
    if not first:
        return None
    step, role, what = min(first)
    text = f"The {role} is {what} at step {step:,}; steps like it are left out of the fit."
    return Finding(NOT_FINITE, Severity.WARNING, text)


def _zero(regularization: Series) -> Finding | None:
    values = _finite(regularization)
    if len(values) < 2 or np.any(values):
        return None
    text = (
        f"The regularization sum is exactly 0 at all {len(values):,} steps: "
        "its strength is 0, or what was logged is not the penalty."
    )
    return Finding(ZERO, Severity.WARNING, text)


def _flat(regularization: Series, data: Series) -> Finding | None:
    values, losses = _finite(regularization), _finite(data)
    if len(values) < _FEW or len(losses) < _FEW or not np.any(values):
        return None
    if _relative_range(values) > _STILL or _relative_range(losses) < 0.05:
        return None
    text = (
        f"The regularization sum stands still at {values[-1]:.6g} over {len(values):,} steps "
        "while the data loss moves: the variables that it penalizes are not trained, "
        "or it was computed once."
    )
    return Finding(FLAT, Severity.WARNING, text)


def _growing(regularization: Series) -> Finding | None:
    values = _finite(regularization)
    if len(values) < 2 * _FEW:
        return None
    start = float(np.median(values[: len(values) // 10]))
    quarters = [float(np.median(part)) for part in np.array_split(values, 4)]
    end = float(np.median(values[-(len(values) // 10) :]))
    rising = all(a < b for a, b in itertools.pairwise(quarters))
    # Growth that has levelled off by the last quarter has found its balance.
    still = end - quarters[2] > 0.1 * (end - start)
    if start <= 0 or end < _GROWTH * start or not rising or not still:
        return None
    text = (
        f"The regularization sum grew from {start:.4g} to {end:.4g} and still grows: "
        "nothing seems to hold the penalized variables back."
    )
    return Finding(GROWING, Severity.WARNING, text)


def _share(regularization: Series, data: Series) -> Finding | None:
    penalty, loss = _finite(regularization), _finite(data)
    if len(penalty) < _FEW or len(loss) < _FEW:
        return None
    # The start is no measure: fresh variables may well be penalized above all.
    late_penalty = float(np.median(np.abs(penalty[-(len(penalty) // 4) :])))
    late_loss = float(np.median(np.abs(loss[-(len(loss) // 4) :])))
    # Nor is a data loss that was learned away: the penalty has to be large beside
    # what the loss was at its worst, too.
    worst = float(np.abs(loss).max())
    if late_penalty <= max(_SHARE * late_loss, worst) or late_penalty == 0:
        return None
    text = (
        f"Late in the run the regularization sum ({late_penalty:.4g}) is more than "
        f"{_SHARE:.0f} times the data loss ({late_loss:.4g}): its strength may be far too large."
    )
    return Finding(SHARE, Severity.WARNING, text)


def _lost_in_rounding(regularization: Series, optimized: Series) -> Finding | None:
    penalty, loss = _finite(regularization), _finite(optimized)
    if len(penalty) < 2 or len(loss) < 2 or not np.any(penalty):
        return None
    largest, total = float(np.max(np.abs(penalty))), float(np.min(np.abs(loss)))
    if largest >= scalar_samples.FLOAT32_ROUNDING * total:
        return None
    text = (
        f"The regularization sum (at most {largest:.3g}) is smaller than the rounding of the "
        f"optimized loss (at least {total:.3g}) in float32: values cannot show whether it is in."
    )
    return Finding(LOST_IN_ROUNDING, Severity.OK, text)


def _below(regularization: Series, optimized: Series) -> Finding | None:
    _, left, right = np.intersect1d(
        regularization.steps, optimized.steps, assume_unique=False, return_indices=True
    )
    penalty, loss = regularization.values[left], optimized.values[right]
    usable = np.isfinite(penalty) & np.isfinite(loss) & (loss > 0)
    below = int(np.sum(loss[usable] < penalty[usable]))
    if below < _FEW:
        return None
    text = (
        f"The optimized loss is smaller than the regularization sum at {below:,} of "
        f"{int(np.sum(usable)):,} steps: unless the data loss can be negative, "
        "it does not contain the whole of it."
    )
    return Finding(BELOW, Severity.WARNING, text)


def _equal(matrix: LossMatrix, names: tuple[str, ...]) -> Finding | None:
    values = matrix.values
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 2:
        return None
    groups: dict[bytes, list[int]] = collections.defaultdict(list)
    for column in range(values.shape[1]):
        series = values[:, column]
        # Constants may well be equal (fresh scales, equal shapes); moving weights are not.
        if np.all(np.isfinite(series)) and np.any(series != series[0]):
            groups[series.tobytes()].append(column)
    largest = max(groups.values(), key=len, default=[])
    if len(largest) < 2:
        return None
    shown = [names[i] if i < len(names) else f"number {i + 1}" for i in largest[:_MOST_NAMES]]
    more = f" and {len(largest) - len(shown)} more" if len(largest) > len(shown) else ""
    text = (
        f"{len(largest)} of {values.shape[1]} regularization losses are exactly equal at all "
        f"{values.shape[0]:,} steps ({', '.join(shown)}{more}): they penalize the same variable. "
        "A lambda made in a loop that reads the loop's variable late does this."
    )
    return Finding(EQUAL, Severity.WARNING, text)


def _names(facts: RunFacts) -> tuple[str, ...]:
    if not facts.declarations:
        return ()
    return tuple(loss.name for loss in facts.declarations[-1].regularization_losses)


def _finite(series: Series) -> scalar_samples.Floats:
    return series.values[np.isfinite(series.values)]


def _relative_range(values: scalar_samples.Floats) -> float:
    largest = float(np.max(np.abs(values)))
    return float(np.ptp(values)) / largest if largest else 0.0
