# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What ops do that pick elements of a tensor or put them into a larger one.

Semantics: `tensorflow/core/ops/array_ops.cc`, `math_ops.cc`. Where losses stand
in one vector, these tell which of them counts.
"""

from __future__ import annotations

import math
from types import EllipsisType

import numpy as np
import numpy.typing as npt

from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.op_layouts import thinned
from tb_regloss.analysis.ops.op_values import Attr, register
from tb_regloss.analysis.ops.sampled import NOTHING, Sampled

_Index = tuple[slice | int | EllipsisType | None, ...]
_MASKS = ("begin_mask", "end_mask", "shrink_axis_mask", "ellipsis_mask", "new_axis_mask")


@register("StridedSlice")
def _strided_slice(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor, index = sampled.collapse(inputs[0]), _index(inputs[1:4], attr)
    if tensor.shape is None or index is None:
        if tensor.is_filled and tensor.array.size and not np.isnan(tensor.array).all():
            return Sampled(None, tensor.array)
        return NOTHING
    try:
        if tensor.is_filled:
            return Sampled(np.broadcast_to(np.zeros(()), tensor.shape)[index].shape, tensor.array)
        array = tensor.array[(slice(None), *index)]
    except IndexError:
        return NOTHING
    return Sampled(tuple(array.shape[1:]), array)


@register("StridedSliceGrad")
def _strided_slice_grad(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Puts a gradient where a slice was taken from, and zeros elsewhere."""
    dims, index = sampled.integers(inputs[0]), _index(inputs[1:4], attr)
    gradient = sampled.collapse(inputs[4])
    if dims is None or index is None or not sampled.is_small(dims):
        return thinned(gradient)
    place = np.broadcast_to(np.zeros(()), dims)[index].shape
    array = np.zeros((gradient.array.shape[0], *dims), np.complex128)
    values = gradient.array
    if gradient.is_filled:
        values = values.reshape((-1,) + (1,) * len(place))
    array[(slice(None), *index)] = values
    return Sampled(dims, array)


def _index(bounds: list[Sampled], attr: Attr) -> _Index | None:
    """Returns a strided slice as an index of NumPy, `None` where it is not known."""
    begin, end, step = map(sampled.integers, bounds)
    if begin is None or end is None or step is None:
        return None
    begins, ends, shrinks, dots, news = (attr(name) or 0 for name in _MASKS)
    index: list[slice | int | EllipsisType | None] = []
    for axis, first in enumerate(begin):
        bit = 1 << axis
        if dots & bit:
            index.append(...)
        elif news & bit:
            index.append(None)
        elif shrinks & bit:
            index.append(first)
        else:
            start = None if begins & bit else first
            stop = None if ends & bit else end[axis]
            index.append(slice(start, stop, step[axis] or 1))
    return tuple(index)


