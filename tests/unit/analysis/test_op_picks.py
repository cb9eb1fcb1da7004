# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Ops that pick elements, or put them into a larger tensor, against TensorFlow itself.

What cannot be evaluated is NaN; a number that is there has to be right, at every
draw and in both channels.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tb_regloss.analysis.ops import op_picks, sampled
from tb_regloss.analysis.ops.op_functions import FUNCTIONS
from tb_regloss.analysis.ops.sampled import Sampled

pytestmark = pytest.mark.tf
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    tf = pytest.importorskip("tensorflow")

Array = np.ndarray[Any, Any]
_DRAWS = 3
_STEP = 1e-30
_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
# What the evaluator takes for "not evaluated", since graphs may be odd.
_ODD = (ValueError, IndexError, OverflowError, TypeError, ZeroDivisionError)


@dataclasses.dataclass(frozen=True)
class V:
    """A value: random, another at each draw."""

    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Case:
    """An op on inputs.

    Attributes:
      op: its type.
      inputs: values (`V`), or parameters.
      attrs: attributes.
    """

    op: str
    inputs: Sequence[Any]
    attrs: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        shapes = (str(i.shape) if isinstance(i, V) else str(i) for i in self.inputs)
        return f"{self.op} {' '.join(shapes)} {self.attrs or ''}"


def of_tensorflow(case: Case, inputs: Sequence[Array]) -> Array:
    raw, attrs = getattr(tf.raw_ops, case.op), case.attrs
    if case.op == "Einsum":
        return np.asarray(raw(inputs=inputs, equation=attrs["equation"].decode()))
    names = {
        "StridedSlice": ("input", "begin", "end", "strides"),
        "StridedSliceGrad": ("shape", "begin", "end", "strides", "dy"),
        "UnsortedSegmentSum": ("data", "segment_ids", "num_segments"),
        "SegmentSum": ("data", "segment_ids"),
        "ScatterNd": ("indices", "updates", "shape"),
        "GatherNd": ("params", "indices"),
        "Where": ("condition",),
        "Cumsum": ("x", "axis"),
    }[case.op]
    if case.op.startswith("Strided"):
        attrs = {name: attrs.get(name, 0) for name in _MASKS}
    if case.op == "Where":
        inputs = [inputs[0] != 0]
    return np.asarray(raw(**dict(zip(names, inputs, strict=True)), **attrs))


def run(case: Case, inputs: Sequence[Sampled]) -> Sampled:
    def attr(name: str) -> Any:
        return case.op if name == "op" else case.attrs.get(name)

    with np.errstate(all="ignore"):
        return sampled.collapse(FUNCTIONS[case.op](list(inputs), attr, 0))


def parameter(value: Any) -> Sampled:
    array = np.asarray(value)
    return sampled.from_constant(array, array.shape)


def drawn(case: Case, is_filled: bool) -> list[Any]:
    """Returns the inputs; of values an array of `[_DRAWS, *shape]`."""
    random = np.random.default_rng(5)
    found: list[Any] = []
    for each in case.inputs:
        if isinstance(each, V) and is_filled:
            ones = np.ones((_DRAWS, *each.shape))
            column = random.normal(size=_DRAWS)
            found.append(ones * column.reshape((_DRAWS,) + (1,) * len(each.shape)))
        elif isinstance(each, V):
            found.append(random.normal(size=(_DRAWS, *each.shape)))
        else:
            found.append(np.asarray(each))
    return found


def sampled_inputs(case: Case, arrays: list[Any], is_filled: bool) -> list[Sampled]:
    found = []
    for each, array in zip(case.inputs, arrays, strict=True):
        if not isinstance(each, V):
            found.append(parameter(each))
        elif is_filled:
            column = array.reshape(_DRAWS, -1)[:, 0] if array.size else np.ones(_DRAWS)
            found.append(sampled.filled(column.astype(np.complex128), each.shape))
        else:
            found.append(Sampled(each.shape, array.astype(np.complex128)))
    return found


def at_draw(case: Case, arrays: list[Any], draw: int) -> list[Array]:
    return [
        array[draw] if isinstance(each, V) else array
        for each, array in zip(case.inputs, arrays, strict=True)
    ]


def element(found: Sampled, draw: int, shape: tuple[int, ...]) -> Array:
    array = found.array[draw if len(found.array) > 1 else 0]
    return np.broadcast_to(array, shape) if found.is_filled else np.asarray(array)


