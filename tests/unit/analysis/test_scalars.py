# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the values of one run say, case by case."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    LossMatrix,
    RunFacts,
    Series,
)
from tb_regloss.analysis.scalars import scalar_reading, scalars
from tb_regloss.analysis.scalars.scalars import ScalarEvidence, scalar_evidence
from tb_regloss.analysis.verdict_types import Status

_RANDOM = np.random.default_rng(1)
_STEPS = np.arange(0, 1000, 10)
_DATA = (0.2 + 2.0 * np.exp(-_STEPS / 300) * _RANDOM.uniform(0.8, 1.2, 100)).astype(np.float32)
_PENALTY = (0.05 + 0.4 * np.exp(-_STEPS / 200)).astype(np.float32)


def _series(
    role: str, values: Sequence[float] | np.ndarray, steps: Sequence[int] | np.ndarray, tag: str
) -> Series:
    steps = np.asarray(steps, dtype=np.int64)
    times = 1.5e9 + steps.astype(np.float64)
    return Series(steps, times, np.asarray(values, dtype=np.float64), (tag.format(role),))


def _facts(
    optimized: Sequence[float] | np.ndarray,
    data: Sequence[float] | np.ndarray = _DATA,
    penalty: Sequence[float] | np.ndarray = _PENALTY,
    steps: Sequence[int] | np.ndarray = _STEPS,
    tag: str = "regloss/{}",
) -> RunFacts:
    columns = {OPTIMIZED_LOSS: optimized, DATA_LOSS: data, REGULARIZATION_SUM: penalty}
    return RunFacts("train", "logs", {r: _series(r, v, steps, tag) for r, v in columns.items()})


def _evidence(*args: object, **more: object) -> ScalarEvidence:
    evidence = scalar_evidence(_facts(*args, **more))
    assert evidence is not None
    return evidence


@pytest.mark.parametrize(
    ("multiplier", "status"),
    [
        (0.0, Status.MISSING),
        (1.0, Status.INCLUDED),
        (2.0, Status.DOUBLE_COUNTED),
        (8.0, Status.DOUBLE_COUNTED),
        (0.5, Status.SCALED),
        (0.125, Status.SCALED),
        (-1.0, Status.SCALED),
        (0.01, Status.SCALED),
    ],
)
def test_multiplier_of_losses_fetched_in_one_step(multiplier: float, status: Status) -> None:
    optimized = _DATA + np.float32(multiplier) * _PENALTY
    evidence = _evidence(optimized)
    assert evidence.status is status
    assert evidence.multiplier == pytest.approx(multiplier, abs=1e-3)
    assert evidence.interval is not None
    assert evidence.interval[0] <= multiplier <= evidence.interval[1]
    assert evidence.steps == 100
    assert evidence.exact
    assert evidence.declared


@pytest.mark.parametrize("scale", [128.0, 0.25, 0.125])
@pytest.mark.parametrize(
    ("multiplier", "status"), [(0.0, Status.MISSING), (1.0, Status.INCLUDED), (0.25, Status.SCALED)]
)
def test_factors_common_to_the_whole_loss_do_not_count(
    scale: float, multiplier: float, status: Status
) -> None:
    optimized = np.float32(scale) * (_DATA + np.float32(multiplier) * _PENALTY)
    evidence = _evidence(optimized)
    assert evidence.status is status
    assert evidence.multiplier == pytest.approx(multiplier, abs=2e-3)


@pytest.mark.parametrize("count", [36, 2000])
def test_a_loss_that_was_added_up_from_many_penalties(count: int) -> None:
    shares = _RANDOM.uniform(0.2, 1.0, count).astype(np.float32)
    penalties = (_PENALTY[:, None] * shares / shares.sum()).astype(np.float32)
    optimized, total = _DATA.copy(), np.zeros(100, dtype=np.float32)
    for column in range(count):
        optimized += penalties[:, column]
        total += penalties[:, column]
    matrix = LossMatrix(_STEPS, _STEPS.astype(np.float64), penalties.astype(np.float64))
    facts = dataclasses.replace(_facts(optimized, _DATA, total), loss_matrix=matrix)
    evidence = scalar_evidence(facts)
    assert evidence is not None
    assert evidence.status is Status.INCLUDED
    assert evidence.exact
    if count > 100:
        return
    # One of them left out is seen, where it is no smaller than the rounding of so many.
    facts = dataclasses.replace(
        _facts(optimized - penalties[:, 7], _DATA, total), loss_matrix=matrix
    )
    evidence = scalar_evidence(facts)
    assert evidence is not None
    assert evidence.status is not Status.INCLUDED or not evidence.exact


