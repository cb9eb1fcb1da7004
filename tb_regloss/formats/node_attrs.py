# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Attributes of NodeDefs as plain values (`tensorflow/core/framework/attr_value.proto`)."""

from __future__ import annotations

import bisect
import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from google.protobuf import message
from tensorboard.compat.proto import attr_value_pb2, node_def_pb2

from tb_regloss import errors
from tb_regloss.analysis.graph.op_graph import Constant
from tb_regloss.formats import light_graph, tensor_values

# Attributes that decide what an op computes; the rest are hints and types.
_KEY_ATTRS = (
    *("DstT", "axis", "keep_dims", "transpose_a", "transpose_b", "adj_x", "adj_y", "N"),
    *("equation", "shrink_axis_mask", "new_axis_mask", "exclusive", "reverse"),
)

# The AttrValue field of attributes that the analysis reads (`*_ops.cc`).
_SHAPE_LISTS = ("_output_shapes", "_handle_shapes")
_FIELDS = dict.fromkeys((*_SHAPE_LISTS, "squeeze_dims"), "list")
_FIELDS |= {"shape": "shape", "dtype": "type", "T": "type"}
_FIELDS |= dict.fromkeys(("keep_dims", "transpose_a", "transpose_b", "adj_x", "adj_y"), "b")
_FIELDS |= dict.fromkeys(("exclusive", "reverse"), "b")
_FIELDS |= dict.fromkeys(("axis", "num_split", "group_key", "group_size", "instance_key"), "i")
_FIELDS |= dict.fromkeys(("num_devices", "begin_mask", "end_mask", "shrink_axis_mask"), "i")
_FIELDS |= dict.fromkeys(("ellipsis_mask", "new_axis_mask"), "i")
_FIELDS |= dict.fromkeys(("shared_name", "final_op", "reduction", "equation"), "s")


# Attributes up to this size are unpacked once for all nodes that have them.
_SHARED_BYTES = 256
_KEY_TAG, _VALUE_TAG = b"\x0a", b"\x12"  # fields 1 and 2, of variable length


@functools.cache
def _head(name: str) -> bytes:
    """Returns how the entry of an attribute begins: all of it but the value."""
    key = name.encode()
    return _KEY_TAG + bytes([len(key)]) + key + _VALUE_TAG


@functools.cache
def _begins(name: str) -> Callable[[bytes], bool]:
    return operator.methodcaller("startswith", _head(name))


_KEY_HEADS = tuple(map(_head, _KEY_ATTRS))
_HAS_KEY = operator.methodcaller("startswith", _KEY_HEADS)
_HAS_KEY_FIRST = operator.methodcaller("startswith", _KEY_TAG)


class NodeAttrs:
    """Reads attributes from serialized NodeDefs, of nodes that have one."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._blocks: list[Sequence[bytes]] = []
        self._last: tuple[int, list[bytes]] = -1, []

    def add(self, first: int, nodes: Sequence[bytes]) -> None:
        """Adds the nodes from a number on, which is higher than all before."""
        self._firsts.append(first)
        self._blocks.append(nodes)

    def _node(self, node: int) -> bytes:
        block = bisect.bisect_right(self._firsts, node) - 1
        nodes, place = self._blocks[block], node - self._firsts[block]
        return nodes[place] if place < len(nodes) else b""

    def _entries(self, node: int) -> list[bytes]:
        """Returns the serialized attributes of a node, each a key and a value."""
        # Who asks for one often asks for another one next.
        if node != self._last[0]:
            self._last = node, light_graph.Attrs.FromString(self._node(node)).attr[:]
        return self._last[1]

    def value(self, node: int, name: str) -> Any:
        """Returns an attribute as an AttrValue, `None` where it is not set."""
        entry = self._entry(node, name)
        return None if entry is None else _unpacked(entry)

    def attr(self, node: int, name: str) -> Any:
        """Returns an attribute, `None` where it is not set; see `AttrReader`."""
        entry = self._entry(node, name)
        if entry is None:
            return None
        return _shared_attr(name, entry) if len(entry) <= _SHARED_BYTES else _attr(name, entry)

    def constant(self, node: int) -> Constant | None:
        """Returns the value of a Const node, `None` where it does not parse."""
        entry = self._entry(node, "value")
        if entry is None:
            return None
        return _shared_constant(entry) if len(entry) <= _SHARED_BYTES else _constant(entry)

    def key(self, node: int) -> str:
        """Returns what, beside its inputs, decides what a node computes."""
        kept = tuple(filter(_HAS_KEY, self._entries(node)))
        return _shared_key(kept) if kept else ""

    def _entry(self, node: int, name: str) -> bytes | None:
        """Returns the serialized entry of an attribute, `None` where it is not set."""
        entries = self._entries(node)
        found = list(filter(_begins(name), entries))
        if not found and not all(map(_HAS_KEY_FIRST, entries)):
            # Written in another way than any library does.
            found = [entry for entry in entries if _parsed(light_graph.Entry, entry).key == name]
        return found[-1] if found else None


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except message.DecodeError as error:
        raise errors.UnreadableError(f"an op's attributes do not parse ({error})") from error


def _unpacked(entry: bytes) -> Any:
    """Returns the value of an entry of a map of attributes."""
    return _parsed(attr_value_pb2.AttrValue, _parsed(light_graph.Entry, entry).value)


def _key(entries: tuple[bytes, ...]) -> str:
    data = light_graph.Attrs(attr=entries).SerializeToString()
    attrs = _parsed(node_def_pb2.NodeDef, data).attr
    return ";".join(f"{name}={plain_attr(attrs[name])}" for name in _KEY_ATTRS if name in attrs)


def _attr(name: str, entry: bytes) -> Any:
    return _typed_attr(name, _unpacked(entry))


def _constant(entry: bytes) -> Constant | None:
    return tensor_values.constant(_unpacked(entry).tensor)


# Of the attributes of a large graph nearly all are equal to others.
_shared_key = functools.lru_cache(maxsize=1 << 12)(_key)
_shared_attr = functools.lru_cache(maxsize=1 << 12)(_attr)
_shared_constant = functools.lru_cache(maxsize=1 << 12)(_constant)


def _typed_attr(name: str, value: Any) -> Any:
    expected = _FIELDS.get(name)
    # What holds something else than its op allows is as good as not set.
    if expected is not None and value.WhichOneof("value") != expected:
        return None
    if name in _SHAPE_LISTS:
        return tuple(map(_plain_shape, value.list.shape))
    return tuple(value.list.i) if name == "squeeze_dims" else plain_attr(value)


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
