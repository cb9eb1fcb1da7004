# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Attributes of NodeDefs as plain values (`tensorflow/core/framework/attr_value.proto`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorboard.compat.proto import attr_value_pb2

from tb_regloss.analysis.op_graph import Constant
from tb_regloss.formats import tensor_values

# Attributes that decide what an op computes; the rest are hints and types.
_KEY_ATTRS = ("DstT", "axis", "keep_dims", "transpose_a", "transpose_b", "adj_x", "adj_y", "N")

# The AttrValue field of attributes that the analysis reads (`*_ops.cc`).
_SHAPE_LISTS = ("_output_shapes", "_handle_shapes")
_FIELDS = dict.fromkeys((*_SHAPE_LISTS, "squeeze_dims"), "list")
_FIELDS |= {"shape": "shape", "dtype": "type", "T": "type"}
_FIELDS |= dict.fromkeys(("keep_dims", "transpose_a", "transpose_b", "adj_x", "adj_y"), "b")
_FIELDS |= dict.fromkeys(("axis", "num_split", "group_key", "group_size", "instance_key"), "i")
_FIELDS |= dict.fromkeys(("num_devices", "begin_mask", "end_mask", "shrink_axis_mask"), "i")
_FIELDS |= dict.fromkeys(("ellipsis_mask", "new_axis_mask"), "i")
_FIELDS |= dict.fromkeys(("shared_name", "final_op", "reduction"), "s")


class NodeAttrs:
    """Reads attributes from the NodeDefs that were kept, one a node."""

    def __init__(self, defs: Sequence[Any]) -> None:
        self._defs = defs

    def attr(self, node: int, name: str) -> Any:
        """Returns an attribute, `None` where it is not set; see `AttrReader`."""
        node_def = self._defs[node]
        if node_def is None or name not in node_def.attr:
            return None
        value = node_def.attr[name]
        expected = _FIELDS.get(name)
        # What holds something else than its op allows is as good as not set.
        if expected is not None and value.WhichOneof("value") != expected:
            return None
        if name in _SHAPE_LISTS:
            return tuple(map(_plain_shape, value.list.shape))
        return tuple(value.list.i) if name == "squeeze_dims" else plain_attr(value)

    def constant(self, node: int) -> Constant | None:
        """Returns the value of a Const node, `None` where it does not parse."""
        node_def = self._defs[node]
        if node_def is None or "value" not in node_def.attr:
            return None
        return tensor_values.constant(node_def.attr["value"].tensor)

    def key(self, node: int) -> str:
        """Returns what, beside its inputs, decides what a node computes."""
        node_def = self._defs[node]
        if node_def is None:
            return ""
        found = node_def.attr
        return ";".join(f"{name}={plain_attr(found[name])}" for name in _KEY_ATTRS if name in found)


def plain_attr(value: attr_value_pb2.AttrValue) -> Any:
    """Returns an AttrValue as a plain Python value; see `AttrReader.attr`."""
    kind = value.WhichOneof("value")
    if kind == "shape":
        return _plain_shape(value.shape)
    if kind == "func":
        return value.func.name
    if kind == "list":
        parts = value.list
        if parts.shape:
            return tuple(map(_plain_shape, parts.shape))
        if parts.func:
            return tuple(func.name for func in parts.func)
        return tuple(parts.i) or tuple(parts.s) or tuple(parts.type) or tuple(parts.f)
    return getattr(value, kind) if kind else None


def _plain_shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