def check(case: Case, found: Sampled, expected: Sequence[Array], channel: str = "real") -> None:
    """Compares a result with what TensorFlow says at each draw."""
    assert not np.isnan(found.array).any(), "not evaluated"
    for draw, right in enumerate(expected):
        assert found.shape == right.shape
        own = getattr(element(found, draw, right.shape), channel)
        own = own / _STEP if channel == "imag" else own
        assert own.shape == right.shape
        assert np.allclose(own, right, rtol=1e-9, atol=1e-12)


def _strided() -> list[Case]:
    bounds: list[Any] = [
        # Shape, begin, end, step, masks.
        ((4, 3), [1], [3], [1], {}),
        ((4, 3), [-1], [0], [1], {"shrink_axis_mask": 1}),
        ((4, 3), [0], [0], [-1], {"begin_mask": 1, "end_mask": 1}),
        ((4, 3), [3, 2], [-5, 0], [-2, -1], {}),
        ((4, 3), [3], [1], [1], {}),
        ((4,), [0, 1], [0, 4], [1, 1], {"new_axis_mask": 1}),
        ((4,), [1, 0], [4, 0], [1, 1], {"new_axis_mask": 2}),
        ((2, 3, 4), [0, 1], [0, 3], [1, 1], {"ellipsis_mask": 1}),
        ((2, 3, 4), [1, 0, -1], [0, 0, 0], [1, 1, 1], {"ellipsis_mask": 2, "shrink_axis_mask": 5}),
        ((2, 3), [0, 0, 1], [0, 0, 2], [1, 1, 1], {"ellipsis_mask": 1, "new_axis_mask": 2}),
        ((2, 3), [1, 0], [2, 0], [1, 1], {"new_axis_mask": 2, "shrink_axis_mask": 3}),
        ((2, 3), [1, 5], [2, -7], [1, -1], {"begin_mask": 2, "end_mask": 2}),
    ]
    cases = []
    for shape, begin, end, step, masks in bounds:
        cases.append(Case("StridedSlice", [V(shape), begin, end, step], masks))
        cut = of_tensorflow(cases[-1], [np.zeros(shape), *map(np.asarray, (begin, end, step))])
        cases.append(
            Case("StridedSliceGrad", [list(shape), begin, end, step, V(cut.shape)], masks),
        )
    return cases


def _segments() -> list[Case]:
    many = "UnsortedSegmentSum"
    return [
        Case("SegmentSum", [V((4,)), [0, 0, 2, 2]]),
        Case("SegmentSum", [V((4, 3)), [0, 1, 1, 3]]),
        Case("SegmentSum", [V((2, 3)), [0, 0]]),
        Case(many, [V((4,)), [2, 0, 2, 1], 3]),
        Case(many, [V((4, 3)), [1, 1, 1, 1], 2]),
        Case(many, [V((4, 2)), [0, -1, 1, 0], 3]),
        Case(many, [V((2,)), [-1, -1], 2]),
        Case(many, [V((0, 2)), np.zeros(0, np.int32), 2]),
        Case("ScatterNd", [[[2], [0]], V((2,)), [4]]),
        Case("ScatterNd", [[[1], [1], [1]], V((3, 2)), [3, 2]]),
        Case("ScatterNd", [[[0]], V((1,)), [1]]),
        Case("ScatterNd", [[[0, 1], [1, 2]], V((2,)), [2, 3]]),
        Case("ScatterNd", [[[[0], [2]], [[2], [1]]], V((2, 2, 3)), [4, 3]]),
        Case(many, [V((2, 3)), [[0, 1, 1], [2, -1, 0]], 3]),
        Case(many, [V((2, 2, 3)), [[0, 1], [1, 1]], 2]),
    ]


def _picks() -> list[Case]:
    return [
        Case("GatherNd", [V((4, 3)), [[2], [0], [2]]]),
        Case("GatherNd", [V((4, 3)), [[2, 1], [0, 0]]]),
        Case("GatherNd", [V((4, 3)), [1]]),
        Case("GatherNd", [V((4, 3)), [1, 2]]),
        Case("GatherNd", [V((2, 3, 4)), [[[0, 1], [1, 0]], [[1, 2], [1, 1]]]]),
        Case("GatherNd", [V((4, 3)), np.zeros((0, 1), np.int32)]),
        Case("Where", [[1, 0, 1]]),
        Case("Where", [[[0, 1], [1, 1]]]),
        Case("Where", [[0, 0]]),
        Case("Where", [np.zeros(0, np.int32)]),
    ]


