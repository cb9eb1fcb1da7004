# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Each op of the numeric table beside the NumPy function that it stands for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.helpers.op_numbers import Array, Case, V

_FUNCTIONS_OF_ONE: dict[str, Callable[[Array], Any]] = {
    "Neg": np.negative,
    "Square": np.square,
    "Sqrt": np.sqrt,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Inv": lambda x: 1 / x,
    "Reciprocal": lambda x: 1 / x,
    "Exp": np.exp,
    "Expm1": np.expm1,
    "Log": np.log,
    "Log1p": np.log1p,
    "Tanh": np.tanh,
    "Sin": np.sin,
    "Cos": np.cos,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Softplus": lambda x: np.log1p(np.exp(x)),
    "Conj": np.conj,
    "Real": np.real,
    "IsFinite": np.isfinite,
    "L2Loss": lambda x: (x**2).sum() / 2,
    "ZerosLike": np.zeros_like,
    "OnesLike": np.ones_like,
    "Cast": lambda x: x,
}


_FUNCTIONS_OF_SIGNED: dict[str, Callable[[Array], Any]] = {
    "Abs": np.abs,
    "ComplexAbs": np.abs,
    "Sign": np.sign,
    "Relu": lambda x: np.maximum(x, 0),
    "Floor": np.floor,
}


_SAME = """Identity Snapshot CheckNumerics CheckNumericsV2 EnsureShape Enter RefEnter Exit RefExit
RefIdentity NextIteration StopGradient PreventGradient Copy DebugIdentity DebugIdentityV2
DebugGradientIdentity _Retval XlaSharding OptimizationBarrier OptionalFromValue OptionalGetValue
Print"""


_FUNCTIONS_OF_TWO: dict[str, Callable[[Array, Array], Any]] = {
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "MulNoNan": np.multiply,
    "Div": np.divide,
    "RealDiv": np.divide,
    "DivNoNan": np.divide,
    "Pow": np.power,
    "SquaredDifference": lambda x, y: (x - y) ** 2,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "FloorDiv": np.floor_divide,
    "TruncateDiv": np.floor_divide,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
}


# Formulas of tensorflow/core/kernels/cwise_ops_gradients.h.
_GRADIENTS: dict[str, Callable[[Array, Array], Any]] = {
    "SqrtGrad": lambda y, dy: dy * 0.5 / y,
    "RsqrtGrad": lambda y, dy: dy * -0.5 * y**3,
    "InvGrad": lambda y, dy: -dy * y * y,
    "ReciprocalGrad": lambda y, dy: -dy * y * y,
    "TanhGrad": lambda y, dy: dy * (1 - y * y),
    "SigmoidGrad": lambda y, dy: dy * y * (1 - y),
    "SoftplusGrad": lambda dy, x: dy / (1 + np.exp(-x)),
    "ReluGrad": lambda dy, x: np.where(x > 0, dy, 0),
}


def _elementwise() -> list[Case]:
    cases = [Case(op, [V((2, 3))], f) for op, f in _FUNCTIONS_OF_ONE.items()]
    cases += [Case(op, [V((2, 3), -1.5)], f) for op, f in _FUNCTIONS_OF_SIGNED.items()]
    cases += [Case(op, [V((2, 3))], lambda x: x) for op in _SAME.split()]
    for op, function in _FUNCTIONS_OF_TWO.items():
        for shapes in (
            ((2, 3), (2, 3)),
            ((2, 3), ()),
            ((), (2, 3)),
            ((2, 3), (3,)),
            ((2, 1), (3,)),
        ):
            cases.append(Case(op, [V(shape) for shape in shapes], function))
    cases += [Case(op, [V((2, 3)), V((2, 3))], f) for op, f in _GRADIENTS.items()]
    for op in ("FloorMod", "Mod", "TruncateMod"):
        cases.append(Case(op, [[7, 9, 4], [2, 4, 5]], np.mod))
    for op in ("FloorDiv", "TruncateDiv"):
        cases.append(Case(op, [[7, 9, 4], [2, 4, 5]], np.floor_divide))
        cases.append(Case(op, [[7, 9, 4], 4], np.floor_divide))
        cases.append(Case(op, [np.full((2, 3), 9), 4], np.floor_divide))
    for op in ("BiasAdd", "BiasAddV1"):
        cases.append(Case(op, [V((4, 3)), V((3,))], np.add))
    for op in ("AddN", "AccumulateNV2"):
        cases.append(Case(op, [V((2, 3))] * 3, lambda *parts: sum(parts)))
    cases.append(Case("ClipByValue", [V((2, 3)), V((), 0.7), V((), 1.1)], np.clip))
    cases.append(Case("LogicalAnd", [[1, 1, 0, 0], [1, 0, 1, 0]], np.logical_and))
    cases.append(Case("LogicalNot", [[1, 0]], np.logical_not))
    for op in ("Select", "SelectV2"):
        cases.append(Case(op, [[[1, 0, 1], [0, 0, 1]], V((2, 3)), V((2, 3))], np.where))
    cases.append(Case("SelectV2", [1, V((2, 3)), V((2, 3))], np.where))
    for op in ("Switch", "RefSwitch"):
        for port in (0, 1):
            cases.append(Case(op, [V((2, 3)), 1], lambda x, p: x, port=port))
    return cases


