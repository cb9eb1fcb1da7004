# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Inputs of the numeric table's ops, and what may come out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.op_functions import FUNCTIONS
from tb_regloss.analysis.ops.sampled import Sampled

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class V:
    """A value input: random, between `low` and 1.5."""

    shape: tuple[int, ...]
    low: float = 0.5


@dataclasses.dataclass(frozen=True)
class Case:
    """An op on inputs, and what NumPy says of it.

    Attributes:
      op: its type.
      inputs: values (`V`), or parameters that are arrays of integers.
      expected: the result by NumPy.
      attrs: attributes.
      port: the output.
      dense: whether it has to be evaluated where elements differ.
      filled: whether it has to be evaluated where elements are equal.
    """

    op: str
    inputs: Sequence[Any]
    expected: Callable[..., Any]
    attrs: dict[str, Any] = dataclasses.field(default_factory=dict)
    port: int = 0
    dense: bool = True
    filled: bool = True

    def __str__(self) -> str:
        shapes = (str(i.shape) if isinstance(i, V) else str(i) for i in self.inputs)
        return f"{self.op} {' '.join(shapes)} {self.attrs or ''}:{self.port}"


def run(case: Case, inputs: Sequence[Sampled]) -> Sampled:
    def attr(name: str) -> Any:
        return case.op if name == "op" else case.attrs.get(name)

    with np.errstate(all="ignore"):
        return sampled.collapse(FUNCTIONS[case.op](list(inputs), attr, case.port))


def dense(array: Array) -> Sampled:
    array = np.asarray(array)
    return Sampled(array.shape, array.astype(np.complex128)[None])


def parameter(value: Any) -> Sampled:
    array = np.asarray(value)
    return sampled.from_constant(array, array.shape)


def inputs_of(case: Case, make: Callable[[V, int], Sampled]) -> list[Sampled]:
    return [
        make(each, place) if isinstance(each, V) else parameter(each)
        for place, each in enumerate(case.inputs)
    ]


def numbers(case: Case, make: Callable[[V, int], Array]) -> list[Array]:
    return [
        make(each, place) if isinstance(each, V) else np.asarray(each)
        for place, each in enumerate(case.inputs)
    ]


def spread(value: V, place: int) -> Array:
    return np.random.default_rng(place + 5).uniform(value.low, 1.5, value.shape)


def level(value: V, place: int) -> Array:
    return np.full(value.shape, 0.7 + 0.2 * place)


def is_unknown(found: Sampled) -> bool:
    return bool(np.isnan(found.array).any())


def check(found: Sampled, expected: Any, must: bool) -> None:
    expected = np.asarray(expected)
    if is_unknown(found):
        assert not must, "not evaluated"
        return
    if found.shape is not None:
        assert found.shape == expected.shape
    array = found.array[0]
    assert np.allclose(array.real, expected.astype(float), rtol=1e-9, atol=1e-12)
    assert found.is_filled or array.shape == expected.shape
