# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated runs of known truth: no wrong multiplier, and power where there is evidence.

`REGLOSS_FULL=1` runs all 10,000 series (about 10 s); without it 2,080 of them.
"""

from __future__ import annotations

import os

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from hypothesis.extra import numpy as numpy_strategies

from tb_regloss.analysis.facts import RunFacts, Series
from tb_regloss.analysis.scalars import scalars
from tb_regloss.analysis.verdict_types import Status
from tests.property import scalar_power

_FULL = 10_400
_PART = 2_080


@pytest.fixture(scope="module")
def outcomes() -> list[scalar_power.Outcome]:
    count = _FULL if os.environ.get("REGLOSS_FULL") else _PART
    return list(scalar_power.simulate(count))


def test_no_wrong_multiplier(outcomes: list[scalar_power.Outcome]) -> None:
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}: {wrong[:3]}"


def test_intervals_hold_the_truth(outcomes: list[scalar_power.Outcome]) -> None:
    stated = [o for o in outcomes if o.truth is not None and o.evidence.interval is not None]
    holding = [o for o in stated if o.evidence.interval[0] <= o.truth <= o.evidence.interval[1]]
    assert len(holding) >= 0.99 * len(stated) > 0


def test_power_where_all_losses_were_fetched_in_one_step(
    outcomes: list[scalar_power.Outcome],
) -> None:
    for truths in ((0.0,), (1.0,), (2.0, 3.0, 4.0, 8.0)):
        chosen = [o for o in outcomes if o.kind == "one step" and o.truth in truths]
        assert len(chosen) >= 10
        assert np.mean([o.decided for o in chosen]) >= 0.9


def test_no_power_where_there_is_no_evidence(outcomes: list[scalar_power.Outcome]) -> None:
    blind = {"total smoothed", "other batch", "towers", "third loss", "one left out"}
    chosen = [outcome.decided for outcome in outcomes if outcome.kind in blind]
    assert np.mean(chosen) <= 0.05


def test_a_wrong_answer_would_be_seen() -> None:
    outcomes = list(scalar_power.simulate(400))
    decided = next(o for o in outcomes if o.truth == 1.0 and o.decided)
    lying = scalar_power.Outcome(decided.kind, decided.length, 0.0, None, decided.evidence)
    assert lying.wrong
    assert not decided.wrong


@hypothesis.given(
    values=numpy_strategies.arrays(
        np.float64,
        strategies.tuples(strategies.just(3), strategies.integers(0, 30)),
        elements=strategies.floats(width=32),
    ),
    steps=numpy_strategies.arrays(np.int64, 30, elements=strategies.integers(-5, 20)),
)
@hypothesis.settings(max_examples=300)
def test_any_values_get_an_answer(values: np.ndarray, steps: np.ndarray) -> None:
    count = values.shape[1]
    times = np.arange(count, dtype=np.float64)
    series = {
        role: Series(steps[:count], times, row, (f"regloss/{role}",))
        for role, row in zip(
            ("optimized_loss", "data_loss", "regularization_sum"), values, strict=True
        )
    }
    evidence = scalars.scalar_evidence(RunFacts("run", "path", series))
    assert evidence is not None
    assert evidence.text
    if evidence.status is not Status.UNKNOWN:
        assert evidence.interval is not None
        assert np.all(np.isfinite(evidence.interval))