def _reductions() -> list[Case]:
    cases = []
    functions: dict[str, Any] = {"Sum": np.sum, "Mean": np.mean, "Prod": np.prod}
    functions |= {"Max": np.max, "Min": np.min}
    functions["EuclideanNorm"] = lambda x, axis, keepdims: np.sqrt(
        (x**2).sum(axis=axis, keepdims=keepdims)
    )
    for (op, function), axes, keep in itertools.product(
        functions.items(), ([0], [1], [-1], [0, 1], [2, 0], 1), (False, True)
    ):
        axis = tuple(axes) if isinstance(axes, list) else (axes,)

        def expected(x: Array, _: Array, f: Any = function, a: Any = axis, k: bool = keep) -> Any:
            return f(x, axis=a, keepdims=k)

        cases.append(Case(op, [V((2, 3, 4)), axes], expected, {"keep_dims": keep}))
    none = np.zeros(0, np.int32)
    cases += [Case(op, [V((2, 3)), none], lambda x, a: x) for op in functions if op[0] != "E"]
    cases += [
        Case(op, [V(()), none], lambda x, a: x) for op in ("Sum", "Mean", "Max", "Min", "Prod")
    ]
    return cases


def _transposes(left: bool, right: bool) -> Callable[[Array, Array], Any]:
    return lambda a, b: (a.swapaxes(-1, -2) if left else a) @ (b.swapaxes(-1, -2) if right else b)


def _matrices() -> list[Case]:
    cases = []
    for left, right in itertools.product((False, True), repeat=2):
        shapes = [V((3, 2) if left else (2, 3)), V((4, 3) if right else (3, 4))]
        attrs = {"transpose_a": left, "transpose_b": right}
        cases.append(Case("MatMul", shapes, _transposes(left, right), attrs))
        batch = [V((5, *shape.shape)) for shape in shapes]
        attrs = {"adj_x": left, "adj_y": right}
        for op in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
            cases.append(Case(op, batch, _transposes(left, right), attrs))
    cases.append(Case("BatchMatMulV2", [V((5, 2, 3)), V((3, 4))], np.matmul, dense=False))
    for op in ("Diag", "MatrixDiag", "MatrixDiagV2", "MatrixDiagV3"):
        cases.append(Case(op, [V((3,))], np.diag))
    for op in ("DiagPart", "MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3"):
        cases.append(Case(op, [V((3, 3))], np.diag))
    cases.append(Case("MatrixDiagPart", [V((2, 3))], np.diag))
    for op in ("MatrixSetDiag", "MatrixSetDiagV2", "MatrixSetDiagV3"):
        cases.append(Case(op, [V((3, 3)), V((3,))], _with_diagonal))
    return cases


def _with_diagonal(matrix: Array, diagonal: Array) -> Array:
    found = matrix.copy()
    np.fill_diagonal(found, diagonal)
    return found