@pytest.mark.parametrize("factor", [128.0, 1 / 32])
def test_a_mean_logged_for_a_sum_is_no_scaled_regularization(factor: float) -> None:
    evidence = _evidence(np.float32(factor) * _DATA + _PENALTY)
    assert evidence.status is Status.UNKNOWN
    assert evidence.multiplier == pytest.approx(1 / factor, rel=1e-3)
    assert [f.code for f in evidence.findings] == [scalar_reading.LOGGED_UNSCALED]
    assert "a mean for a sum" in evidence.findings[0].text


def test_moving_averages_of_one_decay_keep_the_sum() -> None:
    smoothed = []
    for curve in (_DATA + _PENALTY, _DATA, _PENALTY):
        state, values = float(curve[0]), []
        for value in curve:
            state = 0.9 * state + 0.1 * float(value)
            values.append(state)
        smoothed.append(np.array(values, dtype=np.float32))
    assert _evidence(*smoothed).status is Status.INCLUDED


def test_a_distance_of_predictions_whose_tag_reads_like_a_penalty_decides_nothing() -> None:
    distance = (_PENALTY * _RANDOM.uniform(0.8, 1.2, len(_PENALTY))).astype(np.float32)
    evidence = _evidence(_DATA + distance, _DATA, distance, tag="my/{}")
    assert evidence.status is Status.UNKNOWN
    assert "as the loss of a batch" in evidence.text
    # Our own summaries know what is regularization: activity regularizers depend on data.
    assert _evidence(_DATA + distance, _DATA, distance).status is Status.INCLUDED


@pytest.mark.parametrize("wobble", [0.0, 1e-7, 1e-4, 0.01])
def test_a_penalty_that_walks_is_no_loss_of_batches(wobble: float) -> None:
    steps = _RANDOM.standard_normal(len(_PENALTY))
    walk = (_PENALTY * np.exp(wobble * np.cumsum(steps))).astype(np.float32)
    assert _evidence(_DATA + walk, _DATA, walk, tag="my/{}").status is Status.INCLUDED


def test_one_of_a_hundred_towers_decides_nothing() -> None:
    towers = _DATA * _RANDOM.uniform(0.7, 1.3, (100, len(_DATA))).astype(np.float32)
    for logged in (towers[0], towers[0] / 100):
        assert _evidence(towers.mean(axis=0) + _PENALTY, logged).status is Status.UNKNOWN


def test_text_tells_numbers_and_what_values_cannot_tell() -> None:
    assert _evidence(_DATA + _PENALTY).text == (
        "optimized = 1.000 x data + 1.000 x regularization (99%: +-0.001 or less, 100 steps). "
        "The regularization is in the value of the optimized loss; whether its gradient is, "
        "values cannot tell."
    )
    assert _evidence(_DATA).text == (
        "optimized = 1.000 x data + 0.000 x regularization (99%: +-0.001 or less, 100 steps)."
    )


def test_two_points_that_agree_to_rounding_are_enough_for_an_integer() -> None:
    few = slice(0, 2)
    steps = _STEPS[few]
    both = _evidence(_DATA[few] + _PENALTY[few], _DATA[few], _PENALTY[few], steps)
    assert both.status is Status.INCLUDED
    half = _DATA[few] + np.float32(0.5) * _PENALTY[few]
    assert _evidence(half, _DATA[few], _PENALTY[few], steps).status is Status.UNKNOWN


def test_one_point_is_no_evidence() -> None:
    evidence = _evidence([3.0], [2.0], [1.0], [5])
    assert evidence.status is Status.UNKNOWN
    assert evidence.multiplier is None
    assert "single step" in evidence.text


def test_constant_series_are_one_point() -> None:
    evidence = _evidence([3.0] * 20, [2.0] * 20, [1.0] * 20, range(20))
    assert evidence.status is Status.UNKNOWN
    assert "constant" in evidence.text


