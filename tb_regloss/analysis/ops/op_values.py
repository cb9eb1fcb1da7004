# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What ops compute, on sampled tensors: the numeric column of the op table.

Only ops of which penalties, their gradients, shape arithmetic and optimizers
are made; anything else yields NaN, which makes an answer `unknown`, never
wrong. Semantics: `tensorflow/core/ops/{math,array,nn}_ops.cc`; the gradient
ops' formulas: `tensorflow/python/ops/math_grad.py`, `nn_grad.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tb_regloss.analysis.ops import sampled
from tb_regloss.analysis.ops.sampled import NOTHING, Array, Sampled, elementwise

Attr = Callable[[str], Any]
Function = Callable[[list[Sampled], Attr, int], Sampled]
FUNCTIONS: dict[str, Function] = {}
ELEMENTWISE: set[str] = set()  # none of these has an attribute that decides what it computes


def register(*names: str) -> Callable[[Function], Function]:
    """Returns a decorator that makes a function the meaning of op types."""

    def keep(function: Function) -> Function:
        for name in names:
            FUNCTIONS[name] = function
        return function

    return keep


def _numeric(names: str, function: Callable[..., Any]) -> None:
    def apply(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
        return elementwise(function, *inputs)

    for name in names.split():
        FUNCTIONS[name] = apply
        ELEMENTWISE.add(name)


def _spreading(function: Callable[..., Any]) -> Callable[..., Array]:
    """Lets NaN spread through a function that would make a number of it."""

    def apply(*operands: Array) -> Array:
        result = function(*operands)
        for operand in operands:
            result = np.where(np.isnan(operand.real), np.nan, result)
        return np.asarray(result, np.complex128)

    return apply


def _sign(x: Array) -> Array:
    return np.asarray(np.sign(x.real), np.complex128)


@_spreading
def _larger(x: Array, y: Array) -> Array:
    return np.asarray(np.where(x.real >= y.real, x, y))


@_spreading
def _smaller(x: Array, y: Array) -> Array:
    return np.asarray(np.where(x.real <= y.real, x, y))


def _divide_no_nan(x: Array, y: Array) -> Array:
    return np.asarray(np.where(y == 0, 0, x / np.where(y == 0, 1, y)))


def _floor_divide(x: Array, y: Array) -> Array:
    quotient = _divide_no_nan(x, y).real
    whole = np.round(quotient)
    floored = np.where(np.abs(quotient - whole) < 1e-9, whole, np.floor(quotient))
    # A size that is fed is a symbol, no whole number; floored it would be 0.
    return np.asarray(np.where(y == 1, x, floored), np.complex128)


_numeric("Add AddV2 BiasAdd BiasAddV1", np.add)
_numeric("Sub", np.subtract)
_numeric("Mul MulNoNan", np.multiply)
_numeric("Div RealDiv", np.divide)
_numeric("DivNoNan", _divide_no_nan)
_numeric("FloorDiv TruncateDiv", _floor_divide)
_numeric("FloorMod Mod TruncateMod", lambda x, y: np.mod(x.real, np.where(y == 0, 1, y).real) + 0j)
_numeric("Neg", np.negative)
_numeric("Square", np.square)
_numeric("Sqrt", np.sqrt)
_numeric("Rsqrt", lambda x: 1 / np.sqrt(x))
_numeric("Inv Reciprocal", lambda x: 1 / x)
_numeric("Abs ComplexAbs", lambda x: x * _sign(x))
_numeric("Sign", _sign)
_numeric("Exp", np.exp)
_numeric("Expm1", lambda x: np.exp(x) - 1)
_numeric("Log", np.log)
_numeric("Log1p", lambda x: np.log(1 + x))
_numeric("Tanh", np.tanh)
_numeric("Sin", np.sin)
_numeric("Cos", np.cos)
_numeric("Sigmoid", lambda x: 1 / (1 + np.exp(-x)))
_numeric("Softplus", lambda x: np.log(1 + np.exp(x)))
_numeric("Relu", _spreading(lambda x: np.where(x.real > 0, x, 0)))
_numeric("Pow", np.power)
_numeric("SquaredDifference", lambda x, y: np.square(x - y))
_numeric("Maximum", _larger)
_numeric("Minimum", _smaller)
_numeric("Floor", lambda x: np.floor(x.real) + 0j)
_numeric("Equal", _spreading(lambda x, y: x.real == y.real))
_numeric("NotEqual", _spreading(lambda x, y: x.real != y.real))
_numeric("Greater", _spreading(lambda x, y: x.real > y.real))
_numeric("GreaterEqual", _spreading(lambda x, y: x.real >= y.real))
_numeric("Less", _spreading(lambda x, y: x.real < y.real))
_numeric("LessEqual", _spreading(lambda x, y: x.real <= y.real))
_numeric("LogicalAnd", lambda x, y: x * y)
_numeric("LogicalNot", lambda x: 1 - x)
_numeric("SqrtGrad", lambda y, dy: dy * 0.5 / y)
_numeric("RsqrtGrad", lambda y, dy: dy * -0.5 * y**3)
_numeric("InvGrad ReciprocalGrad", lambda y, dy: -dy * y * y)
_numeric("TanhGrad", lambda y, dy: dy * (1 - y * y))
_numeric("SigmoidGrad", lambda y, dy: dy * y * (1 - y))
_numeric("SoftplusGrad", lambda dy, x: dy / (1 + np.exp(-x)))
_numeric("ReluGrad", _spreading(lambda dy, x: np.where(x.real > 0, dy, 0)))
_numeric("Conj Real", lambda x: x)
_numeric("IsFinite", _spreading(lambda x: np.isfinite(x.real)))


@register("AddN", "AccumulateNV2")
def _add_n(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    total = inputs[0]
    for tensor in inputs[1:]:
        total = elementwise(np.add, total, tensor)
    return total


@register("Cast")
def _cast(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return inputs[0]


@register("ClipByValue")
def _clip(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    return elementwise(_smaller, elementwise(_larger, inputs[0], inputs[1]), inputs[2])


@register("L2Loss")
def _l2_loss(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    total = elementwise(np.square, inputs[0]).total(None)
    return Sampled((), total / 2)


@register("Sum", "Mean")
def _sum(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    axes = sampled.integers(inputs[1]) if len(inputs) > 1 else None
    return sampled.reduce(inputs[0], axes, bool(attr("keep_dims")), attr("op") == "Mean")


@register("Prod", "Max", "Min")
def _fold(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor, axes = sampled.collapse(inputs[0]), sampled.integers(inputs[1])
    if tensor.shape is None or axes is None:
        return NOTHING
    if axes == ():
        return tensor
    rank = len(tensor.shape)
    chosen = {axis % rank for axis in axes} if rank else set()
    keep = bool(attr("keep_dims"))
    shape = tuple(
        1 if axis in chosen else size
        for axis, size in enumerate(tensor.shape)
        if keep or axis not in chosen
    )
    if tensor.is_filled:
        if attr("op") == "Prod":
            return Sampled(shape, tensor.array ** math.prod(tensor.shape[a] for a in chosen))
        return Sampled(shape, tensor.array)
    axis = tuple(a + 1 for a in chosen)
    if attr("op") == "Prod":
        return Sampled(shape, tensor.array.prod(axis=axis, keepdims=keep))
    order = tensor.array.real.max if attr("op") == "Max" else tensor.array.real.min
    best = order(axis=axis, keepdims=True)
    hit = tensor.array.real == best
    mean = np.where(hit, tensor.array, 0).sum(axis=axis, keepdims=keep)
    return Sampled(shape, mean / hit.sum(axis=axis, keepdims=keep))


@register("EuclideanNorm")
def _norm(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    axes = sampled.integers(inputs[1])
    squares = elementwise(np.square, inputs[0])
    return elementwise(np.sqrt, sampled.reduce(squares, axes, bool(attr("keep_dims")), False))


@register("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def _matmul(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    left, right = (sampled.collapse(tensor) for tensor in inputs)
    left = _transposed(left) if attr("transpose_a") or attr("adj_x") else left
    right = _transposed(right) if attr("transpose_b") or attr("adj_y") else right
    if left.shape is None or right.shape is None or min(len(left.shape), len(right.shape)) < 2:
        return NOTHING
    if left.shape[-1] != right.shape[-2]:
        return NOTHING
    shape = (*left.shape[:-1], right.shape[-1])
    if left.is_filled and right.is_filled:
        return Sampled(shape, left.array * right.array * left.shape[-1])
    if left.is_filled or right.is_filled:
        # A matrix of equal elements times a matrix: row or column sums.
        solid = right if left.is_filled else left
        sums = solid.array.sum(axis=-2 if left.is_filled else -1, keepdims=True)
        factor = (left if left.is_filled else right).array
        result = sums * factor.reshape((-1,) + (1,) * (sums.ndim - 1))
        if math.prod(shape) * sampled.DRAWS > sampled.MAX_DENSE:
            return Sampled(shape, NOTHING.array)
        return Sampled(shape, np.broadcast_to(result, (result.shape[0], *shape)))
    return Sampled(shape, np.matmul(left.array, right.array))


def _transposed(tensor: Sampled) -> Sampled:
    if tensor.shape is None or len(tensor.shape) < 2:
        return tensor
    shape = (*tensor.shape[:-2], tensor.shape[-1], tensor.shape[-2])
    return Sampled(shape, tensor.array if tensor.is_filled else tensor.array.swapaxes(-1, -2))


def _is_main(inputs: list[Sampled], position: int) -> bool:
    """Whether an op works on the main diagonal; its later versions say on which."""
    if len(inputs) <= position:
        return True
    return sampled.integers(inputs[position]) in ((0,), (0, 0))


@register("MatrixDiag", "MatrixDiagV2", "MatrixDiagV3", "Diag")
def _diagonal(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor = sampled.collapse(inputs[0])
    if tensor.shape is None or len(tensor.shape) != 1 or not _is_main(inputs, 1):
        return NOTHING
    size = tensor.shape[0]
    if size * size * sampled.DRAWS > sampled.MAX_DENSE:
        return Sampled((size, size), NOTHING.array)
    column = tensor.array[:, None] if tensor.is_filled else tensor.array
    return Sampled((size, size), column[:, :, None] * np.eye(size))


@register("MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3")
def _set_diagonal(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor = sampled.densify(inputs[0])
    diagonal = sampled.densify(inputs[1])
    if not _is_main(inputs, 2):
        return NOTHING
    if tensor is None or diagonal is None or tensor.shape is None or len(tensor.shape) != 2:
        return NOTHING
    rows, columns = tensor.shape
    draws = max(tensor.array.shape[0], diagonal.array.shape[0])
    array = np.broadcast_to(tensor.array, (draws, rows, columns)).copy()
    spots = np.arange(min(rows, columns))
    array[:, spots, spots] = np.broadcast_to(diagonal.array, (draws, len(spots)))
    return Sampled((rows, columns), array)


@register("DiagPart", "MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3")
def _diagonal_part(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    tensor = sampled.collapse(inputs[0])
    if tensor.shape is None or len(tensor.shape) != 2 or not _is_main(inputs, 1):
        return NOTHING
    size = min(tensor.shape)
    if tensor.is_filled:
        return Sampled((size,), tensor.array)
    return Sampled((size,), np.diagonal(tensor.array, axis1=1, axis2=2))


def _as_column(tensor: Sampled, rank: int) -> Sampled:
    if tensor.shape is None or len(tensor.shape) != 1:
        return tensor
    shape = (*tensor.shape, *(1,) * (rank - 1))
    array = tensor.array
    return Sampled(shape, array if tensor.is_filled else array.reshape((array.shape[0], *shape)))


@register("Select", "SelectV2")
def _select(inputs: list[Sampled], attr: Attr, port: int) -> Sampled:
    """Takes the branch that a known predicate chooses, else a mixture of both.

    The mixing weight is the predicate's own random number: what stands in both
    branches keeps its coefficient, what stands in one has a symbolic one.
    """
    predicate, yes, no = inputs
    rank = None if yes.shape is None else len(yes.shape)
    if attr("op") == "Select" and predicate.shape and rank is not None and rank > 1:
        # The first version's vector chooses rows, where broadcasting chooses columns.
        predicate = _as_column(sampled.collapse(predicate), rank)
    weight = elementwise(lambda p: np.where(np.isnan(p.real), 0.5, p), predicate)
    taken = elementwise(np.multiply, weight, yes)
    return elementwise(
        np.add, taken, elementwise(np.multiply, elementwise(lambda w: 1 - w, weight), no)
    )
