# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""GraphDef and MetaGraphDef whose nodes are read column by column.

A message for each of a million nodes, and a string or a list for each field that
is asked for, takes most of the time that reading a large graph takes. So nodes
stay serialized: of the half a million attributes of a large graph an analysis
reads one in twenty. Names, types and inputs are wanted of all of them. A
serialized message that follows another one adds to its repeated fields, which
makes all nodes one message, with the names of all in one field.

The numbers of fields are those of `tensorflow/core/framework/graph.proto`,
`node_def.proto`, `function.proto` and `tensorflow/core/protobuf/meta_graph.proto`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorboard.compat.proto import meta_graph_pb2, op_def_pb2, versions_pb2

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "tb_regloss.light"
_STRING, _BYTES, _MESSAGE = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_MESSAGE
_ONE, _MANY = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED

_AT_A_TIME = 1024
END = "\0"  # stands behind the inputs of each node; no op has this name


def _messages() -> dict[str, list[tuple[int, str, int, int, str]]]:
    """Returns number, name, label, type and type name of each field."""
    signature = "." + op_def_pb2.OpDef.DESCRIPTOR.full_name
    versions = "." + versions_pb2.VersionDef.DESCRIPTOR.full_name
    collection = "." + meta_graph_pb2.CollectionDef.DESCRIPTOR.full_name
    return {
        "Node": [
            (1, "name", _ONE, _STRING, ""),
            (2, "op", _ONE, _STRING, ""),
            (3, "input", _MANY, _STRING, ""),
        ],
        "Attrs": [
            (5, "attr", _MANY, _BYTES, ""),
        ],
        "Entry": [
            (1, "key", _ONE, _STRING, ""),
            (2, "value", _ONE, _BYTES, ""),
        ],
        "Columns": [
            (1, "name", _MANY, _STRING, ""),
            (2, "op", _MANY, _STRING, ""),
            (3, "input", _MANY, _STRING, ""),
        ],
        "Result": [
            (1, "key", _ONE, _STRING, ""),
            (2, "value", _ONE, _STRING, ""),
        ],
        "Function": [
            (1, "signature", _ONE, _MESSAGE, signature),
            (3, "node_def", _MANY, _BYTES, ""),
            (4, "ret", _MANY, _MESSAGE, f".{_PACKAGE}.Result"),
        ],
        "Library": [
            (1, "function", _MANY, _MESSAGE, f".{_PACKAGE}.Function"),
        ],
        "Graph": [
            (1, "node", _MANY, _BYTES, ""),
            (2, "library", _ONE, _MESSAGE, f".{_PACKAGE}.Library"),
            (4, "versions", _ONE, _MESSAGE, versions),
        ],
        "Collection": [
            (1, "key", _ONE, _STRING, ""),
            (2, "value", _ONE, _MESSAGE, collection),
        ],
        "MetaGraph": [
            (2, "graph_def", _ONE, _MESSAGE, f".{_PACKAGE}.Graph"),
            (4, "collection_def", _MANY, _MESSAGE, f".{_PACKAGE}.Collection"),
        ],
    }


def _classes() -> list[Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[
            module.DESCRIPTOR.name for module in (op_def_pb2, meta_graph_pb2, versions_pb2)
        ],
    )
    for name, fields in _messages().items():
        message = file.message_type.add(name=name)
        for number, field, label, kind, type_name in fields:
            message.field.add(
                name=field, number=number, label=label, type=kind, type_name=type_name or None
            )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in ("Node", "Attrs", "Entry", "Columns", "Graph", "MetaGraph")
    ]


_Node, Attrs, Entry, _Columns, Graph, MetaGraph = _classes()
_JOINT = _Columns(input=[END]).SerializeToString()


class Columns(NamedTuple):
    """What is wanted of all nodes of a graph or of a function's body.

    Attributes:
      names: their names.
      ops: their types.
      inputs: what they read, of one node after the other, `END` behind each.
    """

    names: list[str]
    ops: list[str]
    inputs: list[str]


def columns(nodes: Sequence[bytes]) -> Iterator[Columns]:
    """Yields what is wanted of serialized nodes, of some hundred at a time.

    Raises:
      google.protobuf.message.DecodeError: one of them is none.
    """
    # So that what is needed in between stays in the processor's cache.
    for start in range(0, len(nodes), _AT_A_TIME):
        some = nodes[start : start + _AT_A_TIME]
        whole = _Columns.FromString(_JOINT.join((*some, b"")))
        found = Columns(whole.name[:], whole.op[:], whole.input[:])
        counts = {len(found.names), len(found.ops), found.inputs.count(END)}
        yield found if counts == {len(some)} else _one_by_one(some)


def _one_by_one(nodes: Sequence[bytes]) -> Columns:
    """Returns the same of nodes of which one has no name, or is damaged."""
    found = Columns([], [], [])
    for node in map(_Node.FromString, nodes):
        found.names.append(node.name)
        found.ops.append(node.op)
        found.inputs.extend(text for text in node.input if text != END)
        found.inputs.append(END)
    return found