def test_thousands_of_points_at_step_zero_are_one_point() -> None:
    count = 11_000
    data = np.linspace(2, 1, count)
    evidence = _evidence(data, data, np.full(count, 0.5), np.zeros(count))
    assert evidence.status is Status.UNKNOWN
    assert evidence.steps == 1


def test_series_at_different_steps_are_joined_by_step() -> None:
    facts = _facts(_DATA + _PENALTY)
    series = dict(facts.series)
    series[REGULARIZATION_SUM] = _series(
        REGULARIZATION_SUM, _PENALTY[::3], _STEPS[::3], "regloss/{}"
    )
    evidence = scalar_evidence(dataclasses.replace(facts, series=series))
    assert evidence is not None
    assert evidence.status is Status.INCLUDED
    assert evidence.steps == 34
    series[REGULARIZATION_SUM] = _series(REGULARIZATION_SUM, _PENALTY, _STEPS + 1, "regloss/{}")
    evidence = scalar_evidence(dataclasses.replace(facts, series=series))
    assert evidence is not None
    assert evidence.status is Status.UNKNOWN
    assert "share no step" in evidence.text


def test_steps_that_go_back_count_with_their_last_value() -> None:
    # Steps 0..59 were written by a run that was lost, 30..99 by the one that went on.
    order = np.concatenate([np.arange(60), np.arange(30, 100)])
    optimized = (_DATA + _PENALTY)[order]
    optimized[30:60] = 7.0
    evidence = _evidence(optimized, _DATA[order], _PENALTY[order], _STEPS[order])
    assert evidence.status is Status.INCLUDED
    assert evidence.steps == 100


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-320])
def test_values_that_are_no_numbers_are_left_out(odd: float) -> None:
    optimized = (_DATA + _PENALTY).astype(np.float64)
    optimized[[3, 50, 99]] = odd
    evidence = _evidence(optimized)
    # A huge number is a number: it only counts as a step that is off.
    assert evidence.status in (Status.INCLUDED, Status.UNKNOWN)
    assert evidence.steps == (100 if np.isfinite(odd) else 97)
    if not np.isfinite(odd):
        assert evidence.status is Status.INCLUDED


def test_nothing_but_nan() -> None:
    nothing = np.full(100, np.nan)
    assert _evidence(nothing, nothing, nothing).status is Status.UNKNOWN


def test_empty_series() -> None:
    assert _evidence([], [], [], []).status is Status.UNKNOWN


def test_no_series_is_no_evidence_at_all() -> None:
    assert scalar_evidence(RunFacts("train", "logs")) is None


def test_regularization_that_is_zero_decides_nothing() -> None:
    evidence = _evidence(_DATA, _DATA, np.zeros(100))
    assert evidence.status is Status.UNKNOWN
    assert "is 0 at all" in evidence.text


@pytest.mark.parametrize("multiplier", [0.0, 1.0, 2.0])
def test_regularization_below_float32_rounding_decides_nothing(multiplier: float) -> None:
    data = (1e6 * _DATA).astype(np.float32)
    penalty = (1e-3 * _PENALTY).astype(np.float32)
    optimized = (data + np.float32(multiplier) * penalty).astype(np.float32)
    evidence = _evidence(optimized, data, penalty)
    assert evidence.status is Status.UNKNOWN
    assert "float32" in evidence.text


def test_a_loss_that_nobody_logged_decides_nothing() -> None:
    third = (0.3 * np.exp(-_STEPS / 500)).astype(np.float32)
    evidence = _evidence(_DATA + _PENALTY + third)
    assert evidence.status is Status.UNKNOWN
    assert "not logged" in evidence.text


def test_a_constant_that_nobody_logged_is_not_taken_for_a_factor() -> None:
    flat = np.full(100, 0.25, dtype=np.float32)
    evidence = _evidence(_DATA + np.float32(0.1), _DATA, flat)
    assert evidence.status is Status.UNKNOWN


def test_another_batch_decides_nothing() -> None:
    other = _DATA * _RANDOM.uniform(0.9, 1.1, 100).astype(np.float32)
    assert _evidence(other + _PENALTY).status is Status.UNKNOWN


