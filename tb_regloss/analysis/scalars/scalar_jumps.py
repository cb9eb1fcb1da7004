# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where the multiplier changed: a resume with other code leaves a jump."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from tb_regloss.analysis.scalars.scalar_samples import Samples

# A stretch of the run needs this many steps to have a multiplier of its own.
_SHORTEST = 3
# More changes than this are no resumes.
_MOST = 4
# Steps at which float32 leaves the multiplier more open than this say nothing here.
_RESOLUTION = 0.02
# Other code changes the multiplier by more than this part of it; a loss that nobody
# logged makes it creep.
_CREEP = 0.05


@dataclasses.dataclass(frozen=True)
class Jump:
    """The multiplier changed.

    Attributes:
      step: the first step with the new multiplier.
      wall_time: seconds since the epoch at that step.
      before: the multiplier until then.
      after: the multiplier from then on.
    """

    step: int
    wall_time: float
    before: float
    after: float


def find_jumps(samples: Samples) -> tuple[Jump, ...]:
    """Returns where (optimized - data) / regularization jumps between constants.

    Only jumps between stretches in which the ratio is constant to float32
    rounding count: anything else is noise, or a loss that was not logged.
    """
    magnitude = np.abs(samples.regularization)
    resolution = samples.rounding() / np.where(magnitude > 0, magnitude, np.inf)
    informative = (magnitude > 0) & (resolution < _RESOLUTION)
    if int(np.sum(informative)) < 2 * _SHORTEST:
        return ()
    clear = samples.select(informative)
    open_by = 2 * resolution[informative]
    ratio = (clear.optimized - clear.data) / clear.regularization
    # Large multipliers carry the rounding of large summands.
    open_by = open_by * np.maximum(1.0, np.abs(ratio))
    breaks = np.flatnonzero(np.abs(np.diff(ratio)) > open_by[1:] + open_by[:-1]) + 1
    if len(breaks) > len(ratio) // 2:
        return ()
    stretches = [
        (int(part[0]), float(np.median(ratio[part])), float(np.max(open_by[part])), len(part))
        for part in np.split(np.arange(len(ratio)), breaks)
        if len(part) >= _SHORTEST
    ]
    if sum(length for *_, length in stretches) < 0.9 * len(ratio):
        return ()
    jumps = []
    for (_, before, before_open, _), (start, after, after_open, _) in itertools.pairwise(stretches):
        size = max(abs(before), abs(after))
        if abs(after - before) > before_open + after_open:
            if abs(after - before) < _CREEP * size:
                return ()
            step, wall_time = int(clear.steps[start]), float(clear.wall_times[start])
            jumps.append(
                Jump(step, wall_time, _tidy(before, before_open), _tidy(after, after_open))
            )
    return tuple(jumps) if len(jumps) <= _MOST else ()


def _tidy(value: float, open_by: float) -> float:
    nearest = float(round(value))
    return nearest if abs(value - nearest) <= open_by else value
