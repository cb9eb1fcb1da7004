# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the series show besides the multiplier."""

from __future__ import annotations

import numpy as np

from tb_regloss.analysis.facts import (
    DATA_LOSS,
    OPTIMIZED_LOSS,
    REGULARIZATION_SUM,
    Declaration,
    DeclaredLoss,
    LossMatrix,
    RunFacts,
    Series,
)
from tb_regloss.analysis.scalars import scalar_symptoms

_STEPS = np.arange(100, dtype=np.int64)
_TIMES = _STEPS.astype(np.float64)
_FALLING = 0.1 + 2.0 * np.exp(-_STEPS / 30)


def _facts(matrix: np.ndarray | None = None, **roles: np.ndarray) -> RunFacts:
    series = {role: Series(_STEPS, _TIMES, values, (role,)) for role, values in roles.items()}
    losses = tuple(DeclaredLoss(f"layer{i}/l2:0") for i in range(5))
    return RunFacts(
        "train",
        "logs",
        series,
        declarations=(Declaration(regularization_losses=losses),),
        loss_matrix=None if matrix is None else LossMatrix(_STEPS, _TIMES, matrix),
    )


def _codes(facts: RunFacts) -> list[str]:
    return [finding.code for finding in scalar_symptoms.symptoms(facts)]


def test_an_ordinary_run_shows_nothing() -> None:
    penalty = 0.3 + 0.1 * np.exp(-_STEPS / 50)
    roles = {DATA_LOSS: _FALLING, REGULARIZATION_SUM: penalty, OPTIMIZED_LOSS: _FALLING + penalty}
    matrix = np.stack([penalty * factor for factor in (0.1, 0.2, 0.3, 0.4)], axis=1)
    assert _codes(_facts(matrix, **roles)) == []


def test_identically_zero() -> None:
    facts = _facts(**{DATA_LOSS: _FALLING, REGULARIZATION_SUM: np.zeros(100)})
    assert _codes(facts) == [scalar_symptoms.ZERO]


def test_flat_while_data_moves() -> None:
    flat = np.full(100, 0.31)
    facts = _facts(**{DATA_LOSS: _FALLING, REGULARIZATION_SUM: flat})
    assert _codes(facts) == [scalar_symptoms.FLAT]
    # Nothing moves: no wonder.
    assert _codes(_facts(**{DATA_LOSS: flat, REGULARIZATION_SUM: flat})) == []


def test_growing_without_bound() -> None:
    growing = 0.1 + 0.05 * _STEPS
    facts = _facts(**{DATA_LOSS: _FALLING, REGULARIZATION_SUM: growing})
    assert _codes(facts) == [scalar_symptoms.GROWING]


def test_growth_that_found_its_balance_is_no_growth_without_bound() -> None:
    settled = 0.1 + 5.0 * (1 - np.exp(-_STEPS / 10))
    assert _codes(_facts(**{DATA_LOSS: _FALLING, REGULARIZATION_SUM: settled})) == []


def test_share_beyond_reason() -> None:
    penalty = 500.0 + np.sin(_STEPS)
    facts = _facts(**{DATA_LOSS: _FALLING, REGULARIZATION_SUM: penalty})
    assert _codes(facts) == [scalar_symptoms.SHARE]


def test_a_large_share_at_the_start_is_reasonable() -> None:
    penalty = 1e4 * np.exp(-_STEPS / 5)
    assert _codes(_facts(**{DATA_LOSS: _FALLING, REGULARIZATION_SUM: penalty})) == []


def test_lost_in_rounding() -> None:
    penalty = 1e-9 * (1 + 0.1 * np.sin(_STEPS))
    roles = {DATA_LOSS: _FALLING, REGULARIZATION_SUM: penalty, OPTIMIZED_LOSS: _FALLING}
    assert _codes(_facts(**roles)) == [scalar_symptoms.LOST_IN_ROUNDING]


def test_optimized_loss_below_the_regularization_sum() -> None:
    penalty = 0.5 + 0.1 * np.exp(-_STEPS / 50)
    facts = _facts(**{REGULARIZATION_SUM: penalty, OPTIMIZED_LOSS: _FALLING})
    assert _codes(facts) == [scalar_symptoms.BELOW]


def test_first_value_that_is_no_number_is_named() -> None:
    data = _FALLING.copy()
    data[40:] = np.nan
    optimized = data.copy()
    optimized[30] = np.inf
    facts = _facts(**{DATA_LOSS: data, OPTIMIZED_LOSS: optimized})
    (finding,) = scalar_symptoms.symptoms(facts)
    assert finding.code == scalar_symptoms.NOT_FINITE
    assert "The optimized loss is infinity at step 30" in finding.text


def test_losses_that_are_exactly_equal_are_named() -> None:
    matrix = np.stack([_FALLING * factor for factor in (1, 2, 2, 3, 2)], axis=1)
    (finding,) = scalar_symptoms.symptoms(_facts(matrix))
    assert finding.code == scalar_symptoms.EQUAL
    assert "3 of 5" in finding.text
    assert "layer1/l2:0, layer2/l2:0, layer4/l2:0" in finding.text


def test_equal_constants_are_no_late_binding() -> None:
    matrix = np.ones((100, 4))
    assert _codes(_facts(matrix)) == []


def test_odd_matrices() -> None:
    for matrix in (
        np.empty((0, 3)),
        np.empty((100, 0)),
        np.full((100, 3), np.nan),
        np.ones((1, 3)),
    ):
        assert _codes(_facts(matrix)) == []
