# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Serialized graphs of every form that logs and checkpoints hold -> `LoggedGraph`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import message, text_format
from tensorboard.compat.proto import config_pb2, graph_pb2, meta_graph_pb2

from tb_regloss import errors
from tb_regloss.analysis.graph.logged_graph import LoggedGraph
from tb_regloss.formats import graph_def, light_graph, saved_model

_ENDS = ("_Arg", "_DeviceArg", "_Retval", "_DeviceRetval", "Placeholder", "Identity", "NoOp")


def parse(data: bytes, kind: str, source: str, digest: str = "") -> tuple[LoggedGraph, ...]:
    """Returns the graphs in `data`, in its order.

    Args:
      data: the serialized message, or its text form.
      kind: a key of `KINDS`.
      source: where the bytes come from, for people.
      digest: the digest of `data`, where it is known already.

    Raises:
      errors.UnreadableError: the bytes are not what `kind` says.
    """
    try:
        if kind == "graph_def":
            return _graph_def(data, source, digest)
        if kind == "meta_graph":
            return _meta_graph(data, source, digest)
        return _PARSERS[kind](data, source)
    except (message.DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise errors.UnreadableError(
            f"{source}: found {len(data):,} bytes that do not parse as {KINDS[kind]} "
            f"({str(error) or type(error).__name__}). The file may be cut off or of another kind."
        ) from error


def _graph(
    proto: Any, collections: Mapping[str, tuple[str, ...]], source: str, digest: str
) -> LoggedGraph:
    return LoggedGraph(graph_def.op_graph(proto), collections, source, digest)


def _graph_def(data: bytes, source: str, digest: str = "") -> tuple[LoggedGraph, ...]:
    proto = light_graph.Graph.FromString(data)
    return (_graph(proto, {}, source, digest or digest_of(data)),)


def _meta_graph(data: bytes, source: str, digest: str = "") -> tuple[LoggedGraph, ...]:
    return (_from_light_meta(data, source, digest),)


def _from_light_meta(data: bytes, source: str, digest: str = "") -> LoggedGraph:
    proto = light_graph.MetaGraph.FromString(data)
    found = {collection.key: collection.value for collection in proto.collection_def}
    return _graph(proto.graph_def, _collections(found), source, digest or digest_of(data))


def _from_meta(proto: meta_graph_pb2.MetaGraphDef, source: str, digest: str) -> LoggedGraph:
    return _from_light_meta(proto.SerializeToString(), source, digest)


def _run_metadata(data: bytes, source: str) -> tuple[LoggedGraph, ...]:
    found: dict[str, LoggedGraph] = {}
    for position, functions in enumerate(config_pb2.RunMetadata.FromString(data).function_graphs):
        proto = functions.pre_optimization_graph
        data = proto.SerializeToString(deterministic=True)
        digest = digest_of(data)
        if not _is_eager_op(proto) and digest not in found:
            (found[digest],) = _graph_def(data, f"{source}, function graph {position + 1}", digest)
    return tuple(found.values())


def _is_eager_op(proto: graph_pb2.GraphDef) -> bool:
    """Whether a graph is that of one op alone, which says nothing of a training step.

    Such graphs are all that a trace holds that began after the step had run once.
    """
    inner = [node for node in proto.node if node.op not in _ENDS]
    return len(inner) <= 1 and not proto.library.function


def _graph_def_text(data: bytes, source: str) -> tuple[LoggedGraph, ...]:
    proto = text_format.Parse(data.decode(), graph_pb2.GraphDef(), allow_unknown_field=True)
    return _graph_def(proto.SerializeToString(), source, digest_of(data))


def _meta_graph_text(data: bytes, source: str) -> tuple[LoggedGraph, ...]:
    proto = text_format.Parse(
        data.decode(), meta_graph_pb2.MetaGraphDef(), allow_unknown_field=True
    )
    return (_from_meta(proto, source, digest_of(data)),)


def _saved_model(data: bytes, source: str) -> tuple[LoggedGraph, ...]:
    return tuple(_from_light_meta(part, source) for part in saved_model.meta_graphs(data))


def _saved_model_text(data: bytes, source: str) -> tuple[LoggedGraph, ...]:
    return tuple(
        _from_meta(proto, source, digest_of(proto.SerializeToString(deterministic=True)))
        for proto in saved_model.meta_graphs_of_text(data.decode())
    )


def _collections(collections: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Returns names of tensors and ops, and of the variables in VariableDefs."""
    found: dict[str, tuple[str, ...]] = {}
    for name, collection in collections.items():
        kind = collection.WhichOneof("kind")
        if kind == "node_list":
            found[name] = tuple(collection.node_list.value)
        elif kind == "bytes_list":
            # VariableDef.variable_name is field 1, and so is the name in the
            # other messages that TensorFlow stores as bytes.
            found[name] = tuple(
                text for text in map(saved_model.first_string, collection.bytes_list.value) if text
            )
    return found


def digest_of(data: bytes) -> str:
    """Returns what tells serialized graphs apart."""
    # Processors have instructions for it: half the time of others.
    return hashlib.sha256(data).hexdigest()


_PARSERS: dict[str, Callable[[bytes, str], tuple[LoggedGraph, ...]]] = {
    "graph_def": _graph_def,
    "meta_graph": _meta_graph,
    "run_metadata": _run_metadata,
    "graph_def_text": _graph_def_text,
    "meta_graph_text": _meta_graph_text,
    "saved_model": _saved_model,
    "saved_model_text": _saved_model_text,
}

KINDS: dict[str, Any] = {
    "graph_def": "a GraphDef",
    "meta_graph": "a MetaGraphDef",
    "run_metadata": "a RunMetadata",
    "graph_def_text": "a GraphDef in text form",
    "meta_graph_text": "a MetaGraphDef in text form",
    "saved_model": "a SavedModel",
    "saved_model_text": "a SavedModel in text form",
}
