# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors sampled at a few random points, the currency of the numeric proof.

Whether a gradient contains dR/dv is an identity between two expressions. It is
tested as identities of polynomials are (Schwartz 1980, Zippel 1979): evaluate
both at random points; equal everywhere means equal. So that a model of 100
million parameters costs no more than a small one, a variable is sampled with
all of its elements equal where that is enough (`filled`); only where an
expression needs different elements (an identity matrix, a difference of
neighbours) it is `dense`, and then small.

Values are complex. The real part is the value; the imaginary part is a second
channel that linear operations carry along: the derivative with respect to a
variable (complex-step differentiation, Squire and Trapp 1998,
doi:10.1137/S003614459631241X), or the part of a gradient that comes from data.
NaN means "cannot be evaluated", and spreads by itself.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

DRAWS = 6
MAX_DENSE = 1 << 20  # elements of one dense sample, all draws together
_MANY_INTEGERS = 1 << 17  # more than any list of axes, sizes or rows to look up

Array = npt.NDArray[np.complex128]
_GOLDEN = np.array(
    [
        0.618033988749895,
        0.414213562373095,
        0.732050807568877,
        0.236067977499790,
        0.645751311064591,
        0.316624790355400,
    ]
)


# Not frozen, though nothing changes one: making it would take three times as
# long, and a large graph makes a hundred thousand.
@dataclasses.dataclass(eq=False, slots=True)
class Sampled:
    """A tensor at `DRAWS` points.

    Attributes:
      shape: its shape, `None` where not known.
      array: complex `[DRAWS or 1]` where all elements are equal, else
        `[DRAWS or 1, *shape]`.
      parts: the tensors that it was stacked or concatenated from, while they
        are still worth telling apart; `array` is then empty.
      stacked: whether `parts` were stacked (one index each) on axis 0.
    """

    shape: tuple[int, ...] | None
    array: Array
    parts: tuple[Sampled, ...] = ()
    stacked: bool = False

    @property
    def is_filled(self) -> bool:
        """Whether all elements are equal."""
        return self.array.ndim == 1 and not self.parts

    @property
    def is_nothing(self) -> bool:
        """Whether the first channel is zero everywhere."""
        if self.parts:
            return all(part.is_nothing for part in self.parts)
        return not self.array.real.any()

    def total(self, count: int | None) -> Array:
        """Returns the sum of all elements, `[DRAWS or 1]`.

        Args:
          count: the number of elements to assume where the shape is unknown.
        """
        if self.parts:
            return sum_arrays([part.total(None) for part in self.parts])
        if not self.is_filled:
            return np.asarray(self.array.reshape(self.array.shape[0], -1).sum(axis=1))
        size = math.prod(self.shape) if self.shape is not None else count
        return unknown_sum(self.array) if size is None else self.array * size


def unknown_sum(array: Array) -> Array:
    """Returns the sum of equal elements whose number is not known.

    Zero stays zero. The second channel of a gradient says how often data's part
    counts, not how large it is, and stays too.
    """
    known = np.where(array.real == 0, 0.0, np.nan)
    return np.asarray(known + 1j * array.imag, np.complex128)


EMPTY = np.zeros(0, np.complex128)
NOTHING = Sampled(None, np.full(1, np.nan, np.complex128))


def sum_arrays(arrays: list[Array]) -> Array:
    """Returns the sum of arrays of `[DRAWS or 1]`."""
    total: Array = np.zeros(1, np.complex128)
    for array in arrays:
        total = total + array
    return total


# A variable is asked for in each evaluation of each of its penalties.
@functools.lru_cache(maxsize=1 << 12)
def random_numbers(key: int) -> Array:
    """Returns `DRAWS` numbers in (0.5, 1.5), the same for the same key."""
    mixed = (key * 2654435761 + 40503) & 0xFFFFFFFF
    found = np.asarray(0.5 + np.modf((mixed % 1000003 + 1) * _GOLDEN)[0], np.complex128)
    found.setflags(write=False)
    return found


def filled(array: Array, shape: tuple[int, ...] | None) -> Sampled:
    """Returns a tensor whose elements are equal."""
    return Sampled(shape, array)


