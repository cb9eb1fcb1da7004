# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated loss curves with known multipliers, and how often they are judged right.

Run `python -m tests.property.scalar_power [number of series]` for the table.
A series is wrong if its status says another multiplier than the true one, or
if the true one lies outside of the interval that stands beside a status other
than `unknown`. Power is the share of series with a status other than `unknown`.
"""

from __future__ import annotations

import collections
import dataclasses
import sys
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    RunFacts,
    Series,
)
from tb_regloss.analysis.scalars import scalars
from tb_regloss.analysis.verdict_types import Status

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

MULTIPLIERS = (0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 8.0, 0.5, 0.25, 0.125, 0.1, 0.01, 1.5, -1.0)
LENGTHS = (2, 3, 5, 10, 20, 50, 200, 1000)


@dataclasses.dataclass(frozen=True)
class Curves:
    """Three series on the same steps.

    Attributes:
      steps: common to the three.
      optimized: the optimized loss.
      data: the data loss.
      regularization: the regularization sum.
      multiplier: the truth, `None` where it is no constant.
      share: what it is at each step then, `None` where no answer is right.
    """

    steps: npt.NDArray[np.int64]
    optimized: Floats
    data: Floats
    regularization: Floats
    multiplier: float | None
    share: Floats | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one simulated series was judged."""

    kind: str
    length: int
    truth: float | None
    share: Floats | None
    evidence: scalars.ScalarEvidence

    @property
    def decided(self) -> bool:
        """Whether the evidence says anything of the multiplier."""
        return self.evidence.status is not Status.UNKNOWN

    @property
    def wrong(self) -> bool:
        """Whether it says something false."""
        if not self.decided:
            return False
        if self.evidence.interval is None:
            return True
        low, high = self.evidence.interval
        if self.truth is None:
            # A loss that was left out may hide behind the stated interval, not outside of it.
            return self.share is None or low > np.max(self.share) or high < np.min(self.share)
        return self.evidence.status is not _expected(self.truth) or not low <= self.truth <= high


def _expected(truth: float) -> Status:
    if truth == 0:
        return Status.MISSING
    if truth == 1:
        return Status.INCLUDED
    whole = truth == int(truth) and truth >= 2
    return Status.DOUBLE_COUNTED if whole else Status.SCALED


# Curves


def _data_curve(random: Random, count: int) -> tuple[Floats, Floats]:
    """Returns the smooth course of a data loss and one noisy draw of batches of it."""
    time = np.linspace(0.0, 1.0, count)
    start, end = 10 ** random.uniform(-0.5, 1.0), 10 ** random.uniform(-2.5, 0.0)
    speed = 10 ** random.uniform(0.0, 1.5)
    course = end + start * np.exp(-speed * time)
    return course, _batch(random, course)


def _batch(random: Random, course: Floats, noise: float | None = None) -> Floats:
    spread = 10 ** random.uniform(-2.0, -0.3) if noise is None else noise
    return course * np.exp(spread * random.standard_normal(len(course)))


def _penalty_curve(random: Random, count: int) -> Floats:
    time = np.linspace(0.0, 1.0, count)
    size = 10 ** random.uniform(-3.0, 0.7)
    shape = random.integers(5)
    if shape == 0:  # shrinks
        curve = 0.05 + np.exp(-(10 ** random.uniform(-0.5, 1.0)) * time)
    elif shape == 1:  # grows
        curve = 0.2 + (random.uniform(0.1, 20.0) * time) ** random.uniform(0.3, 1.2)
    elif shape == 2:  # grows, then shrinks
        curve = 0.3 + random.uniform(0.1, 3.0) * time * np.exp(-3 * time)
    elif shape == 3:  # nearly still
        curve = 1.0 + 10 ** random.uniform(-6.0, -2.0) * time
    else:  # drops where the learning rate drops
        curve = 1.0 + random.uniform(0.1, 2.0) * (time < random.uniform(0.2, 0.8))
    wobble = 10 ** random.uniform(-6.0, -2.0)
    return size * curve * np.exp(wobble * np.cumsum(random.standard_normal(count)) / count**0.5)


def _float32(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)


def _sum32(*terms: Floats) -> Floats:
    """Adds as float32 does."""
    total = terms[0].astype(np.float32)
    for term in terms[1:]:
        total = (total + term.astype(np.float32)).astype(np.float32)
    return total.astype(np.float64)


