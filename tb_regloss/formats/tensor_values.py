# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TensorProto -> the little that an analysis wants to know of it."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from tensorboard.compat.proto import tensor_pb2, types_pb2
from tensorboard.util import tensor_util

from tb_regloss.analysis.graph.op_graph import Constant

# More elements than any shape, axis or strength has. A stored data set or a
# frozen weight matrix is not unpacked: graphs may hold 2 GB of them.
_MAX_ELEMENTS = 1 << 14
_FLOATS = frozenset(
    getattr(types_pb2, name)
    for name in ("DT_FLOAT", "DT_DOUBLE", "DT_HALF", "DT_BFLOAT16", "DT_COMPLEX64", "DT_COMPLEX128")
)
# What nearly all constants of a graph are, read without the detour over TensorBoard's types.
_PLAIN: dict[int, tuple[np.dtype[Any], str]] = {
    types_pb2.DT_FLOAT: (np.dtype("<f4"), "float_val"),
    types_pb2.DT_INT32: (np.dtype("<i4"), "int_val"),
    types_pb2.DT_INT64: (np.dtype("<i8"), "int64_val"),
}
_SHARED_BYTES = 256
_FIELDS = ("float_val", "double_val", "int_val", "int64_val", "half_val", "bool_val")


def constant(proto: tensor_pb2.TensorProto) -> Constant | None:
    """Returns the value of a tensor, `None` where the bytes make no tensor."""
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        return None
    is_float = proto.dtype in _FLOATS
    count = math.prod(shape)
    if count > _MAX_ELEMENTS and not _is_splat(proto):
        return Constant(shape, None, is_float)
    if count > _MAX_ELEMENTS:
        small = tensor_pb2.TensorProto()
        small.CopyFrom(proto)
        small.tensor_shape.Clear()
        array = _array(small)
        return None if array is None else Constant(shape, array, is_float)
    if proto.dtype in _PLAIN:
        dtype, field = _PLAIN[proto.dtype]
        content, elements = proto.tensor_content, getattr(proto, field)
        if content and len(content) == count * dtype.itemsize <= _SHARED_BYTES:
            return _plain(proto.dtype, shape, content)
        if not content and len(elements) == 1:
            return _plain(proto.dtype, shape, elements[0])
    array = _array(proto)
    if array is None:
        return None
    return _constant(array, shape, is_float)


# A graph has thousands of axes and shapes, nearly all of them equal.
@functools.lru_cache(maxsize=1 << 12)
def _plain(kind: int, shape: tuple[int, ...], content: bytes | float) -> Constant | None:
    """Returns a tensor of a usual type that is spelled out, or of which one element is."""
    dtype = _PLAIN[kind][0]
    if isinstance(content, bytes):
        array = np.frombuffer(content, dtype).reshape(shape)
    else:
        array = np.full(shape, content, dtype)
    return _constant(array, shape, kind in _FLOATS)


def _constant(
    array: np.ndarray[Any, Any], shape: tuple[int, ...], is_float: bool
) -> Constant | None:
    if array.dtype.kind not in "biufc":
        return Constant(shape, None, is_float)
    if array.size and array.ndim and (array == array.flat[0]).all():
        array = np.asarray(array.flat[0])
    return Constant(shape, array, is_float)


def _is_splat(proto: tensor_pb2.TensorProto) -> bool:
    if proto.tensor_content:
        return False
    return any(len(getattr(proto, field)) == 1 for field in _FIELDS)


def _array(proto: tensor_pb2.TensorProto) -> np.ndarray[Any, Any] | None:
    try:
        if proto.dtype == types_pb2.DT_BFLOAT16:
            return _bfloat16(proto)
        return np.asarray(tensor_util.make_ndarray(proto))
    except (TypeError, ValueError, IndexError, KeyError, OverflowError):
        return None


def _bfloat16(proto: tensor_pb2.TensorProto) -> np.ndarray[Any, Any]:
    """Returns a tensor of the type that TensorBoard cannot read: the upper half of float32."""
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    content = proto.tensor_content
    upper = np.frombuffer(content, "<u2") if content else np.asarray(proto.half_val, np.uint16)
    values = (upper.astype(np.uint32) << 16).view(np.float32)
    # Of equal elements at the end only the first is stored.
    missing = max(math.prod(shape) - len(values), 0)
    return np.concatenate([values, np.full(missing, values[-1])]).reshape(shape)
