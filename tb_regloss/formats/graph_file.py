# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a file that holds a graph is: its name tells little, its bytes tell.

`.pb` is the ending of GraphDefs, MetaGraphDefs and SavedModels alike, binary
and as text.
"""

from __future__ import annotations

import re

from tb_regloss.formats.wire import LENGTH, VARINT, Window, fields

GRAPH_DEF, META_GRAPH, SAVED_MODEL = "graph_def", "meta_graph", "saved_model"
_TEXT_SUFFIX = "_text"

# The first field of a text proto that tells the messages apart
# (tensorflow/core/framework/graph.proto, .../protobuf/{meta_graph,saved_model}.proto).
_TEXT_FIELDS = {
    "node": GRAPH_DEF,
    "library": GRAPH_DEF,
    "versions": GRAPH_DEF,
    "version": GRAPH_DEF,
    "meta_info_def": META_GRAPH,
    "graph_def": META_GRAPH,
    "saver_def": META_GRAPH,
    "collection_def": META_GRAPH,
    "signature_def": META_GRAPH,
    "asset_file_def": META_GRAPH,
    "object_graph_def": META_GRAPH,
    "saved_model_schema_version": SAVED_MODEL,
    "meta_graphs": SAVED_MODEL,
}
_TEXT_START = re.compile(rb"(?:\s|#[^\n]*\n)*([a-z_]+)\s*(?:[:{<])")
_OP_TYPE = re.compile(rb"[A-Za-z_>][\w.>]*")


def kind_of(name: str, data: bytes) -> str | None:
    """Returns the kind of graph that `data` is, one of `formats.graphs.KINDS`.

    Args:
      name: the file's name; TensorFlow calls a checkpoint's MetaGraphDef `.meta`.
      data: the whole file.

    Returns:
      The kind, or `None` where the bytes are none of them.
    """
    if name.endswith(".meta"):
        return META_GRAPH + (_TEXT_SUFFIX if _text_kind(data) == META_GRAPH else "")
    text = _text_kind(data)
    if text is not None:
        return text + _TEXT_SUFFIX
    return _binary_kind(data)


def _text_kind(data: bytes) -> str | None:
    found = _TEXT_START.match(data[:65536].removeprefix(b"\xef\xbb\xbf"))
    return _TEXT_FIELDS.get(found[1].decode()) if found else None


def _binary_kind(data: bytes) -> str | None:
    window = Window(_Bytes(data), len(data))
    end, kind = 0, None
    for field, wire, low, high in fields(window, 0, len(data)):
        end = high
        if kind is None:
            kind = _kind_by_field(window, field, wire, low, high)
    # Bytes that stop making sense are no proto.
    return kind if end == len(data) else None


def _kind_by_field(window: Window, field: int, wire: int, low: int, high: int) -> str | None:
    """Returns the kind that this top-level field betrays, `None` where several have it."""
    if wire == VARINT:
        return {1: SAVED_MODEL, 3: GRAPH_DEF}.get(field)
    if wire != LENGTH:
        return None
    if field in (3, 5, 6, 7):
        return META_GRAPH
    if field == 1:  # NodeDef, or MetaInfoDef: only the first has an op type in field 2
        inner = [(f, w, b, s) for f, w, b, s in fields(window, low, high) if f == 2 and w == LENGTH]
        op = window.read(inner[0][2], inner[0][3] - inner[0][2]) if inner else b""
        return GRAPH_DEF if _OP_TYPE.fullmatch(op) else META_GRAPH
    return None


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, count: int) -> bytes:
        return self._data[offset : offset + count]

    def close(self) -> None:
        return None
