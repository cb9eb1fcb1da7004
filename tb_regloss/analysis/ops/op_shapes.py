# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What ops compute of shapes and axes, on sampled tensors.

Gradients are full of it: sizes decide what a mean divides by.
Semantics: `tensorflow/core/ops/array_ops.cc`, `math_ops.cc`, `data_flow_ops.cc`.
"""

from __future__ import annotations

import math

import numpy as np

from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.op_values import Attr, register
from tb_regloss.analysis.ops.sampled import NOTHING, Sampled


def vector(values: list[int] | tuple[int, ...]) -> Sampled:
    """Returns a known vector of integers."""
    return Sampled((len(values),), np.asarray(values, np.complex128)[None])


@register("Shape", "VariableShape")
def _shape(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return NOTHING if inputs[0].shape is None else vector(inputs[0].shape)


@register("ShapeN")
def _shape_n(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return _shape([inputs[port]], attr, 0)


@register("Size")
def _size(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    shape = inputs[0].shape
    return Sampled((), NOTHING.array) if shape is None else sampled.number(math.prod(shape))


@register("Rank")
def _rank(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    shape = inputs[0].shape
    return Sampled((), NOTHING.array) if shape is None else sampled.number(len(shape))


@register("Range")
def _range(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    bounds = [sampled.integers(tensor) for tensor in inputs]
    if any(bound is None for bound in bounds):
        return NOTHING
    start, limit, delta = (bound[0] for bound in bounds if bound)
    if delta == 0 or abs(limit - start) > sampled.MAX_DENSE:
        return NOTHING
    return vector(list(range(start, limit, delta)))


@register("BroadcastGradientArgs")
def _broadcast_gradient(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Returns the axes to sum over so that a gradient fits an operand."""
    shapes = [sampled.integers(tensor) for tensor in inputs]
    if shapes[0] is None or shapes[1] is None:
        # Operands of one shape are the rule, and nothing is summed there.
        return vector([])
    rank = max(len(shapes[0]), len(shapes[1]))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes if shape is not None]
    mine, other = padded[port], padded[1 - port]
    return vector([a for a in range(rank) if mine[a] == 1 and (other[a] != 1 or mine == other)])


@register("BroadcastArgs")
def _broadcast_args(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    shapes = [sampled.integers(tensor) for tensor in inputs]
    if shapes[0] is None or shapes[1] is None:
        return NOTHING
    try:
        return vector(np.broadcast_shapes(*[shape for shape in shapes if shape is not None]))
    except ValueError:
        return NOTHING


@register("InvertPermutation")
def _invert(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    order = sampled.integers(inputs[0])
    return NOTHING if order is None else vector(np.argsort(order).tolist())


@register("DynamicStitch", "ParallelDynamicStitch")
def _stitch(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    half = len(inputs) // 2
    spots = [sampled.integers(tensor) for tensor in inputs[:half]]
    values = [sampled.integers(tensor) for tensor in inputs[half:]]
    if any(part is None for part in (*spots, *values)):
        return NOTHING
    merged: dict[int, int] = {}
    for spot, value in zip(spots, values, strict=True):
        merged.update(zip(spot or (), value or (), strict=False))
    if sorted(merged) != list(range(len(merged))):
        return NOTHING
    return vector([merged[place] for place in range(len(merged))])
