# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""How many inputs ops have, for those whose inputs the analysis tells apart.

A node with another number is no such op, whatever it is called, and nothing may
be concluded from what it looks like. TensorFlow refuses to load such a graph;
a file that was edited or damaged may hold one all the same. The numbers are
those of TensorFlow's op registry (`tensorflow/core/ops/*.cc`, read at 2.21).
"""

from __future__ import annotations

_ANY = 1 << 30
_BOUNDS: dict[str, tuple[int, int]] = {}


def _row(fewest: int, most: int, ops: str) -> None:
    for op in ops.split():
        _BOUNDS[op] = (fewest, most)


_row(1, 1, "Identity RefIdentity Snapshot CheckNumerics CheckNumericsV2 StopGradient")
_row(1, 1, "PreventGradient Enter RefEnter Exit RefExit NextIteration RefNextIteration")
_row(1, 1, "ReadVariableOp Shape Size Rank ZerosLike OnesLike VariableShape Squeeze Cast")
_row(1, 1, "Neg Square Sqrt Rsqrt Abs Sign Exp Log Reciprocal Inv L2Loss Unpack")
_row(1, _ANY, "IdentityN ShapeN AddN AccumulateNV2 Pack Merge RefMerge")
_row(2, 2, "Add AddV2 Sub Mul MulNoNan Div RealDiv DivNoNan Xdivy FloorDiv FloorMod Pow")
_row(2, 2, "Maximum Minimum SquaredDifference BiasAdd BiasAddV1 Reshape ExpandDims")
_row(2, 2, "Transpose Tile BroadcastTo Fill Sum Mean Prod Max Min All Any Switch RefSwitch")
_row(2, 2, "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Gather ResourceGather Split")
_row(2, 2, "BroadcastGradientArgs BroadcastArgs Assign AssignAdd AssignSub AssignVariableOp")
_row(2, 2, "AssignAddVariableOp AssignSubVariableOp StackPush StackPushV2")
_row(1, 2, "TensorListPopBack TensorListStack")  # Without a shape before TensorFlow 1.13.
_row(2, 3, "TensorListGetItem TensorListGather")  # The same.
_row(2, 2, "TensorListPushBack TensorListResize TensorListReserve TensorListFromTensor")
_row(3, 4, "TensorListScatter TensorListScatterV2 TensorListScatterIntoExistingList")
_row(2, _ANY, "ConcatV2 Concat DynamicStitch ParallelDynamicStitch")
_row(1, _ANY, "If StatelessIf Case StatelessCase")
_row(3, 3, "Select SelectV2 GatherV2 Slice SplitV Range ClipByValue UnsortedSegmentSum")
_row(3, 3, "ScatterAdd ScatterSub ScatterUpdate ResourceScatterAdd ResourceScatterSub")
_row(3, 3, "ResourceScatterUpdate TensorListSetItem")
_row(4, 4, "StridedSlice")
_row(5, 5, "StridedSliceGrad")


def can_have(op: str, count: int) -> bool:
    """Returns whether an op may have so many inputs; `True` for an op not listed.

    >>> can_have("Mul", 2), can_have("Mul", 1), can_have("AddN", 7), can_have("Custom", 0)
    (True, False, True, True)
    """
    bounds = _BOUNDS.get(op)
    return bounds is None or bounds[0] <= count <= bounds[1]