def test_epoch_means_beside_epoch_ends_give_a_wider_interval() -> None:
    fine = np.arange(2000)
    penalty = 0.1 + 0.8 * np.exp(-fine / 700)
    data = 0.3 + np.exp(-fine / 400) * _RANDOM.uniform(0.8, 1.2, 2000)
    means = (data + penalty).reshape(50, 40).mean(axis=1)
    evidence = _evidence(means, data.reshape(50, 40).mean(axis=1), penalty[39::40], np.arange(50))
    assert evidence.status is Status.INCLUDED
    assert not evidence.exact
    assert evidence.interval is not None
    assert 0.01 < evidence.interval[1] - evidence.interval[0] < 0.1


def test_a_penalty_that_was_left_out_is_not_taken_for_a_lag() -> None:
    left_out = (0.03 + 0.01 * np.exp(-_STEPS / 900)).astype(np.float32)
    evidence = _evidence(_DATA + _PENALTY, _DATA, _PENALTY + left_out)
    assert evidence.status is Status.UNKNOWN


def test_one_tag_in_two_roles_proves_nothing() -> None:
    facts = _facts(_DATA)
    same = dataclasses.replace(facts.series[DATA_LOSS], tags=("loss",))
    series = {**facts.series, OPTIMIZED_LOSS: same, DATA_LOSS: same}
    evidence = scalar_evidence(dataclasses.replace(facts, series=series))
    assert evidence is not None
    assert evidence.status is Status.UNKNOWN
    assert '"loss"' in evidence.text


def test_a_resume_with_other_code_is_a_dated_jump() -> None:
    factor = np.where(np.arange(100) < 60, 1, 0).astype(np.float32)
    evidence = _evidence(_DATA + factor * _PENALTY)
    assert evidence.status is Status.MISSING
    assert [(jump.step, jump.before, jump.after) for jump in evidence.jumps] == [(600, 1.0, 0.0)]
    finding = evidence.findings[0]
    assert finding.code == scalar_reading.MULTIPLIER_CHANGED
    assert "from 1 to 0 at step 600 (2017-07-14 02:50 UTC)" in finding.text
    assert evidence.steps == 40


def test_a_late_resume_is_not_lost_among_the_exceptions() -> None:
    factor = np.where(np.arange(100) < 97, 1, 0).astype(np.float32)
    evidence = _evidence(_DATA + factor * _PENALTY)
    assert [jump.step for jump in evidence.jumps] == [970]


class TestWithoutDeclaration:
    """Roles by tags: a factor may be one between the tag and the loss."""

    @pytest.mark.parametrize("multiplier", [0.01, 0.5, 2.0, 10.0])
    def test_a_factor_is_asked_about(self, multiplier: float) -> None:
        optimized = _DATA + np.float32(multiplier) * _PENALTY
        evidence = _evidence(optimized, tag="train/{}")
        assert evidence.status is Status.UNKNOWN
        assert evidence.multiplier == pytest.approx(multiplier, rel=1e-3)
        assert [f.code for f in evidence.findings] == [scalar_reading.LOGGED_UNSCALED]

    def test_a_total_without_its_penalty_may_not_be_what_is_optimized(self) -> None:
        evidence = _evidence(_DATA, tag="train/{}")
        assert evidence.status is Status.UNKNOWN
        assert evidence.multiplier == 0.0
        assert [f.code for f in evidence.findings] == [scalar_reading.LOGGED_WITHOUT]

    def test_it_is_missing_where_the_framework_optimizes_what_it_logs(self) -> None:
        facts = dataclasses.replace(_facts(_DATA, tag="train/{}"), optimized_assured=True)
        evidence = scalar_evidence(facts)
        assert evidence is not None
        assert evidence.status is Status.MISSING

    def test_a_sum_that_fits_is_in_the_value(self) -> None:
        assert _evidence(_DATA + _PENALTY, tag="train/{}").status is Status.INCLUDED

    def test_a_total_that_equals_the_data_loss_is_said(self) -> None:
        facts = _facts(_DATA, tag="train/{}")
        series = {r: s for r, s in facts.series.items() if r != REGULARIZATION_SUM}
        evidence = scalar_evidence(dataclasses.replace(facts, series=series))
        assert evidence is not None
        assert evidence.status is Status.UNKNOWN
        assert evidence.text == "No evidence in the values: the log has no regularization sum."
        assert [f.code for f in evidence.findings] == [scalars.OPTIMIZED_EQUALS_DATA]
