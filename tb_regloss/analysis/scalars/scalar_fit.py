# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Fits optimized = a * (data + m * regularization) to three logged series.

Three ways to look, from the sharpest to the bluntest; the first that answers
counts, because each assumes more than the one before it:

  exact     a = 1 and the identity holds to float32 rounding at (nearly) every
            step. Losses fetched in one step do so, and hardly anything else
            does: two equal points are already worth a lot.
  scaled    the same with a free a (loss scaling, a mean over replicas).
  lagging   a = 1, and optimized - data lies between m times neighbouring
            values of the regularization: epoch means against epoch ends.

Beyond these there is no fit. For series of different batches, or smoothed
differently, least squares gives tight and wrong intervals (the data loss is
itself noisy, losses that nobody logged follow the same trend), and intervals
wide enough to be right decided nothing in any of the simulated series.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tb_regloss.analysis.scalars.scalar_samples import (
    Z99,
    Fit,
    Floats,
    Regime,
    Samples,
    least_squares,
)

# Of the steps, how many may be off (values of a step that was cut in two by a
# restart, say) before an identity is no identity.
_EXCEPTIONS = 0.05
# At a step where rounding is more than this part of the penalty, float32 has
# lost it.
_LOST = 0.5
# A constant that is not an integer is believed where it is known to this part of it,
# and not claimed to be known better: epoch means are off by about as much.
_FLOOR = 2e-3
# Nor is a constant this close to an integer believed to be another than that.
_NEARLY = 0.01
# Nor the multiplier between lagging series better than this: a small penalty that
# was left out and a lag are the same to them.
_LAG_FLOOR = 0.01
# An interval this narrow does not hold an integer by accident.
_NARROW = 1e-3
_MOST_LAGGING_POINTS = 2000


def fit(samples: Samples) -> Fit | None:
    """Returns the sharpest fit that the series allow, `None` where there is none."""
    informative = samples.rounding() < _LOST * np.abs(samples.regularization)
    clear = samples.select(informative)
    for look in (exact, scaled, lagging):
        found = look(clear)
        if found is not None:
            return found
    return None


def exact(samples: Samples) -> Fit | None:
    """Returns m if optimized = data + m * regularization holds to float32 rounding.

    An integer m is believed from two points on; another constant only where
    the regularization moves enough to tell a factor from a constant summand.
    """
    gap = samples.optimized - samples.data
    regularization = samples.regularization
    if len(samples) < 2:
        return None
    weight = regularization / samples.rounding()
    # A median, not a mean: it must survive the steps that are off.
    start = _weighted_median(gap / regularization, weight)
    kept = np.abs(gap - start * regularization) <= 3 * samples.rounding(start)
    if np.mean(kept) < 1 - _EXCEPTIONS:
        return None
    design = regularization[kept, None]
    solved = least_squares(design, gap[kept], samples.rounding(start)[kept])
    if solved is None:
        return None
    estimate, half = float(solved[0][0]), float(solved[1][0])
    nearest = round(estimate)
    holds = np.abs(gap - nearest * regularization) <= samples.rounding(nearest)
    if abs(estimate - nearest) <= half <= _NARROW and np.mean(holds) >= 1 - _EXCEPTIONS:
        return Fit(float(nearest), nearest - half, nearest + half, 1.0, Regime.EXACT)
    return _constant_factor(samples.select(kept), estimate) if int(np.sum(kept)) >= 4 else None


def _constant_factor(samples: Samples, estimate: float) -> Fit | None:
    gap = samples.optimized - samples.data
    rounding = samples.rounding(estimate)
    if np.mean(np.abs(gap - estimate * samples.regularization) <= rounding) < 1 - _EXCEPTIONS:
        return None
    solved = _without_rivals([samples.regularization], samples.regularization, gap, rounding)
    if solved is None:
        return None
    slope, half = float(solved[0][0]), float(solved[1][0])
    return _resolved(Fit(slope, slope - half, slope + half, 1.0, Regime.EXACT))


def _resolved(found: Fit) -> Fit | None:
    """Returns the fit if it is an integer, or another constant that is known well."""
    half, size = found.high - found.multiplier, abs(found.multiplier)
    if found.integer is not None and (found.integer != 0 or half <= _NARROW):
        return found
    nearest = round(found.multiplier)
    nearly = nearest != 0 and abs(found.multiplier - nearest) < _NEARLY * abs(nearest)
    if half > _FLOOR * size or nearly:
        return None
    low, high = found.multiplier - _FLOOR * size, found.multiplier + _FLOOR * size
    return dataclasses.replace(found, low=low, high=high)


def _without_rivals(
    columns: list[Floats], penalty: Floats, target: Floats, rounding: Floats
) -> tuple[Floats, Floats] | None:
    """Returns coefficients and half widths if nothing else could explain the same values.

    The rivals of a constant factor, each taken by itself: a constant summand that
    nobody logged, and a lag (epoch means against epoch ends), which is a multiple
    of the change since the step before.
    """
    if len(target) < len(columns) + 3 or np.ptp(penalty) == 0:
        return None
    solutions = []
    for rival in (np.ones(len(target) - 1), np.diff(penalty)):
        design = np.stack([*(column[1:] for column in columns), rival], axis=1)
        solved = least_squares(design, target[1:], rounding[1:])
        if solved is None or abs(solved[0][-1]) > solved[1][-1]:
            return None
        solutions.append(solved)
    halves = np.maximum(solutions[0][1], solutions[1][1])
    return solutions[0][0][:-1], halves[:-1]


