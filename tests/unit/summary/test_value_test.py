# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the values of one step tell of penalties that have no gradient path."""

from __future__ import annotations

import math

import pytest

from tb_regloss.summary import _value_test


@pytest.mark.parametrize(
    ("data", "penalties", "optimized", "multipliers", "settled"),
    [
        (1.0, [0.5], 1.0, [None], ([0.0], False)),
        (1.0, [0.5], 1.5, [None], ([None], True)),
        (1.0, [0.5], 1.25, [None], ([None], False)),
        (1.0, [0.5, 0.25], 1.25, [None, 1.0], ([0.0, 1.0], False)),
        (1.0, [0.5, 0.25], 1.75, [None, 1.0], ([None, 1.0], True)),
        (1.0, [0.5, 0.25], 1.25, [None, None], ([None, None], False)),
        (1.0, [1e-6], 1.0, [None], ([None], False)),
        (1.0, [math.nan], math.nan, [None], ([None], False)),
        (1.0, [math.inf], 1.0, [None], ([None], False)),
        (1.0, [], 1.0, [], ([], False)),
    ],
)
def test_settle(data, penalties, optimized, multipliers, settled):
    assert _value_test.settle(data, penalties, optimized, multipliers) == settled