def _sums() -> list[Case]:
    shapes: dict[str, Sequence[tuple[int, ...]]] = {
        "i,i->": [(3,), (3,)],
        "i,i->i": [(3,), (3,)],
        ",i->i": [(), (3,)],
        "ij,j->i": [(2, 3), (3,)],
        "ij,Jk->ikjJ": [(2, 3), (4, 2)],
        "bij,bjk->bik": [(2, 3, 2), (2, 2, 4)],
        "bij,bjk->ki": [(2, 3, 2), (2, 2, 4)],
        "ij->": [(2, 3)],
        "ij->ji": [(2, 3)],
        "ii->": [(3, 3)],
        "ii->i": [(3, 3)],
        "j,j->": [(0,), (0,)],
    }
    return [
        Case("Einsum", [V(shape) for shape in each], {"equation": equation.encode()})
        for equation, each in shapes.items()
    ]


def _cumulated() -> list[Case]:
    ways = [{"reverse": r, "exclusive": e} for r in (False, True) for e in (False, True)]
    return [
        *(Case("Cumsum", [V((4,)), 0], way) for way in ways),
        Case("Cumsum", [V((2, 3)), -1], ways[0]),
        Case("Cumsum", [V((2, 3)), 0], ways[3]),
    ]


CASES = _strided() + _segments() + _picks() + _sums() + _cumulated()
WITH_VALUES = [c for c in CASES if any(isinstance(i, V) for i in c.inputs)]


def test_every_op_that_picks_has_a_case() -> None:
    picking = {op for op, function in FUNCTIONS.items() if function.__module__ == op_picks.__name__}
    assert {case.op for case in CASES} == picking