def scaled(samples: Samples) -> Fit | None:
    """Returns m if optimized = a * (data + m * regularization) to float32 rounding."""
    count = len(samples)
    if count < 6:
        return None
    optimized = samples.optimized
    design = np.stack([samples.data, samples.regularization], axis=1)
    rounding = samples.rounding()
    kept = np.ones(count, dtype=bool)
    for _ in range(4):
        solved = least_squares(design[kept], optimized[kept], rounding[kept])
        if solved is None:
            return None
        (scale, slope), _errors = solved
        rounding = samples.rounding_of(float(scale), float(slope))
        off = np.abs(optimized - design @ np.array([scale, slope])) / rounding
        kept = off <= max(1.0, float(np.quantile(off, 1 - _EXCEPTIONS)))
    if scale <= 0 or np.mean(off <= 1.0) < 1 - _EXCEPTIONS:
        return None
    sample = samples.select(kept)
    checked = _without_rivals(
        [sample.data, sample.regularization],
        sample.regularization,
        sample.optimized,
        rounding[kept],
    )
    if checked is None:
        return None
    values, halves = checked
    multiplier = float(values[1] / values[0])
    half = float(np.hypot(halves[1], multiplier * halves[0])) / abs(float(values[0]))
    if half > max(0.02 * abs(multiplier), _NARROW):
        return None
    found = Fit(multiplier, multiplier - half, multiplier + half, float(scale), Regime.SCALED)
    return _resolved(found)


def lagging(samples: Samples) -> Fit | None:
    """Returns m if optimized - data keeps between m times neighbouring penalties.

    An epoch's mean of a penalty lies between its values around the epoch.
    """
    if len(samples) < 8 or np.any(samples.regularization <= 0):
        return None
    thin = samples.select(slice(None, None, -(-len(samples) // _MOST_LAGGING_POINTS)))
    penalty = thin.regularization
    padded = np.concatenate([penalty[:1], penalty, penalty[-1:]])
    neighbours = np.stack([padded[:-2], padded[1:-1], padded[2:]])
    lowest, highest = neighbours.min(axis=0), neighbours.max(axis=0)
    gap, rounding = thin.optimized - thin.data, thin.rounding()
    below = np.minimum((gap - rounding) / lowest, (gap - rounding) / highest)
    above = np.maximum((gap + rounding) / lowest, (gap + rounding) / highest)
    feasible = _common_interval(below, above, 1 - _EXCEPTIONS)
    slope = _lagged_slope(gap, penalty)
    if feasible is None or slope is None:
        return None
    low, high = max(feasible[0], slope[0]), min(feasible[1], slope[1])
    if low > high:
        return None
    # Widened by its own width: the ends were chosen to fit.
    margin = 0.5 * (high - low) + _LAG_FLOOR * max(1.0, abs(low), abs(high))
    found = Fit(0.5 * (low + high), low - margin, high + margin, 1.0, Regime.LAGGING)
    # Only an integer is believed (any ratio of two smooth series is some constant for a
    # while), and only if it explains the steps by itself: a small penalty that was left
    # out shifts the multiplier by its share, at every step.
    nearest = found.integer
    if nearest is None:
        return None
    holds = (below <= nearest) & (nearest <= above)
    return found if np.mean(holds) >= 1 - _EXCEPTIONS else None


def _lagged_slope(gap: Floats, penalty: Floats) -> tuple[float, float] | None:
    """Returns the interval of m in gap = m * penalty + lag * (its change since the step before).

    Its residuals are no noise but what is left of the course within an epoch:
    the interval is that of as many points as there are turns of their sign.
    """
    design = np.stack([penalty[1:], np.diff(penalty)], axis=1)
    target = gap[1:]
    size = np.abs(penalty[1:])
    solved = least_squares(design, target, size)
    if solved is None:
        # The penalty stands still: there is no lag.
        solved = least_squares(design[:, :1], target, size)
        design = design[:, :1]
    if solved is None:
        return None
    residual = (target - design @ solved[0]) / size
    turns = int(np.sum(np.diff(np.sign(residual)) != 0)) + 1
    spread = float(np.sqrt(np.mean(residual**2)))
    half = 2 * Z99 * spread / np.sqrt(turns) + 1e-6
    return float(solved[0][0] - half), float(solved[0][0] + half)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(np.abs(weights)[order])
    return float(values[order][np.searchsorted(cumulative, 0.5 * cumulative[-1])])


def _common_interval(below: Floats, above: Floats, share: float) -> tuple[float, float] | None:
    """Returns the hull of all numbers that lie in at least this share of the intervals."""
    ends = np.concatenate([below, above])
    change = np.concatenate([np.ones(len(below)), -np.ones(len(above))])
    # At one place openings come before closings: touching intervals do share it.
    order = np.lexsort((-change, ends))
    depth = np.cumsum(change[order])
    enough = np.flatnonzero(depth >= share * len(below))
    if not len(enough):
        return None
    last = min(int(enough[-1]) + 1, len(ends) - 1)
    return float(ends[order][enough[0]]), float(ends[order][last])