def _average(values: Floats, decay: float) -> Floats:
    smoothed = np.empty_like(values)
    state = values[0]
    for index, value in enumerate(values):
        state = decay * state + (1 - decay) * value
        smoothed[index] = state
    return smoothed


# Kinds of logs


def _one_step(random: Random, count: int, multiplier: float) -> Curves:
    """All three fetched in one step: the common case."""
    _, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    return _curves(_sum32(data, multiplier * penalty), data, penalty, multiplier)


def _scaled_loss(random: Random, count: int, multiplier: float) -> Curves:
    """The optimized loss is logged with a loss scale or divided by the replicas."""
    _, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    scale = float(random.choice([0.5, 0.25, 0.125, 128.0, 1000.0, 0.3]))
    total = _sum32(data, multiplier * penalty)
    return _curves(_float32(np.float32(scale) * total), data, penalty, multiplier)


def _tiny(random: Random, count: int, multiplier: float) -> Curves:
    """The regularization is near or below float32's resolution of the loss."""
    _, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count) * 10 ** random.uniform(-9.0, -3.0)
    return _curves(_sum32(data, multiplier * penalty), data, penalty, multiplier)


def _epoch_means(random: Random, count: int, multiplier: float) -> Curves:
    """Means over an epoch beside a penalty taken at its end."""
    inner = 20
    _, data = _data_curve(random, count * inner)
    penalty = _penalty_curve(random, count * inner)
    mean = (data + multiplier * penalty).reshape(count, inner).mean(axis=1)
    data_mean = data.reshape(count, inner).mean(axis=1)
    return _curves(_float32(mean), data_mean, penalty[inner - 1 :: inner], multiplier)


def _all_smoothed(random: Random, count: int, multiplier: float) -> Curves:
    """Moving averages of all three, with one decay."""
    _, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    decay = random.uniform(0.5, 0.99)
    total = data + multiplier * penalty
    smooth = [_average(curve, decay) for curve in (total, data, penalty)]
    return _curves(_float32(smooth[0]), smooth[1], smooth[2], multiplier)


def _total_smoothed(random: Random, count: int, multiplier: float) -> Curves:
    """A moving average of the optimized loss beside raw values of the others."""
    _, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    total = _average(data + multiplier * penalty, random.uniform(0.5, 0.99))
    return _curves(_float32(total), data, penalty, multiplier)


def _other_batch(random: Random, count: int, multiplier: float) -> Curves:
    """The data loss was evaluated on another batch."""
    course, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    total = _batch(random, course) + multiplier * penalty
    return _curves(_float32(total), data, penalty, multiplier)


def _towers(random: Random, count: int, multiplier: float) -> Curves:
    """Several towers, of which one is logged, divided by their number or not."""
    number = int(random.choice([2, 4, 8]))
    course, _ = _data_curve(random, count)
    noise = 10 ** random.uniform(-2.0, -0.3)
    towers = [_batch(random, course, noise) for _ in range(number)]
    penalty = _penalty_curve(random, count)
    total = np.mean(towers, axis=0) + multiplier * penalty
    divided = towers[0] / (number if random.random() < 0.5 else 1)
    return _curves(_float32(total), divided, penalty, multiplier)


def _third_loss(random: Random, count: int, multiplier: float) -> Curves:
    """Another loss is optimized that nobody logged."""
    course, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    shape = random.integers(5)
    if shape == 0:
        third = _penalty_curve(random, count)
    elif shape == 1:
        third = _data_curve(random, count)[1]
    elif shape == 2:
        third = np.full(count, 10 ** random.uniform(-3.0, 0.0))
    elif shape == 3:
        third = _batch(random, course) * 10 ** random.uniform(-2.0, 0.5)
    else:
        # Nearly a multiple of the logged penalty; an exact multiple nothing could tell.
        power = 1 + random.choice([-1, 1]) * random.uniform(0.02, 0.25)
        third = penalty**power * 10 ** random.uniform(-1.0, 1.0)
    return _curves(_sum32(data, multiplier * penalty, third), data, penalty, multiplier)


def _left_out(random: Random, count: int, _multiplier: float) -> Curves:
    """One of two regularization losses is optimized: no constant is the truth."""
    _, data = _data_curve(random, count)
    one, other = _penalty_curve(random, count), _penalty_curve(random, count)
    curves = _curves(_sum32(data, one), data, _sum32(one, other), None)
    return dataclasses.replace(curves, share=one / (one + other))


