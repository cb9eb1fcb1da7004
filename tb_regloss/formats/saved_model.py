# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""SavedModel, whose message type TensorBoard does not carry.

`message SavedModel { int64 saved_model_schema_version = 1; repeated
MetaGraphDef meta_graphs = 2; }` (`tensorflow/core/protobuf/saved_model.proto`).
The type is put together from its two fields instead of reading wire bytes.
"""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, text_format
from tensorboard.compat.proto import meta_graph_pb2

_FIELD = descriptor_pb2.FieldDescriptorProto


@functools.cache
def _types() -> tuple[Any, Any]:
    """Returns the classes of SavedModel and of a message whose field 1 is a string."""
    pool = descriptor_pool.Default()
    meta_graph = meta_graph_pb2.MetaGraphDef.DESCRIPTOR
    proto = descriptor_pb2.FileDescriptorProto(
        name="tb_regloss/saved_model.proto",
        package="tb_regloss",
        syntax="proto3",
        dependency=[meta_graph.file.name],
    )
    saved = proto.message_type.add(name="SavedModel")
    saved.field.add(
        name="saved_model_schema_version",
        number=1,
        type=_FIELD.TYPE_INT64,
        label=_FIELD.LABEL_OPTIONAL,
    )
    saved.field.add(
        name="meta_graphs",
        number=2,
        type=_FIELD.TYPE_MESSAGE,
        label=_FIELD.LABEL_REPEATED,
        type_name="." + meta_graph.full_name,
    )
    named = proto.message_type.add(name="Named")
    named.field.add(name="name", number=1, type=_FIELD.TYPE_BYTES, label=_FIELD.LABEL_OPTIONAL)
    pool.Add(proto) if hasattr(pool, "Add") else pool.AddSerializedFile(proto.SerializeToString())
    get = message_factory.GetMessageClass
    return (
        get(pool.FindMessageTypeByName("tb_regloss.SavedModel")),
        get(pool.FindMessageTypeByName("tb_regloss.Named")),
    )


def meta_graphs(data: bytes) -> list[bytes]:
    """Returns the serialized MetaGraphDefs of a serialized SavedModel."""
    return [part.SerializeToString() for part in _types()[0].FromString(data).meta_graphs]


def meta_graphs_of_text(text: str) -> list[Any]:
    """Returns the MetaGraphDefs of a SavedModel in text form."""
    parsed = text_format.Parse(text, _types()[0](), allow_unknown_field=True)
    return list(parsed.meta_graphs)


def first_string(data: bytes) -> str | None:
    """Returns field 1 of a message as text, `None` where it has none."""
    try:
        return str(_types()[1].FromString(data).name.decode()) or None
    except (message.DecodeError, UnicodeDecodeError):
        return None