def _layouts() -> list[Case]:
    cases = [
        Case("Reshape", [V((2, 3)), [3, 2]], lambda x, d: x.reshape(3, 2)),
        Case("Reshape", [V((2, 3)), [-1]], lambda x, d: x.reshape(-1)),
        Case("Reshape", [V((2, 3, 4)), [2, -1, 2]], lambda x, d: x.reshape(2, -1, 2)),
        Case("Reshape", [V((1,)), np.zeros(0, np.int32)], lambda x, d: x.reshape(())),
        Case("ExpandDims", [V((2, 3)), 0], lambda x, a: x[None]),
        Case("ExpandDims", [V((2, 3)), 1], lambda x, a: x[:, None]),
        Case("ExpandDims", [V((2, 3)), -1], lambda x, a: x[..., None]),
        Case("Squeeze", [V((1, 3, 1))], np.squeeze),
        Case("Squeeze", [V((1, 3, 1))], lambda x: x[0], {"squeeze_dims": (0,)}),
        Case("Squeeze", [V((1, 3, 1))], lambda x: x[..., 0], {"squeeze_dims": (-1,)}),
        Case("Transpose", [V((2, 3)), [1, 0]], lambda x, p: x.T),
        Case("Transpose", [V((2, 3, 4)), [2, 0, 1]], lambda x, p: x.transpose(2, 0, 1)),
        Case("Fill", [[2, 3], V(())], lambda d, x: np.full((2, 3), x)),
        Case("BroadcastTo", [V((3,)), [2, 3]], lambda x, d: np.broadcast_to(x, (2, 3))),
        Case("BroadcastTo", [V((2, 1)), [2, 3]], lambda x, d: np.broadcast_to(x, (2, 3))),
        Case("Tile", [V((2, 3)), [2, 1]], lambda x, m: np.tile(x, (2, 1))),
        Case("Tile", [V((1, 1)), [4, 5]], lambda x, m: np.tile(x, (4, 5))),
        Case("Pack", [V((2, 3))] * 3, lambda *p: np.stack(p), {"axis": 0}),
        Case("Pack", [V(())] * 3, lambda *p: np.stack(p), {"axis": 0}),
        Case("Pack", [V((2, 3))] * 2, lambda *p: np.stack(p, 1), {"axis": 1}, 0, False, False),
        Case("ConcatV2", [V((2, 3)), V((4, 3)), 0], lambda a, b, _: np.concatenate([a, b])),
        Case("ConcatV2", [V((2,)), V((4,)), -1], lambda a, b, _: np.concatenate([a, b])),
        Case("Concat", [0, V((2, 3)), V((4, 3))], lambda _, a, b: np.concatenate([a, b])),
        Case(
            "ConcatV2",
            [V((2, 3)), V((2, 1)), 1],
            lambda a, b, _: np.concatenate([a, b], 1),
            dense=False,
            filled=False,
        ),
        Case("Slice", [V((4, 3)), [1, 0], [2, 3]], lambda x, b, s: x[1:3]),
        Case("Slice", [V((4, 3)), [1, 1], [-1, 1]], lambda x, b, s: x[1:, 1:2]),
        Case("ZerosLike", [V(())], np.zeros_like),
    ]
    for port in range(2):
        cases += [
            Case("Unpack", [V((2, 3))], lambda x, p=port: x[p], {"axis": 0}, port),
            Case("Unpack", [V((3, 2))], lambda x, p=port: x[:, p], {"axis": 1}, port, False),
            Case("Unpack", [V((3, 2))], lambda x, p=port: x[:, p], {"axis": -1}, port, False),
            Case(
                "Split",
                [0, V((4, 3))],
                lambda _, x, p=port: np.split(x, 2)[p],
                {"num_split": 2},
                port,
                False,
            ),
            Case(
                "SplitV",
                [V((4, 3)), [1, 3], 0],
                lambda x, s, _, p=port: np.split(x, [1])[p],
                {"num_split": 2},
                port,
                False,
            ),
        ]
    for op in ("Gather", "ResourceGather"):
        cases.append(Case(op, [V((4, 3)), [2, 0]], lambda x, i: x[[2, 0]]))
        cases.append(Case(op, [V((4, 3)), 1], lambda x, i: x[1]))
    cases.append(Case("GatherV2", [V((4, 3)), [2, 0], 0], lambda x, i, a: x[[2, 0]]))
    cases.append(
        Case(
            "GatherV2",
            [V((3, 3)), [2, 0], 1],
            lambda x, i, a: x[:, [2, 0]],
            dense=False,
            filled=False,
        )
    )
    return cases


def _shapes() -> list[Case]:
    def stitched(*_: Array) -> list[int]:
        return [10, 20, 30]

    cases = [
        Case("Shape", [V((2, 3))], lambda x: [2, 3]),
        Case("VariableShape", [V((2, 3))], lambda x: [2, 3]),
        Case("ShapeN", [V((2, 3)), V((4,))], lambda x, y: [4], port=1),
        Case("Size", [V((2, 3))], lambda x: 6),
        Case("Rank", [V((2, 3))], lambda x: 2),
        Case("Rank", [V(())], lambda x: 0),
        Case("Range", [0, 5, 2], lambda *_: [0, 2, 4]),
        Case("Range", [3, 0, -1], lambda *_: [3, 2, 1]),
        Case("BroadcastArgs", [[2, 1], [3]], lambda *_: [2, 3]),
        Case("InvertPermutation", [[2, 0, 1]], lambda _: [1, 2, 0]),
    ]
    for op in ("DynamicStitch", "ParallelDynamicStitch"):
        cases.append(Case(op, [[0, 2], [1], [10, 30], [20]], stitched))
    for mine, other, axes in (([2, 3], [3], ([], [0])), ([1, 3], [2, 1], ([0], [1]))):
        for port in (0, 1):
            cases.append(
                Case(
                    "BroadcastGradientArgs",
                    [mine, other],
                    lambda *_, a=axes, p=port: a[p],
                    port=port,
                )
            )
    return cases


CASES = _elementwise() + _reductions() + _matrices() + _layouts() + _shapes()
