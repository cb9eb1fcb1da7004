# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the logged values alone say: optimized = a * (data + m * regularization).

Values can show that a regularization loss is missing, and that it is in the
value of the optimized loss. They can never tell `included` from `blocked`: a
penalty behind a stop_gradient has the same value as one that trains.
Where the numbers carry no evidence (too few common steps, a regularization
below float32's resolution of the optimized loss, a third component that nobody
logged) the status is `unknown`, and the text says which of these it is.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    RunFacts,
    Series,
)
from tb_regloss.analysis.scalars import scalar_fit, scalar_jumps, scalar_reading, scalar_symptoms
from tb_regloss.analysis.scalars.scalar_jumps import Jump
from tb_regloss.analysis.scalars.scalar_samples import Regime, Samples
from tb_regloss.analysis.verdict_types import Finding, Severity, Status

OPTIMIZED_EQUALS_DATA = "optimized_equals_data"
# Our own tags; a literal, because this layer lies below `tb_regloss.metadata`.
_OWN_TAGS = "regloss/"
_FEWEST_FOR_NOISE = 30
_STILL = 1e-3  # A penalty that moves less shows the rounding of float32.
_BATCHES = (
    "What the tags call the regularization sum jumps from point to point, as the loss of a batch "
    "does and a penalty of weights does not. It may be a part of the data loss; say which tag is "
    "which."
)


@dataclasses.dataclass(frozen=True)
class ScalarEvidence:
    """What the logged values say of the regularization sum.

    Attributes:
      status: `included` (in the value), `missing`, `double_counted`, `scaled`
        or `unknown`.
      multiplier: the estimate of m; `None` where there is no evidence.
      interval: lower and upper end of its 99% interval, `None` likewise.
      steps: common steps of the three series that were used.
      text: one or two sentences for people.
      findings: what else the values show; they do not change the status.
      jumps: where the multiplier changed, oldest first; the status is that of
        the time since the newest.
      declared: the series are the ones that our summaries logged. Without it
        they were chosen by their tags, and a factor may be one between tag and
        loss.
      assured: that series is known to be what is optimized (declared, or see
        `RunFacts.optimized_assured`). Without it no multiplier but 1 gives a
        status: the tags may stand for parts of the losses.
      exact: the identity holds to float32 rounding; otherwise the interval
        is statistical.
    """

    status: Status
    multiplier: float | None = None
    interval: tuple[float, float] | None = None
    steps: int = 0
    text: str = ""
    findings: tuple[Finding, ...] = ()
    jumps: tuple[Jump, ...] = ()
    declared: bool = False
    assured: bool = False
    exact: bool = False


def scalar_evidence(facts: RunFacts) -> ScalarEvidence | None:
    """Returns what a run's logged values say, `None` where it logged no losses.

    Never raises for any values: empty series, NaN, infinities, series of one
    point, steps that repeat or go back.
    """
    roles = (OPTIMIZED_LOSS, DATA_LOSS, REGULARIZATION_SUM)
    series = [facts.series[role] for role in roles if role in facts.series]
    if not series and facts.loss_matrix is None:
        return None
    declared = bool(series) and all(
        tag.startswith(_OWN_TAGS) for one in series for tag in one.tags or ("",)
    )
    assured = declared or facts.optimized_assured
    with np.errstate(all="ignore"):
        symptoms = tuple(scalar_symptoms.symptoms(facts))
        evidence = _judge(facts, declared, assured)
    findings = evidence.findings + symptoms
    return dataclasses.replace(evidence, findings=findings, declared=declared, assured=assured)


def _judge(facts: RunFacts, declared: bool, assured: bool) -> ScalarEvidence:
    optimized, data = facts.series.get(OPTIMIZED_LOSS), facts.series.get(DATA_LOSS)
    regularization = facts.series.get(REGULARIZATION_SUM)
    if optimized is None or data is None or regularization is None:
        return _incomplete(facts)
    shared = set(optimized.tags) & set(data.tags)
    if shared:
        return _nothing(f'The tag "{min(shared)}" stands for the data loss and the optimized loss.')
    if set(regularization.tags) & (set(optimized.tags) | set(data.tags)):
        return _nothing("One tag stands for the regularization sum and another loss.")
    samples = join(optimized, data, regularization, _summands(facts))
    obstacle = _obstacle(samples)
    if obstacle is not None:
        return _nothing(obstacle, len(samples))
    jumps = scalar_jumps.find_jumps(samples)
    newest = samples.select(samples.steps >= jumps[-1].step) if jumps else samples
    found = scalar_fit.fit(newest)
    if found is None:
        return _nothing(_why_not(newest), len(newest))
    status, findings = scalar_reading.status_of(found, declared, assured)
    if status is Status.INCLUDED and not declared and _looks_like_batches(newest.regularization):
        return _nothing(_BATCHES, len(newest))
    if jumps:
        findings = (scalar_reading.changed(jumps), *findings)
    return ScalarEvidence(
        status=status,
        multiplier=found.multiplier,
        interval=(found.low, found.high),
        steps=len(newest),
        text=scalar_reading.sentence(found, status, len(newest), jumps),
        findings=findings,
        jumps=jumps,
        exact=found.regime in (Regime.EXACT, Regime.SCALED),
    )