@pytest.mark.parametrize("is_filled", [False, True], ids=["dense", "filled"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_element_is_where_tensorflow_puts_it(case: Case, is_filled: bool) -> None:
    arrays = drawn(case, is_filled)
    found = run(case, sampled_inputs(case, arrays, is_filled))
    check(case, found, [of_tensorflow(case, at_draw(case, arrays, d)) for d in range(_DRAWS)])


@pytest.mark.parametrize("case", WITH_VALUES, ids=str)
def test_the_second_channel_is_the_derivative(case: Case) -> None:
    arrays, directions = drawn(case, False), drawn(case, True)
    inputs = sampled_inputs(case, arrays, False)
    places = [p for p, each in enumerate(case.inputs) if isinstance(each, V)]
    for place in places:
        inputs[place].array = inputs[place].array + 1j * _STEP * directions[place]

    def moved(place: int, draw: int) -> Array:
        # All of them are linear in each of their values.
        own = at_draw(case, arrays, draw)
        return of_tensorflow(case, [*own[:place], directions[place][draw], *own[place + 1 :]])

    expected = [np.asarray(sum(moved(p, d) for p in places)) for d in range(_DRAWS)]
    check(case, run(case, inputs), expected, "imag")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_not_known_is_never_guessed(case: Case) -> None:
    """An input without a value, or without a shape, spoils what depends on it, and only that."""
    arrays = drawn(case, True)
    expected = [of_tensorflow(case, at_draw(case, arrays, d)) for d in range(_DRAWS)]
    for place, each in enumerate(case.inputs):
        known = sampled_inputs(case, arrays, True)
        shapeless = dataclasses.replace(known[place], shape=None)
        blank = sampled.filled(sampled.NOTHING.array, known[place].shape)
        for hidden in (sampled.NOTHING, blank, shapeless):
            inputs = [*known[:place], hidden, *known[place + 1 :]]
            found = None
            with contextlib.suppress(*_ODD):
                found = run(case, inputs)
            if found is None or np.isnan(found.array).all() or not expected[0].size:
                continue
            if isinstance(each, V) and hidden is not shapeless:
                # Zeros around what was put in, or none of it, are known.
                assert np.isnan(found.array).any() or not any(e.any() for e in expected)
                continue
            _check_what_is_there(case, found, expected)


def _check_what_is_there(case: Case, found: Sampled, expected: Sequence[Array]) -> None:
    is_sum = case.op in ("SegmentSum", "UnsortedSegmentSum", "ScatterNd")
    for draw, right in enumerate(expected):
        if is_sum:
            # The sum stays right, unless some row is left out by its number.
            has_all = np.min(np.asarray(case.inputs[0 if case.op[1] == "c" else 1]), initial=0) >= 0
            own = found.total(None)[draw if len(found.array) > 1 else 0].real
            assert not has_all or np.isnan(own) or np.allclose(own, right.sum())
        elif found.shape is None:
            assert np.isin(element(found, draw, ()).real.round(9), right.round(9))
        else:
            assert np.allclose(element(found, draw, right.shape).real, right)


# ---- What needs words of its own.


@pytest.mark.parametrize(
    ("op", "rows"),
    [("UnsortedSegmentSum", (4,)), ("SegmentSum", (4,)), ("ScatterNd", (4, 1))],
)
def test_where_data_tells_the_row_the_sum_is_right(op: str, rows: tuple[int, ...]) -> None:
    values = np.arange(12.0).reshape(4, 3)
    data = sampled.filled(sampled.NOTHING.array, rows)
    fed = sampled.filled(sampled.random_numbers(3), rows)
    for places in (data, fed):
        inputs = {
            "UnsortedSegmentSum": [parameter(values), places, parameter(7)],
            "SegmentSum": [parameter(values), places],
            "ScatterNd": [places, parameter(values), parameter([7, 3])],
        }[op]
        found = run(Case(op, []), inputs)
        assert np.allclose(found.total(None).real, values.sum())
        assert op == "SegmentSum" or found.shape == (7, 3)


def test_rows_that_differ_between_draws_are_data() -> None:
    rows = Sampled((2, 1), np.asarray([[[0], [1]], [[1], [0]]], np.complex128))
    found = run(Case("GatherNd", []), [parameter([3.0, 4.0]), rows])
    assert np.isnan(found.array).all()
    mask = Sampled((2,), np.asarray([[0, 1], [1, 1]], np.complex128))
    assert np.isnan(run(Case("Where", []), [mask]).array).all()
    start = Sampled((1,), np.asarray([[0], [1]], np.complex128))
    cut = [parameter([3.0, 4.0]), start, parameter([2]), parameter([1])]
    assert np.isnan(run(Case("StridedSlice", []), cut).array).all()


def test_what_moves_with_a_variable_but_is_zero_is_no_hit() -> None:
    value = Sampled((2,), np.asarray([[0 + 1j * _STEP, 3]], np.complex128))
    found = run(Case("Where", []), [value])
    assert np.isnan(found.array).all() or found.array[0].real.tolist() == [[1]]


def test_how_much_of_datas_gradient_is_put_into_an_unknown_shape_stays() -> None:
    seed = sampled.filled(np.full(1, 1j), (2,))
    bounds = [parameter([0]), parameter([2]), parameter([1])]
    for dims in (sampled.NOTHING, parameter([1 << 40])):
        found = run(Case("StridedSliceGrad", []), [dims, *bounds, seed])
        assert found.shape is None
        assert found.array.tolist() == [1j]
        number = sampled.filled(np.full(1, 1.0 + 0j), (2,))
        found = run(Case("StridedSliceGrad", []), [dims, *bounds, number])
        assert np.isnan(found.array).all()


@pytest.mark.parametrize(
    ("equation", "shape"), [(b"ij,jk->ik", (1 << 12, 1 << 12)), (b"i,j->ij", (1 << 11,))]
)
def test_a_product_that_is_too_large_is_not_spelled_out(
    equation: bytes, shape: tuple[int, ...]
) -> None:
    large = sampled.filled(np.full(1, 2.0 + 0j), shape)
    found = run(Case("Einsum", [], {"equation": equation}), [large, large])
    assert found.array.size == 1
    assert np.isnan(found.array).all()


def test_a_row_beyond_the_last_one_is_left_out() -> None:
    # TensorFlow refuses it on a CPU; on a GPU it leaves it out.
    inputs = [parameter([1.0, 2.0]), parameter([0, 7]), parameter(3)]
    found = run(Case("UnsortedSegmentSum", []), inputs)
    assert found.array[0].real.tolist() == [1, 0, 0]


def test_indices_of_no_dimension_pick_nothing() -> None:
    none = Sampled((2, 0), np.zeros((1, 2, 0), np.complex128))
    assert np.isnan(run(Case("GatherNd", []), [parameter([3.0, 4.0]), none]).array).all()


@pytest.mark.parametrize("equation", [b"...i,i->...", None])
def test_an_equation_that_is_not_understood_is_not_evaluated(equation: bytes | None) -> None:
    inputs = [parameter(np.ones((2, 3))), parameter(np.ones(3))]
    assert np.isnan(run(Case("Einsum", [], {"equation": equation}), inputs).array).all()
