# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What the numeric table leaves open, and sizes that come apart again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.op_functions import FUNCTIONS
from tb_regloss.analysis.ops.sampled import Sampled
from tests.helpers.op_numbers import Array, Case, check, dense, is_unknown, parameter, run


@pytest.mark.parametrize("op", ["Pad", "PadV2", "MirrorPad"])
def test_padding_is_not_evaluated(op: str) -> None:
    assert is_unknown(run(Case(op, [], lambda: None), [dense(np.ones(3)), parameter([[1, 1]])]))


@pytest.mark.parametrize("op", ["FloorDiv", "TruncateDiv"])
def test_a_fed_size_that_is_divided_is_not_floored_to_nothing(op: str) -> None:
    # It is a symbol, no whole number.
    size = sampled.random_numbers(3)
    for by, expected in ((parameter(1), size), (sampled.filled(size, ()), np.ones(1))):
        found = run(Case(op, [], lambda: None), [sampled.filled(size, ()), by])
        assert np.allclose(found.array, expected)
    thrice = run(
        Case(op, [], lambda: None), [sampled.filled(3 * size, ()), sampled.filled(size, ())]
    )
    assert np.allclose(thrice.array, 3)


def test_division_by_zero_without_nan_is_zero() -> None:
    found = run(Case("DivNoNan", [], lambda: None), [dense(np.ones(2)), dense(np.array([0.0, 4]))])
    assert found.array[0].tolist() == [0, 0.25]


def test_what_was_stacked_comes_apart_again() -> None:
    parts = [sampled.filled(np.full(1, k + 1.0 + 0j), (2, 3)) for k in range(3)]
    packed = FUNCTIONS["Pack"](parts, lambda name: 0, 0)
    for port, part in enumerate(parts):
        assert FUNCTIONS["Unpack"]([packed], lambda name: 0, port) is part


def attrs_of(op: str, **attrs: Any) -> Callable[[str], Any]:
    return lambda name: op if name == "op" else attrs.get(name)


def concatenated(*sizes: int) -> tuple[Sampled, Array]:
    """Returns a concatenation of different values, as a value and spelled out."""
    parts = [sampled.filled(np.full(1, k + 1.0 + 0j), (n, 4)) for k, n in enumerate(sizes)]
    whole = FUNCTIONS["ConcatV2"]([*parts, parameter(0)], attrs_of("ConcatV2"), 0)
    return whole, np.concatenate([np.full((n, 4), k + 1.0) for k, n in enumerate(sizes)])


@pytest.mark.parametrize(("sizes", "axis"), [((3, 3), 0), ((3, 3), 1), ((1, 3), 0)])
def test_a_concatenation_that_is_split_again(sizes: tuple[int, ...], axis: int) -> None:
    whole, array = concatenated(*sizes)
    for port in range(2):
        found = FUNCTIONS["Split"]([parameter(axis), whole], attrs_of("Split", num_split=2), port)
        check(
            sampled.collapse(found),
            np.split(array, 2, axis)[port],
            must=sizes == (3, 3) and not axis,
        )


@pytest.mark.parametrize("cuts", [(1, 3), (2, 2), (3, 1)])
def test_a_concatenation_that_is_split_by_sizes(cuts: tuple[int, int]) -> None:
    whole, array = concatenated(1, 3)
    for port in range(2):
        found = FUNCTIONS["SplitV"](
            [whole, parameter(cuts), parameter(0)], attrs_of("SplitV", num_split=2), port
        )
        expected = np.split(array, [cuts[0]])[port]
        check(sampled.collapse(found), expected, must=cuts == (1, 3))


def test_a_stack_that_is_flattened_keeps_its_elements() -> None:
    parts = [sampled.filled(np.full(1, k + 1.0 + 0j), (3,)) for k in range(2)]
    packed = FUNCTIONS["Pack"](parts, attrs_of("Pack"), 0)
    found = FUNCTIONS["Reshape"]([packed, parameter([-1])], attrs_of("Reshape"), 0)
    check(sampled.collapse(found), np.repeat([1.0, 2.0], 3), must=False)


def test_rows_chosen_by_a_vector_are_not_taken_for_columns() -> None:
    yes, no = np.arange(9.0).reshape(3, 3), -np.ones((3, 3))
    found = FUNCTIONS["Select"](
        [parameter([1, 0, 0]), dense(yes), dense(no)], attrs_of("Select"), 0
    )
    expected = np.where(np.array([[1], [0], [0]]), yes, no)
    check(sampled.collapse(found), expected, must=False)


def test_a_range_of_fractions_is_not_rounded() -> None:
    inputs = [parameter(0.0), parameter(3.0), parameter(1.5)]
    check(
        sampled.collapse(FUNCTIONS["Range"](inputs, attrs_of("Range"), 0)), [0.0, 1.5], must=False
    )


@pytest.mark.parametrize("op", ["MatrixDiagV3", "MatrixDiagV2"])
def test_a_diagonal_beside_the_main_one_is_not_taken_for_it(op: str) -> None:
    found = FUNCTIONS[op]([dense(np.arange(1.0, 4.0)), parameter(1)], attrs_of(op), 0)
    check(sampled.collapse(found), np.diag(np.arange(1.0, 4.0), 1), must=False)


@pytest.mark.parametrize("op", ["Reshape", "Tile", "BroadcastTo", "Transpose", "Sum", "Gather"])
def test_a_huge_list_of_equal_integers_is_not_spelled_out(op: str) -> None:
    huge = sampled.filled(np.full(1, 2, np.complex128), (1 << 40,))
    found = FUNCTIONS[op]([dense(np.ones((2, 3))), huge], attrs_of(op), 0)
    assert found.array.size < 10
