# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Serialized graphs of every form: what is read, and what is refused with which words."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorboard.compat.proto import config_pb2, graph_pb2, meta_graph_pb2

from tb_regloss import errors
from tb_regloss.formats import graphs, saved_model
from tests.helpers.graphs import Graph


def small() -> Graph:
    graph = Graph()
    graph.op("Neg", graph.const("c", 1.5), name="n")
    graph.collect("losses", "n:0")
    return graph


def saved() -> bytes:
    """Returns a SavedModel of two MetaGraphDefs by its wire format: field 2, a message."""
    part = small().meta_graph().SerializeToString()
    assert len(part) < 128 * 128
    length = (
        bytes([len(part) & 127 | 128, len(part) >> 7]) if len(part) > 127 else bytes([len(part)])
    )
    return b"\x08\x01" + (b"\x12" + length + part) * 2


def of_kind(kind: str) -> bytes:
    """Returns one small graph in the form of `kind`."""
    graph = small()
    if kind == "graph_def":
        return graph.proto.SerializeToString()
    if kind == "meta_graph":
        return graph.meta_graph().SerializeToString()
    if kind == "graph_def_text":
        return text_format.MessageToString(graph.proto).encode()
    if kind == "meta_graph_text":
        return text_format.MessageToString(graph.meta_graph()).encode()
    if kind == "saved_model":
        return saved()
    if kind == "saved_model_text":
        inner = text_format.MessageToString(graph.meta_graph())
        return f"saved_model_schema_version: 1\nmeta_graphs {{\n{inner}\n}}".encode()
    run = config_pb2.RunMetadata()
    run.function_graphs.add().pre_optimization_graph.CopyFrom(graph.proto)
    return run.SerializeToString()


@pytest.mark.parametrize("kind", sorted(graphs.KINDS))
def test_each_form_gives_the_same_ops(kind: str) -> None:
    found = graphs.parse(of_kind(kind), kind, "a file")
    assert len(found) == (2 if kind == "saved_model" else 1)
    for logged in found:
        assert list(logged.graph.names) == ["c", "n"]
        assert list(logged.graph.ops) == ["Const", "Neg"]
        assert logged.source.startswith("a file")
        has_collections = "meta" in kind or "saved" in kind
        has_collections = has_collections and kind != "run_metadata"
        assert logged.collections == ({"losses": ("n:0",)} if has_collections else {})


@pytest.mark.parametrize("kind", sorted(graphs.KINDS))
def test_what_does_not_parse_is_said_in_words_for_people(kind: str) -> None:
    with pytest.raises(errors.UnreadableError) as caught:
        graphs.parse(b"\xff\xfe not a graph \x80", kind, "logs/train")
    text = str(caught.value)
    assert text.startswith("logs/train")
    assert graphs.KINDS[kind] in text


def test_equal_graphs_have_equal_digests() -> None:
    first, second = (graphs.parse(of_kind("graph_def"), "graph_def", s)[0] for s in "ab")
    other = small()
    other.const("more", 2.0)
    third = graphs.parse(other.proto.SerializeToString(), "graph_def", "c")[0]
    assert first.digest == second.digest != third.digest


def test_collections_are_part_of_the_digest() -> None:
    plain, more = small(), small()
    more.collect("regularization_losses", "n:0")
    assert plain.parse().digest != more.parse().digest


def test_function_graphs_that_are_there_twice_are_read_once() -> None:
    run = config_pb2.RunMetadata()
    for _ in range(3):
        run.function_graphs.add().pre_optimization_graph.CopyFrom(small().proto)
    run.function_graphs.add()
    (found,) = graphs.parse(run.SerializeToString(), "run_metadata", "a trace")
    assert "function graph 1" in found.source


def test_variables_of_a_collection_are_named_by_their_first_field() -> None:
    proto = small().meta_graph()
    members = proto.collection_def["trainable_variables"].bytes_list.value
    members.append(b"\x0a\x03w:0\x12\x08w/Assign")
    members.append(b"\xff\xff")  # No message at all.
    members.append(b"")
    (found,) = graphs.parse(proto.SerializeToString(), "meta_graph", "a file")
    assert found.collections["trainable_variables"] == ("w:0",)


def test_collections_of_numbers_are_no_names() -> None:
    proto = small().meta_graph()
    proto.collection_def["epochs"].int64_list.value.append(3)
    (found,) = graphs.parse(proto.SerializeToString(), "meta_graph", "a file")
    assert "epochs" not in found.collections


def test_empty_bytes_are_an_empty_graph() -> None:
    (found,) = graphs.parse(b"", "graph_def", "nothing")
    assert len(found.graph) == 0
    assert graphs.parse(b"", "saved_model", "nothing") == ()
    assert graphs.parse(b"", "run_metadata", "nothing") == ()


def test_text_with_fields_of_a_newer_version_is_read() -> None:
    text = b'node { name: "c" op: "NoOp" something_new: 3 }'
    (found,) = graphs.parse(text, "graph_def_text", "a file")
    assert list(found.graph.names) == ["c"]


def test_saved_models_are_read_by_field() -> None:
    first, second = saved_model.meta_graphs(saved())
    expected = small().meta_graph()
    assert meta_graph_pb2.MetaGraphDef.FromString(first) == expected
    assert meta_graph_pb2.MetaGraphDef.FromString(second) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"\x0a\x01w", "w"), (b"", None), (b"\xff", None), (b"\x0a\x02\xff\xfe", None)],
)
def test_the_first_string_of_a_message(data: bytes, expected: str | None) -> None:
    assert saved_model.first_string(data) == expected


def test_the_helper_writes_what_protobuf_reads() -> None:
    assert graph_pb2.GraphDef.FromString(of_kind("graph_def")) == small().proto
