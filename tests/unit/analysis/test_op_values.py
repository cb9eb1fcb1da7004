# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Each op of the numeric table against NumPy: dense, filled, and its derivative.

What an op cannot evaluate is NaN; a number that is there has to be right. Those of
`op_picks.py` are compared with TensorFlow in `test_op_picks.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tb_regloss.analysis.ops import op_picks, sampled
from tb_regloss.analysis.ops.op_functions import FUNCTIONS
from tb_regloss.analysis.ops.sampled import Sampled
from tests.helpers.op_cases import CASES
from tests.helpers.op_numbers import (
    Array,
    Case,
    V,
    check,
    dense,
    inputs_of,
    is_unknown,
    level,
    numbers,
    parameter,
    run,
    spread,
)

_STEP = 1e-30


# Always NaN (see below).
_WITHOUT_CASE = {"Pad", "PadV2", "MirrorPad"}


def test_every_op_has_a_case() -> None:
    picking = {op for op, function in FUNCTIONS.items() if function.__module__ == op_picks.__name__}
    assert {case.op for case in CASES} | _WITHOUT_CASE | picking == set(FUNCTIONS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_dense(case: Case) -> None:
    found = run(case, inputs_of(case, lambda v, place: dense(spread(v, place))))
    check(found, case.expected(*numbers(case, spread)), case.dense)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_filled(case: Case) -> None:
    def filled(value: V, place: int) -> Sampled:
        return sampled.filled(np.full(1, 0.7 + 0.2 * place, np.complex128), value.shape)

    check(run(case, inputs_of(case, filled)), case.expected(*numbers(case, level)), case.filled)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_filled_and_spelled_out_agree(case: Case) -> None:
    found = run(case, inputs_of(case, lambda v, place: dense(level(v, place))))
    check(found, case.expected(*numbers(case, level)), case.dense)


@pytest.mark.parametrize(
    "case", [c for c in CASES if any(isinstance(i, V) for i in c.inputs)], ids=str
)
def test_the_second_channel_is_the_derivative(case: Case) -> None:
    arrays = numbers(case, spread)
    places = [p for p, each in enumerate(case.inputs) if isinstance(each, V)]
    for place in places:
        direction = np.random.default_rng(place).uniform(0.5, 1.5, arrays[place].shape)

        def moved(amount: float, at: int = place, along: Any = direction) -> Array:
            shifted = [a + amount * along if p == at else a for p, a in enumerate(arrays)]
            return np.asarray(case.expected(*shifted), float)

        expected = (moved(1e-6) - moved(-1e-6)) / 2e-6
        stepped = [
            dense(a + (1j * _STEP * direction if p == place else 0))
            if p in places
            else parameter(a)
            for p, a in enumerate(arrays)
        ]
        found = run(case, stepped)
        if not is_unknown(found):
            assert np.allclose(found.array[0].imag / _STEP, expected, rtol=1e-5, atol=1e-7), place


def _ignores(case: Case, place: int) -> bool:
    """Whether an op's result does not depend on the elements of an input, only on its shape."""
    return case.op in ("ZerosLike", "OnesLike", "Shape", "ShapeN", "VariableShape", "Size", "Rank")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_cannot_be_evaluated_spreads(case: Case) -> None:
    for hidden in (p for p, each in enumerate(case.inputs) if isinstance(each, V)):
        unknown = sampled.filled(sampled.NOTHING.array, case.inputs[hidden].shape)
        inputs = inputs_of(case, lambda v, p: dense(spread(v, p)))
        inputs[hidden] = unknown
        found = run(case, inputs)
        # Parts of these results come from other inputs alone.
        elsewhere = case.op.startswith("MatrixSetDiag")
        elsewhere |= case.op in ("Pack", "ConcatV2", "Concat", "Select", "SelectV2")
        if not elsewhere and not _ignores(case, hidden):
            assert np.isnan(found.array).all(), hidden
        elif not _ignores(case, hidden):
            assert is_unknown(found), hidden