def number(value: float) -> Sampled:
    """Returns a scalar that is the same at all points."""
    return Sampled((), np.full(1, value, np.complex128))


def from_constant(array: npt.NDArray[Any], shape: tuple[int, ...]) -> Sampled:
    """Returns a constant; a 0-d array stands for equal elements."""
    if array.ndim == 0:
        return Sampled(shape, np.full(1, array.item(), np.complex128))
    return Sampled(shape, array.astype(np.complex128)[None])


def collapse(tensor: Sampled) -> Sampled:
    """Returns a tensor without parts: dense where these differ and are small."""
    if not tensor.parts:
        return tensor
    parts = [collapse(part) for part in tensor.parts]
    first = parts[0]
    if all(p.is_filled and _equal(p.array, first.array) for p in parts):
        return Sampled(tensor.shape, first.array)
    if any(part.shape is None for part in parts):
        return Sampled(tensor.shape, NOTHING.array)
    solid = [densify(part) for part in parts]
    if any(part is None for part in solid):
        return Sampled(tensor.shape, NOTHING.array)
    draws = max(part.array.shape[0] for part in solid if part is not None)
    arrays = [np.broadcast_to(p.array, (draws, *p.array.shape[1:])) for p in solid if p is not None]
    try:
        joined = np.stack(arrays, axis=1) if tensor.stacked else np.concatenate(arrays, axis=1)
    except ValueError:
        return Sampled(tensor.shape, NOTHING.array)  # Shapes that do not fit each other.
    return Sampled(tensor.shape, joined)


def _equal(left: Array, right: Array) -> bool:
    return left is right or bool(np.all(left == right))


def is_small(shape: tuple[int, ...]) -> bool:
    """Whether a tensor may be spelled out; NumPy refuses long axes even beside one of size 0.

    >>> is_small((3, 2)), is_small((1 << 20, 2)), is_small((0, 1 << 60))
    (True, False, False)
    """
    return max((1, *shape)) <= MAX_DENSE and math.prod(shape) * DRAWS <= MAX_DENSE


def densify(tensor: Sampled) -> Sampled | None:
    """Returns the tensor with all elements spelled out, `None` where too many."""
    tensor = collapse(tensor)
    if not tensor.is_filled:
        return tensor
    if tensor.shape is None or not is_small(tensor.shape):
        return None
    if not tensor.shape:
        return tensor
    draws = tensor.array.shape[0]
    column = tensor.array.reshape((draws,) + (1,) * len(tensor.shape))
    return Sampled(tensor.shape, np.broadcast_to(column, (draws, *tensor.shape)))


def integers(tensor: Sampled) -> tuple[int, ...] | None:
    """Returns the elements of a known vector (or scalar) of integers, else `None`."""
    tensor = collapse(tensor)
    if tensor.shape is None or len(tensor.shape) > 1 or math.prod(tensor.shape) > _MANY_INTEGERS:
        return None
    values = tensor.array.real
    if len(values) == 1:
        return _whole_numbers(tensor, values.ravel().tolist())
    first = values[0]
    # A size that is fed is a symbol, another fraction at each point.
    if not np.isfinite(values).all() or (np.abs(values - np.round(first)) > 1e-6).any():
        return None
    return _whole_numbers(tensor, first.ravel().tolist())


def _whole_numbers(tensor: Sampled, values: list[float]) -> tuple[int, ...] | None:
    # Nearly all are the axes of a reduction: NumPy would take ten times as long.
    if not all(math.isfinite(value) and abs(value - round(value)) <= 1e-6 for value in values):
        return None
    count = tensor.shape[0] if tensor.is_filled and tensor.shape else 1
    return tuple(map(round, values)) * count