def _off_steps(random: Random, count: int, multiplier: float) -> Curves:
    """A few steps are off, a few hold NaN or infinity."""
    curves = _one_step(random, count, multiplier)
    optimized = curves.optimized.copy()
    chosen = random.random(count) < 0.02
    optimized[chosen] *= random.uniform(0.1, 10.0, int(np.sum(chosen)))
    optimized[random.random(count) < 0.02] = random.choice([np.nan, np.inf, -np.inf])
    return dataclasses.replace(curves, optimized=optimized)


def _half_precision(random: Random, count: int, multiplier: float) -> Curves:
    """The optimized loss was logged in half precision."""
    curves = _one_step(random, count, multiplier)
    rounded = curves.optimized.astype(np.float16).astype(np.float64)
    return dataclasses.replace(curves, optimized=rounded)


def _resumed(random: Random, count: int, multiplier: float) -> Curves:
    """Resumed in the middle with other code; the newest multiplier is the truth."""
    _, data = _data_curve(random, count)
    penalty = _penalty_curve(random, count)
    before = float(random.choice(MULTIPLIERS))
    factor = np.where(np.arange(count) < count // 2, before, multiplier)
    truth = multiplier if count >= 10 or before == multiplier else None
    return _curves(_sum32(data, factor * penalty), data, penalty, truth)


KINDS: dict[str, Callable[[Random, int, float], Curves]] = {
    "one step": _one_step,
    "scaled loss": _scaled_loss,
    "tiny": _tiny,
    "epoch means": _epoch_means,
    "all smoothed": _all_smoothed,
    "total smoothed": _total_smoothed,
    "other batch": _other_batch,
    "towers": _towers,
    "third loss": _third_loss,
    "one left out": _left_out,
    "off steps": _off_steps,
    "half precision": _half_precision,
    "resumed": _resumed,
}


def _curves(optimized: Floats, data: Floats, penalty: Floats, multiplier: float | None) -> Curves:
    steps = np.arange(len(data), dtype=np.int64) * 10
    return Curves(steps, optimized, _float32(data), _float32(penalty), multiplier)


def facts_of(curves: Curves, *, declared: bool = True) -> RunFacts:
    """Returns the facts of a run that logged these curves."""
    tag = "regloss/{}" if declared else "other/{}"
    columns = {
        OPTIMIZED_LOSS: curves.optimized,
        DATA_LOSS: curves.data,
        REGULARIZATION_SUM: curves.regularization,
    }
    times = 1.6e9 + curves.steps.astype(np.float64)
    series = {
        role: Series(curves.steps, times, values, (tag.format(role),))
        for role, values in columns.items()
    }
    return RunFacts("train", "logs/train", series)


def simulate(count: int, seed: int = 20261121) -> Iterator[Outcome]:
    """Yields how `count` series were judged, all kinds and lengths in turn."""
    random = np.random.default_rng(seed)
    names = list(KINDS)
    for index in range(count):
        kind = names[index % len(names)]
        length = LENGTHS[(index // len(names)) % len(LENGTHS)]
        multiplier = float(random.choice(MULTIPLIERS))
        curves = KINDS[kind](random, length, multiplier)
        evidence = scalars.scalar_evidence(facts_of(curves))
        assert evidence is not None
        yield Outcome(kind, length, curves.multiplier, curves.share, evidence)


def table(outcomes: list[Outcome]) -> str:
    """Returns the table: per kind, series, wrong ones, and power by length."""
    by_kind: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        by_kind[outcome.kind].append(outcome)
    lines = ["| kind | series | wrong | " + " | ".join(f"power {n}" for n in LENGTHS) + " |"]
    lines.append("| --- |" + " --- |" * (len(LENGTHS) + 2))
    for kind, members in [*by_kind.items(), ("all", outcomes)]:
        powers = []
        for length in LENGTHS:
            chosen = [outcome.decided for outcome in members if outcome.length == length]
            powers.append(f"{100 * sum(chosen) / len(chosen):.0f}%" if chosen else "")
        wrong = sum(outcome.wrong for outcome in members)
        lines.append(f"| {kind} | {len(members)} | {wrong} | " + " | ".join(powers) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(list(simulate(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))))
