# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Files that hold a graph are known by their bytes."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorboard.compat.proto import (
    graph_pb2,
    meta_graph_pb2,
)

from tb_regloss.formats import graph_file
from tests.event_logs import a_graph


def full_graph() -> graph_pb2.GraphDef:
    graph = a_graph()
    graph.node.add(name="mul", op="Mul", input=["loss", "loss"])
    graph.versions.producer = 9
    graph.library.function.add().signature.name = "f"
    return graph


def meta_graph(**more: str) -> meta_graph_pb2.MetaGraphDef:
    meta = meta_graph_pb2.MetaGraphDef(graph_def=full_graph())
    meta.meta_info_def.stripped_op_list.op.add(name="Mul")
    meta.meta_info_def.tensorflow_version = "1.15.0"
    meta.collection_def["losses"].node_list.value.append("loss:0")
    return meta


def saved_model() -> bytes:
    # SavedModel: saved_model_schema_version = 1, meta_graphs = 2.
    meta = meta_graph().SerializeToString()
    length = bytes([len(meta) & 0x7F | 0x80, len(meta) >> 7])
    return b"\x08\x01\x12" + length + meta


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.pb", a_graph().SerializeToString(), "graph_def"),
        ("a.pb", full_graph().SerializeToString(), "graph_def"),
        ("a.pb", meta_graph().SerializeToString(), "meta_graph"),
        ("a.meta", meta_graph().SerializeToString(), "meta_graph"),
        ("saved_model.pb", saved_model(), "saved_model"),
        ("a.pbtxt", text_format.MessageToString(full_graph()).encode(), "graph_def_text"),
        ("a.pb", text_format.MessageToString(full_graph()).encode(), "graph_def_text"),
        ("a.pbtxt", text_format.MessageToString(meta_graph()).encode(), "meta_graph_text"),
        ("a.meta", text_format.MessageToString(meta_graph()).encode(), "meta_graph_text"),
        ("a.pbtxt", b"# a comment\n\n  node: < name: 'a' >", "graph_def_text"),
        ("a.pbtxt", b"saved_model_schema_version: 1", "saved_model_text"),
        ("a.pbtxt", b"\xef\xbb\xbfnode {\n}", "graph_def_text"),
        ("a.pb", b"", None),
        ("a.pb", b"\x89PNG\r\n\x1a\n", None),
        ("a.pbtxt", b"hello: world", None),
        ("a.pb", full_graph().SerializeToString()[:-1], None),
    ],
)
def test_kind_of(name: str, data: bytes, kind: str | None) -> None:
    assert graph_file.kind_of(name, data) == kind