def elementwise(function: Any, *operands: Sampled) -> Sampled:
    """Applies a function of arrays to tensors as NumPy broadcasts them."""
    if len(operands) == 1:
        tensor = operands[0]
        if tensor.parts:
            return dataclasses.replace(
                tensor, parts=tuple(elementwise(function, part) for part in tensor.parts)
            )
        return Sampled(tensor.shape, function(tensor.array))
    left, right = operands
    if left.parts and right.shape == ():
        mapped = tuple(elementwise(function, part, right) for part in left.parts)
        return dataclasses.replace(left, parts=mapped)
    if right.parts and left.shape == ():
        mapped = tuple(elementwise(function, left, part) for part in right.parts)
        return dataclasses.replace(right, parts=mapped)
    if left.parts and _are_alike(left, right):
        joined = (
            elementwise(function, *pair) for pair in zip(left.parts, right.parts, strict=True)
        )
        return dataclasses.replace(left, parts=tuple(joined))
    left, right = collapse(left), collapse(right)
    shape = _broadcast(left.shape, right.shape)
    if left.is_filled and right.is_filled:
        return Sampled(shape, function(left.array, right.array))
    if shape is None:
        return NOTHING
    rank = len(shape)
    result = function(_padded(left, rank), _padded(right, rank))
    if result.size > MAX_DENSE:
        return Sampled(shape, NOTHING.array)
    return Sampled(shape, np.broadcast_to(result, (result.shape[0], *shape)))


def _are_alike(left: Sampled, right: Sampled) -> bool:
    """Whether two tensors were put together in the same way, as the gradients of two replicas."""
    if left.stacked != right.stacked or len(left.parts) != len(right.parts):
        return False
    return all(a.shape == b.shape for a, b in zip(left.parts, right.parts, strict=True))


def _broadcast(
    left: tuple[int, ...] | None, right: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    if left is None or right is None:
        known = right if left is None else left
        # A scalar tells nothing of the other operand's unknown shape.
        return known if known else None
    if left == right or not right:
        return left
    if not left:
        return right
    try:
        return tuple(np.broadcast_shapes(left, right))
    except ValueError:
        return None


def _padded(tensor: Sampled, rank: int) -> Array:
    own = tensor.array.shape[1:]
    return tensor.array.reshape((tensor.array.shape[0],) + (1,) * (rank - len(own)) + own)


def reduce(tensor: Sampled, axes: tuple[int, ...] | None, keep: bool, mean: bool) -> Sampled:
    """Returns the sum (or mean) over axes; `axes` `None` where not known."""
    if axes == ():
        return tensor
    if tensor.parts and axes is not None:
        inner = {axis % len(tensor.shape) if tensor.shape else axis for axis in axes}
        if 0 in inner:
            return _reduce_parts(tensor, inner, keep, mean)
    tensor = collapse(tensor)
    if tensor.shape is None or axes is None:
        if not tensor.is_filled:
            return NOTHING
        return Sampled(None, tensor.array if mean else unknown_sum(tensor.array))
    rank = len(tensor.shape)
    chosen = {axis % rank for axis in axes} if rank else set()
    count = math.prod(tensor.shape[axis] for axis in chosen)
    shape = tuple(
        1 if axis in chosen else size
        for axis, size in enumerate(tensor.shape)
        if keep or axis not in chosen
    )
    if tensor.is_filled:
        return Sampled(shape, tensor.array if mean else tensor.array * count)
    total = tensor.array.sum(axis=tuple(axis + 1 for axis in chosen), keepdims=keep)
    return Sampled(shape, total / count if mean else total)


def _reduce_parts(tensor: Sampled, axes: set[int], keep: bool, mean: bool) -> Sampled:
    inner = tuple(axis - 1 for axis in axes if axis) if tensor.stacked else tuple(axes)
    reduced = [reduce(part, inner, keep, False) for part in tensor.parts]
    total = reduced[0]
    for part in reduced[1:]:
        total = elementwise(np.add, total, part)
    if tensor.stacked and keep and total.shape is not None:
        total = Sampled((1, *total.shape), total.array)
    if not mean:
        return total
    if tensor.shape is not None:
        count = math.prod(tensor.shape[axis] for axis in axes)
    elif axes == {0}:
        # Gradients of towers, one row each, of which some have no known shape.
        count = len(tensor.parts)
    else:
        return NOTHING
    return elementwise(np.divide, total, number(count))
