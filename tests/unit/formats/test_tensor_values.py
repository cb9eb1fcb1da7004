# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Constants: small ones as they are, splats as one number, huge and odd ones not at all."""

from __future__ import annotations

import numpy as np
import pytest
from tensorboard.compat.proto import tensor_pb2, types_pb2

from tb_regloss.formats import tensor_values
from tests.helpers.graphs import shape_proto, tensor_proto


def splat(shape: tuple[int, ...], value: float = 2.0) -> tensor_pb2.TensorProto:
    return tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT, tensor_shape=shape_proto(shape), float_val=[value]
    )


def test_elements_are_read() -> None:
    found = tensor_values.constant(tensor_proto([[1, 2], [3, 4]]))
    assert found is not None
    assert found.shape == (2, 2)
    assert np.array_equal(found.array, [[1, 2], [3, 4]])
    assert not found.is_float


@pytest.mark.parametrize("shape", [(), (1,), (3, 2), (1 << 20, 1 << 10), (1 << 40, 1 << 20)])
def test_equal_elements_are_one_number(shape: tuple[int, ...]) -> None:
    found = tensor_values.constant(splat(shape))
    assert found is not None
    assert found.shape == shape
    assert found.array is not None
    assert found.array.size == 1
    assert found.array.item() == 2.0
    assert found.is_float


def test_many_different_elements_are_not_unpacked() -> None:
    found = tensor_values.constant(tensor_proto(np.arange(1 << 15, dtype=np.float32)))
    assert found is not None
    assert found.array is None
    assert found.shape == (1 << 15,)


@pytest.mark.parametrize(
    ("dtype", "field", "stored"),
    [
        (types_pb2.DT_HALF, "half_val", 0x3E00),
        (types_pb2.DT_BFLOAT16, "half_val", 0x3FC0),
        (types_pb2.DT_DOUBLE, "double_val", 1.5),
        (types_pb2.DT_FLOAT, "float_val", 1.5),
    ],
    ids=["half", "bfloat16", "double", "float"],
)
def test_precisions(dtype: int, field: str, stored: float) -> None:
    proto = tensor_pb2.TensorProto(dtype=dtype, tensor_shape=shape_proto(()))
    getattr(proto, field).append(stored)
    found = tensor_values.constant(proto)
    assert found is not None
    assert found.is_float
    assert float(found.array) == 1.5


def test_text_is_no_number() -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[b"tag"])
    found = tensor_values.constant(proto)
    assert found is not None
    assert found.array is None
    assert not found.is_float


def odd(**fields: object) -> tensor_pb2.TensorProto:
    fields.setdefault("dtype", types_pb2.DT_FLOAT)
    fields["tensor_shape"] = shape_proto(fields.pop("shape", (2, 3)))
    return tensor_pb2.TensorProto(**fields)


@pytest.mark.parametrize(
    "proto",
    [
        odd(shape=(-5,), float_val=[1.0]),
        odd(shape=(None, 3), float_val=[1.0]),
        odd(tensor_content=b"\0" * 7),
        odd(tensor_content=b"\0" * 20),
        odd(tensor_content=b"\0" * 48),
        odd(dtype=0, float_val=[1.0]),
        odd(dtype=77, float_val=[1.0]),
        odd(dtype=types_pb2.DT_RESOURCE),
        odd(dtype=types_pb2.DT_VARIANT),
    ],
    ids=[
        *("negative", "unknown size", "half an element", "too short", "too long"),
        *("no type", "unknown type", "resource", "variant"),
    ],
)
def test_bytes_that_make_no_tensor_are_none(proto: tensor_pb2.TensorProto) -> None:
    found = tensor_values.constant(proto)
    assert found is None or found.array is None


def test_more_values_than_elements_do_not_crash() -> None:
    found = tensor_values.constant(odd(shape=(2,), float_val=[1.0, 2.0, 3.0]))
    assert found is None or found.shape == (2,)
