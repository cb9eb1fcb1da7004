# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The names of a graph's ops, read without everything else that a graph holds.

TensorFlow writes a graph twice, as a GraphDef and inside of a MetaGraphDef, and
some programs write it again and again; to see that two are the same takes their
names only. The messages here have the fields that are wanted of those in
`tensorflow/core/framework/graph.proto` and `tensorflow/core/protobuf/meta_graph.proto`,
and the names of all nodes in one of them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from tb_regloss.analysis.proofs import evidence

_PACKAGE = "tb_regloss.graph_names"
_Field = descriptor_pb2.FieldDescriptorProto


def _classes() -> tuple[Any, Any]:
    """Returns classes for a GraphDef (names and library only) and a MetaGraphDef of that.

    The graph's field is not repeated: then the parser makes one message of all nodes.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3"
    )
    one, many, text = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED, _Field.TYPE_BYTES
    nodes = file.message_type.add(name="Nodes")
    nodes.field.add(name="name", number=1, type=_Field.TYPE_STRING, label=many)
    nodes.field.add(name="op", number=2, type=text, label=many)
    # What is not known is kept, which takes longer than what the next one overwrites.
    for number, name in ((3, "input"), (4, "device"), (5, "attr")):
        nodes.field.add(name=name, number=number, type=text, label=one)
    graph = file.message_type.add(name="Graph")
    graph.field.add(
        name="node", number=1, type=_Field.TYPE_MESSAGE, type_name=f".{_PACKAGE}.Nodes", label=one
    )
    graph.field.add(name="library", number=2, type=text, label=one)
    meta = file.message_type.add(name="Meta")
    meta.field.add(
        name="graph_def",
        number=2,
        type=_Field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Graph",
        label=one,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    graph_class, meta_class = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in ("Graph", "Meta")
    )
    return graph_class, meta_class


_Graph, _Meta = _classes()


def fingerprint(data: bytes, kind: str) -> str | None:
    """Returns the fingerprint that the proof of a graph will have.

    Args:
      data: the serialized graph.
      kind: one of `graphs.KINDS`.

    Returns:
      `None` where it takes more than the names of the ops: for graphs with
      functions, of other kinds than these two, or that do not parse.
    """
    try:
        if kind == "graph_def":
            graph = _Graph.FromString(data)
        elif kind == "meta_graph":
            graph = _Meta.FromString(data).graph_def
        else:
            return None
    except message.DecodeError:
        return None
    names = graph.node.name[:]
    if graph.library or len(names) != len(graph.node.op):
        return None
    return evidence.fingerprint(names)