def join(optimized: Series, data: Series, regularization: Series, summands: int = 1) -> Samples:
    """Returns the three series on their common steps, in units of the largest value.

    A step that occurs more than once counts with its last value: that is the
    one a restarted program went on from.

    Args:
      optimized: the optimized loss.
      data: the data loss.
      regularization: the regularization sum.
      summands: the number of regularization losses that the optimized loss may
        have been added up from, one by one.
    """
    unique = [_last_of_step(series) for series in (optimized, data, regularization)]
    steps = unique[0][0]
    for other, _ in unique[1:]:
        steps = np.intersect1d(steps, other, assume_unique=True)
    at = [kept[np.searchsorted(ours, steps)] for ours, kept in unique]
    columns = [
        np.asarray(series.values, dtype=np.float64)[index]
        for series, index in zip((optimized, data, regularization), at, strict=True)
    ]
    finite = np.isfinite(columns[0]) & np.isfinite(columns[1]) & np.isfinite(columns[2])
    # The multiplier does not depend on the unit, and squares stay finite.
    largest = max(float(np.max(np.abs(column[finite]), initial=0.0)) for column in columns)
    unit = largest if largest > 0 else 1.0
    terms = len(optimized.tags or "1") + len(data.tags or "1") + len(regularization.tags or "1")
    # Roundings of a long sum are of either sign: they grow with the root of their number.
    terms += int(2 * np.sqrt(max(0, summands - 1)))
    return Samples(
        steps[finite],
        np.asarray(optimized.wall_times, dtype=np.float64)[at[0]][finite],
        columns[0][finite] / unit,
        columns[1][finite] / unit,
        columns[2][finite] / unit,
        terms,
    )


# Private functions


def _summands(facts: RunFacts) -> int:
    declared = len(facts.declarations[-1].regularization_losses) if facts.declarations else 0
    matrix = facts.loss_matrix
    logged = matrix.values.shape[1] if matrix is not None and matrix.values.ndim == 2 else 0
    return max(declared, logged, 1)


def _last_of_step(
    series: Series,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Returns the distinct steps, ascending, and the index of each one's last value."""
    reverse = np.asarray(series.steps)[::-1]
    steps, first = np.unique(reverse, return_index=True)
    return steps, len(reverse) - 1 - first


def _looks_like_batches(values: npt.NDArray[np.float64]) -> bool:
    """Returns whether the values jump from point to point, as losses of batches do.

    Of independent noise, second differences have three times the energy of the
    first ones; of a random walk twice, give or take, of a smooth curve next to none.
    """
    if len(values) < _FEWEST_FOR_NOISE or np.min(values) <= 0:
        return False
    first = np.diff(np.log(values))
    energy = np.sum(np.diff(first) ** 2) / np.sum(first**2)
    return bool(np.std(first) > _STILL and energy > 2 + 4 / np.sqrt(len(values)))


def _obstacle(samples: Samples) -> str | None:
    count = len(samples)
    if count == 0:
        return "The losses share no step with finite values."
    if count == 1:
        return "The losses share a single step; one point is no evidence."
    columns = np.stack([samples.optimized, samples.data, samples.regularization])
    if np.all(columns == columns[:, :1]):
        return f"The losses are constant over {count:,} common steps; one point is no evidence."
    if not np.any(samples.regularization):
        return f"The regularization sum is 0 at all {count:,} common steps."
    return None


def _why_not(samples: Samples) -> str:
    count = len(samples)
    resolution = samples.rounding() / np.maximum(np.abs(samples.regularization), 1e-300)
    if float(np.median(resolution)) / np.sqrt(count) > 1e-3:
        return (
            f"No evidence in the values of {count:,} common steps: the regularization sum is too "
            "small against the rounding of the optimized loss in float32."
        )
    return (
        f"No evidence in the values of {count:,} common steps: the optimized loss is no sum of the "
        "logged data loss and a constant multiple of the logged regularization sum. Losses that "
        "were not logged, or values of different batches, look like this."
    )


def _nothing(text: str, steps: int = 0) -> ScalarEvidence:
    return ScalarEvidence(Status.UNKNOWN, steps=steps, text=text)


def _incomplete(facts: RunFacts) -> ScalarEvidence:
    names = {
        OPTIMIZED_LOSS: "optimized loss",
        DATA_LOSS: "data loss",
        REGULARIZATION_SUM: "regularization sum",
    }
    absent = [name for role, name in names.items() if role not in facts.series]
    listed = absent[0] if len(absent) == 1 else f"{', '.join(absent[:-1])} and {absent[-1]}"
    evidence = _nothing(f"No evidence in the values: the log has no {listed}.")
    optimized, data = facts.series.get(OPTIMIZED_LOSS), facts.series.get(DATA_LOSS)
    if optimized is None or data is None or set(optimized.tags) & set(data.tags):
        return evidence
    samples = join(optimized, data, data)
    if len(samples) < 3 or len(np.unique(samples.optimized)) < 2:
        return evidence
    equal = np.abs(samples.optimized - samples.data) <= samples.rounding(0.0)
    if not np.all(equal):
        return evidence
    text = (
        f"The optimized loss equals the data loss at all {len(samples):,} common steps: "
        "as logged, nothing is added to it."
    )
    finding = Finding(OPTIMIZED_EQUALS_DATA, Severity.OK, text)
    return dataclasses.replace(evidence, steps=len(samples), findings=(finding,))
