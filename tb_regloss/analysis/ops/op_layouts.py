# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What ops do that move elements, on sampled tensors.

Semantics: `tensorflow/core/ops/array_ops.cc`, `data_flow_ops.cc`.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.op_values import FUNCTIONS, Attr, register
from tb_regloss.analysis.ops.sampled import EMPTY, NOTHING, Sampled


@register("ZerosLike")
def _zeros_like(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return sampled.filled(np.zeros(1, np.complex128), inputs[0].shape)


@register("OnesLike")
def _ones_like(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return sampled.filled(np.ones(1, np.complex128), inputs[0].shape)


@register("Reshape")
def _reshape(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor, dims = inputs[0], sampled.integers(inputs[1])
    if tensor.parts and dims is None:
        return tensor
    if tensor.parts and dims is not None and len(dims) == 1:
        return _flat(tensor)
    tensor = sampled.collapse(tensor)
    if dims is None:
        return Sampled(None, tensor.array if tensor.is_filled else NOTHING.array)
    if -1 in dims:
        rest = math.prod(size for size in dims if size != -1)
        if tensor.shape is None or rest == 0:
            return Sampled(None, tensor.array if tensor.is_filled else NOTHING.array)
        dims = tuple(math.prod(tensor.shape) // rest if size == -1 else size for size in dims)
    if any(size < 0 for size in dims):
        return NOTHING
    if tensor.is_filled:
        return Sampled(dims, tensor.array)
    if math.prod(dims) != math.prod(tensor.shape or ()):
        return NOTHING
    return Sampled(dims, tensor.array.reshape((tensor.array.shape[0], *dims)))


def _flat(tensor: Sampled) -> Sampled:
    """Returns a tensor as a vector, its parts one after the other."""
    shape = None if tensor.shape is None else (math.prod(tensor.shape),)
    if tensor.parts:
        return Sampled(shape, EMPTY, tuple(_flat(part) for part in tensor.parts))
    if tensor.is_filled:
        return Sampled(shape, tensor.array)
    return Sampled(shape, tensor.array.reshape((tensor.array.shape[0], -1)))


@register("ExpandDims")
def _expand(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor, axis = sampled.collapse(inputs[0]), sampled.integers(inputs[1])
    if tensor.shape is None or axis is None:
        return Sampled(None, tensor.array if tensor.is_filled else NOTHING.array)
    place = axis[0] % (len(tensor.shape) + 1)
    dims = (*tensor.shape[:place], 1, *tensor.shape[place:])
    if tensor.is_filled:
        return Sampled(dims, tensor.array)
    return Sampled(dims, tensor.array.reshape((tensor.array.shape[0], *dims)))


@register("Squeeze")
def _squeeze(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor = sampled.collapse(inputs[0])
    if tensor.shape is None:
        return tensor
    rank = len(tensor.shape)
    axes = {axis % rank for axis in attr("squeeze_dims") or ()} if rank else set()
    dims = tuple(
        size for axis, size in enumerate(tensor.shape) if size != 1 or (axes and axis not in axes)
    )
    if tensor.is_filled:
        return Sampled(dims, tensor.array)
    return Sampled(dims, tensor.array.reshape((tensor.array.shape[0], *dims)))


@register("Transpose")
def _transpose(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor, order = sampled.collapse(inputs[0]), sampled.integers(inputs[1])
    if tensor.shape is None:
        return tensor
    if order is None or len(order) != len(tensor.shape):
        return Sampled(None, tensor.array if tensor.is_filled else NOTHING.array)
    dims = tuple(tensor.shape[axis] for axis in order)
    if tensor.is_filled:
        return Sampled(dims, tensor.array)
    return Sampled(dims, tensor.array.transpose((0, *(axis + 1 for axis in order))))


@register("Fill")
def _fill(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return Sampled(sampled.integers(inputs[0]), sampled.collapse(inputs[1]).array)


@register("BroadcastTo", "Tile")
def _broadcast_to(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor, dims = sampled.collapse(inputs[0]), sampled.integers(inputs[1])
    if tensor.is_filled:
        if attr("op") == "Tile" and dims is not None and tensor.shape is not None:
            dims = tuple(s * m for s, m in zip(tensor.shape, dims, strict=False))
        elif attr("op") == "Tile":
            dims = None
        return Sampled(dims, tensor.array)
    if dims is None or tensor.shape is None or math.prod(dims) > sampled.MAX_DENSE:
        return NOTHING
    if attr("op") == "Tile":
        return Sampled(
            tuple(s * m for s, m in zip(tensor.shape, dims, strict=False)),
            np.tile(tensor.array, (1, *dims)),
        )
    lead = (1,) * (len(dims) - len(tensor.shape))
    array = tensor.array.reshape((tensor.array.shape[0], *lead, *tensor.shape))
    try:
        return Sampled(dims, np.broadcast_to(array, (array.shape[0], *dims)))
    except ValueError:
        return NOTHING


@register("Pack")
def _pack(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    first = inputs[0].shape
    shape = None if first is None else (len(inputs), *first)
    if all(tensor.shape == () for tensor in inputs):
        return sampled.collapse(Sampled(shape, EMPTY, tuple(inputs), True))
    axis = attr("axis") or 0
    if axis == 0:
        return Sampled(shape, EMPTY, tuple(inputs), True)
    parts = [sampled.collapse(tensor) for tensor in inputs]
    if first is not None:
        axis %= len(first) + 1
        shape = (*first[:axis], len(inputs), *first[axis:])
    if all(p.is_filled and np.array_equal(p.array, parts[0].array) for p in parts):
        return Sampled(shape, parts[0].array)
    solid = [part for part in map(sampled.densify, parts) if part is not None]
    if shape is None or len(solid) < len(parts):
        return NOTHING
    draws = max(part.array.shape[0] for part in solid)
    arrays = [np.broadcast_to(p.array, (draws, *p.array.shape[1:])) for p in solid]
    return Sampled(shape, np.stack(arrays, axis=axis + 1))


@register("Unpack")
def _unpack(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor = inputs[0]
    if tensor.parts and tensor.stacked and (attr("axis") or 0) == 0 and port < len(tensor.parts):
        return tensor.parts[port]
    tensor = sampled.collapse(tensor)
    axis = attr("axis") or 0
    if tensor.is_filled:
        shape = tensor.shape
        if shape is not None and shape:
            place = axis % len(shape)
            shape = (*shape[:place], *shape[place + 1 :])
        return Sampled(shape, tensor.array)
    if axis or port >= tensor.array.shape[1]:
        return NOTHING
    return Sampled((tensor.shape or ())[1:], tensor.array[:, port])


@register("ConcatV2")
def _concat(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return concat(inputs[:-1], sampled.integers(inputs[-1]))


@register("Concat")
def _concat_v1(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return concat(inputs[1:], sampled.integers(inputs[0]))


def concat(parts: list[Sampled], axis: tuple[int, ...] | None) -> Sampled:
    """Returns tensors one after the other; the parts are kept on axis 0."""
    shapes = [part.shape for part in parts]
    known = all(shape is not None for shape in shapes)
    rank = len(shapes[0] or ()) if known else 1
    if axis is None or (axis[0] % max(rank, 1)) != 0:
        merged = sampled.collapse(Sampled(None, EMPTY, tuple(parts)))
        return merged if merged.is_filled else NOTHING
    shape = None
    if known and shapes[0]:
        shape = (sum(s[0] for s in shapes if s), *shapes[0][1:])
    result = Sampled(shape, EMPTY, tuple(parts))
    solid = all(
        not part.parts and (not part.is_filled or part.shape in ((), (1,))) for part in parts
    )
    return sampled.collapse(result) if solid else result


@register("Split")
def _split(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    count = attr("num_split") or 1
    shapes = [part.shape for part in inputs[1].parts]
    whole = sum(shape[0] for shape in shapes if shape) if all(shapes) else None
    sizes = None if whole is None else (whole // count,) * count
    return _part(inputs[1], port, count, sampled.integers(inputs[0]), sizes)


@register("SplitV")
def _split_v(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    axis = sampled.integers(inputs[2])
    return _part(inputs[0], port, attr("num_split"), axis, sampled.integers(inputs[1]))


def _part(
    tensor: Sampled,
    port: int,
    count: int | None,
    axis: tuple[int, ...] | None,
    sizes: tuple[int, ...] | None,
) -> Sampled:
    rank = None if tensor.shape is None else max(len(tensor.shape), 1)
    is_first = axis is None or axis[0] == 0 or (rank is not None and axis[0] % rank == 0)
    if tensor.parts and len(tensor.parts) == count and is_first:
        part = tensor.parts[port]
        if tensor.stacked:
            shape = None if part.shape is None else (1, *part.shape)
            return dataclasses.replace(part, shape=shape) if part.is_filled else NOTHING
        fits = sizes is None or all(
            not each.shape or size in (each.shape[0], -1)
            for each, size in zip(tensor.parts, sizes, strict=False)
        )
        if fits:
            return part
    tensor = sampled.collapse(tensor)
    return Sampled(None, tensor.array) if tensor.is_filled else NOTHING


@register("Slice")
def _slice(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    begin, size = sampled.integers(inputs[1]), sampled.integers(inputs[2])
    tensor = inputs[0]
    if tensor.parts and begin and size:
        start = 0
        for part in tensor.parts:
            if part.shape and not tensor.stacked:
                if start == begin[0] and size[0] in (part.shape[0], -1):
                    return part
                start += part.shape[0]
    tensor = sampled.collapse(tensor)
    if begin is None or size is None or tensor.shape is None:
        return Sampled(None, tensor.array) if tensor.is_filled else NOTHING
    dims = tuple(
        whole - b if s == -1 else s for whole, b, s in zip(tensor.shape, begin, size, strict=False)
    )
    if tensor.is_filled:
        return Sampled(dims, tensor.array)
    cut = tuple(slice(b, b + d) for b, d in zip(begin, dims, strict=False))
    return Sampled(dims, tensor.array[(slice(None), *cut)])


@register("Gather", "GatherV2", "ResourceGather")
def _gather(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    rows, picks = sampled.collapse(inputs[0]), inputs[1]
    along = sampled.integers(inputs[2]) if len(inputs) > 2 else (0,)
    if rows.shape is None or not rows.shape or along is None or attr("batch_dims"):
        return Sampled(None, rows.array) if rows.is_filled else NOTHING
    axis = along[0] % len(rows.shape)
    shape = None
    if picks.shape is not None:
        shape = (*rows.shape[:axis], *picks.shape, *rows.shape[axis + 1 :])
    if rows.is_filled:
        return Sampled(shape, rows.array)
    chosen = sampled.integers(picks)
    if chosen is None or max(chosen, default=0) >= rows.shape[axis]:
        return NOTHING
    array = rows.array.take(list(chosen) if picks.shape else chosen[0], axis=axis + 1)
    return Sampled(shape, array)


@register("Pad", "PadV2", "MirrorPad")
def _pad(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return thinned(sampled.collapse(inputs[0]))


def thinned(gradient: Sampled) -> Sampled:
    """Returns what becomes of a gradient among zeros, where its place is not known."""
    # Zeros around zeros; how much of a gradient of data they thin out is not known.
    is_of_data = gradient.is_filled and gradient.is_nothing
    return Sampled(None, gradient.array) if is_of_data else NOTHING


def _same(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return inputs[0]


for _name in [
    "Identity",
    "Snapshot",
    "CheckNumerics",
    "CheckNumericsV2",
    "EnsureShape",
    "Enter",
    "RefEnter",
    "Exit",
    "RefExit",
    "RefIdentity",
    "Switch",
    "RefSwitch",
    "NextIteration",
    "StopGradient",
    "PreventGradient",
    "Copy",
    "DebugIdentity",
    "DebugIdentityV2",
    "DebugGradientIdentity",
    "_Retval",
    "XlaSharding",
    "OptimizationBarrier",
    "OptionalFromValue",
    "OptionalGetValue",
    "Print",
]:
    FUNCTIONS[_name] = _same
