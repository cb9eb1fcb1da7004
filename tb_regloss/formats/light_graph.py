# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""GraphDef and MetaGraphDef whose nodes keep their attributes serialized.

Of the half a million attributes of a large graph an analysis reads one in
twenty; to unpack the others takes half of the parser's time and three times the
file's size in memory. The numbers of fields are those of
`tensorflow/core/framework/graph.proto`, `node_def.proto` and
`tensorflow/core/protobuf/meta_graph.proto`.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorboard.compat.proto import function_pb2, meta_graph_pb2, versions_pb2

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "tb_regloss.light"
_STRING, _BYTES, _MESSAGE = _Field.TYPE_STRING, _Field.TYPE_BYTES, _Field.TYPE_MESSAGE
_ONE, _MANY = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED


def _messages() -> dict[str, list[tuple[int, str, int, int, str]]]:
    """Returns number, name, label, type and type name of each field."""
    library = "." + function_pb2.FunctionDefLibrary.DESCRIPTOR.full_name
    versions = "." + versions_pb2.VersionDef.DESCRIPTOR.full_name
    collection = "." + meta_graph_pb2.CollectionDef.DESCRIPTOR.full_name
    return {
        "Node": [
            (1, "name", _ONE, _STRING, ""),
            (2, "op", _ONE, _STRING, ""),
            (3, "input", _MANY, _STRING, ""),
            (5, "attr", _MANY, _BYTES, ""),
        ],
        "Graph": [
            (1, "node", _MANY, _MESSAGE, f".{_PACKAGE}.Node"),
            (2, "library", _ONE, _MESSAGE, library),
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
            module.DESCRIPTOR.name for module in (function_pb2, meta_graph_pb2, versions_pb2)
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
        for name in ("Node", "Graph", "MetaGraph")
    ]


Node, Graph, MetaGraph = _classes()