@register("UnsortedSegmentSum", "SegmentSum")
def _segment_sum(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Returns rows added up into larger tensors."""
    values, rows = sampled.collapse(inputs[0]), _places(inputs[1])
    shape = inputs[1].shape
    count = sampled.integers(inputs[2]) if len(inputs) > 2 else None
    if attr("op") == "SegmentSum" and rows is not None and rows.size:
        count = (int(rows.max()) + 1,)
    if not count or values.shape is None or shape is None:
        dims = None if not count or values.shape is None else (count[0], *values.shape[1:])
        return _shared(values, dims)
    dims = (count[0], *values.shape[len(shape) :])
    return _scattered(values, dims, None if rows is None else rows[..., None])


@register("ScatterNd")
def _scatter_nd(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Returns slices added up in a tensor of zeros."""
    values, dims = sampled.collapse(inputs[1]), sampled.integers(inputs[2])
    return _scattered(values, dims, _places(inputs[0]))


def _scattered(
    values: Sampled, dims: tuple[int, ...] | None, places: npt.NDArray[np.int64] | None
) -> Sampled:
    solid = sampled.densify(values) if dims is not None and sampled.is_small(dims) else None
    if dims is None or places is None or solid is None or solid.shape is None:
        return _shared(values, dims)
    depth = places.shape[-1]
    if places.shape[:-1] != solid.shape[: places.ndim - 1] or depth > len(dims):
        return _shared(values, dims)
    flat = places.reshape(-1, depth)
    size = math.prod(dims[depth:])
    if solid.shape[places.ndim - 1 :] != dims[depth:]:
        return _shared(values, dims)
    parts = solid.array.reshape(len(solid.array), len(flat), size)
    kept = ((flat >= 0) & (flat < np.asarray(dims[:depth]))).all(axis=1)
    array = np.zeros((math.prod(dims[:depth]), len(solid.array), size), np.complex128)
    rows = np.ravel_multi_index(tuple(flat[kept].T), dims[:depth]) if depth else np.zeros(0, int)
    np.add.at(array, rows, np.moveaxis(parts, 1, 0)[kept])
    return Sampled(dims, np.moveaxis(array, 1, 0).reshape(len(solid.array), *dims))


def _shared(values: Sampled, dims: tuple[int, ...] | None) -> Sampled:
    """Returns an equal share for all where it is data which gets what: the sum is right."""
    if dims is None:
        return Sampled((), values.total(None))
    return Sampled(dims, values.total(None) / max(math.prod(dims), 1))


def _places(tensor: Sampled) -> npt.NDArray[np.int64] | None:
    """Returns indices, `None` where they are not known."""
    found = sampled.densify(tensor)
    if found is None or found.shape is None or np.isnan(found.array).any():
        return None
    whole = np.round(found.array.real[0])
    if (np.abs(found.array.real - whole) > 1e-6).any():
        return None
    return np.asarray(whole, np.int64)


@register("GatherNd")
def _gather_nd(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    rows, picks = map(sampled.collapse, inputs)
    if rows.shape is None or picks.shape is None or not picks.shape:
        return Sampled(None, rows.array) if rows.is_filled else NOTHING
    depth = picks.shape[-1]
    shape = (*picks.shape[:-1], *rows.shape[depth:])
    if rows.is_filled:
        return Sampled(shape, rows.array)
    index = _places(picks)
    if index is None or not depth:
        return NOTHING
    try:
        return Sampled(shape, rows.array[(slice(None), *np.moveaxis(index, -1, 0))])
    except IndexError:
        return NOTHING


@register("Where")
def _where(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Returns the positions of what is not zero, where these are known."""
    found = sampled.densify(inputs[0])
    if found is None or not found.shape or np.isnan(found.array).any():
        return NOTHING
    hits = found.array.real != 0
    if (hits != hits[:1]).any():
        return NOTHING
    places = np.argwhere(hits[0])
    return Sampled(places.shape, places.astype(np.complex128)[None])


@register("Cumsum")
def _cumsum(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Returns sums of all elements up to each one, or from it on."""
    tensor, along = sampled.densify(inputs[0]), sampled.integers(inputs[1])
    if tensor is None or not tensor.shape or along is None:
        return NOTHING
    axis = along[0] % len(tensor.shape) + 1
    array = np.flip(tensor.array, axis) if attr("reverse") else tensor.array
    total = array.cumsum(axis)
    total = total - array if attr("exclusive") else total
    return Sampled(tensor.shape, np.flip(total, axis) if attr("reverse") else total)


@register("Einsum")
def _einsum(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    equation, solid = attr("equation"), [sampled.densify(tensor) for tensor in inputs]
    arrays = [tensor.array for tensor in solid if tensor is not None and tensor.shape is not None]
    if not isinstance(equation, bytes) or len(arrays) < len(inputs) or b"." in equation:
        return NOTHING
    terms, _, result = equation.decode().partition("->")
    # The points at which all is sampled stand in front.
    sampled_terms = ",".join(f"...{term}" for term in terms.split(","))
    found = np.einsum(f"{sampled_terms}->...{result}", *arrays)
    return Sampled(tuple(found.shape[1:]), found) if found.size <= sampled.MAX_DENSE else NOTHING
