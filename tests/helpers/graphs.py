# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Readable GraphDefs without TensorFlow.

A tensor is its name, so what is written down here can be wired in any way that
a broken file could hold:

    graph = Graph()
    weights = graph.variable("w", (3, 2))
    penalty = graph.op("Mul", graph.const("strength", 0.1), graph.op("L2Loss", weights))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto import (
    attr_value_pb2,
    function_pb2,
    graph_pb2,
    meta_graph_pb2,
    node_def_pb2,
    tensor_pb2,
    tensor_shape_pb2,
    types_pb2,
)

from tb_regloss.analysis.facts import Declaration
from tb_regloss.analysis.graph.logged_graph import LoggedGraph
from tb_regloss.analysis.proofs import proof
from tb_regloss.formats import graphs

FLOAT, INT, BOOL = types_pb2.DT_FLOAT, types_pb2.DT_INT32, types_pb2.DT_BOOL
RESOURCE = types_pb2.DT_RESOURCE
_TYPES = {"f": FLOAT, "i": INT, "b": BOOL}
Shape = Sequence[int | None]


class Type(int):
    """A DataType number, told from a plain integer attribute."""


class Call(str):
    """The name of a function, told from a plain string attribute."""


def shape_proto(shape: Shape) -> tensor_shape_pb2.TensorShapeProto:
    """Returns a shape's message; `None` is an unknown size."""
    proto = tensor_shape_pb2.TensorShapeProto()
    for size in shape:
        proto.dim.add(size=-1 if size is None else size)
    return proto


def tensor_proto(value: Any, dtype: int | None = None) -> tensor_pb2.TensorProto:
    """Returns a tensor's message with all elements in `tensor_content`."""
    array = np.asarray(value)
    array = array.astype({"f": np.float32, "i": np.int32, "b": np.bool_}[array.dtype.kind])
    return tensor_pb2.TensorProto(
        dtype=_TYPES[array.dtype.kind] if dtype is None else dtype,
        tensor_shape=shape_proto(array.shape),
        tensor_content=array.tobytes(),
    )


def attr_value(value: Any) -> attr_value_pb2.AttrValue:
    """Returns an attribute's message, its field chosen by the type of the value."""
    if isinstance(value, Type):
        return attr_value_pb2.AttrValue(type=int(value))
    if isinstance(value, Call):
        return attr_value_pb2.AttrValue(func=attr_value_pb2.NameAttrList(name=str(value)))
    if isinstance(value, bool):
        return attr_value_pb2.AttrValue(b=value)
    if isinstance(value, int):
        return attr_value_pb2.AttrValue(i=value)
    if isinstance(value, float):
        return attr_value_pb2.AttrValue(f=value)
    if isinstance(value, (str, bytes)):
        return attr_value_pb2.AttrValue(s=value.encode() if isinstance(value, str) else value)
    if isinstance(value, tensor_pb2.TensorProto):
        return attr_value_pb2.AttrValue(tensor=value)
    if isinstance(value, tensor_shape_pb2.TensorShapeProto):
        return attr_value_pb2.AttrValue(shape=value)
    parts = attr_value_pb2.AttrValue()
    parts.list.SetInParent()
    for item in value:
        if isinstance(item, Call):
            parts.list.func.add(name=str(item))
        elif isinstance(item, tensor_shape_pb2.TensorShapeProto):
            parts.list.shape.append(item)
        else:
            parts.list.i.append(item)
    return parts


class Nodes:
    """Appends nodes to the body of a graph or of a function."""

    def __init__(self, node_defs: Any) -> None:
        self.node_defs = node_defs
        self._taken: set[str] = {node_def.name for node_def in node_defs}
        self._scope = ""

    def scope(self, name: str) -> None:
        """Puts `name/` in front of the names that follow; `""` ends that."""
        self._scope = f"{name}/" if name else ""

    def op(self, op: str, *inputs: str, name: str | None = None, **attrs: Any) -> str:
        """Appends a node and returns its first output; names are made unique."""
        wanted = self._scope + (op if name is None else name)
        unique, count = wanted, 0
        while unique in self._taken:
            count += 1
            unique = f"{wanted}_{count}"
        return self.raw(unique, op, *inputs, **attrs)

    def raw(self, name: str, op: str, *inputs: str, **attrs: Any) -> str:
        """Appends a node under exactly this name, taken or not."""
        node_def: node_def_pb2.NodeDef = self.node_defs.add(name=name, op=op, input=inputs)
        self._taken.add(name)
        for key, value in attrs.items():
            node_def.attr[key].CopyFrom(attr_value(value))
        return name

    def const(self, name: str, value: Any) -> str:
        """Appends a constant."""
        return self.tensor(name, tensor_proto(value))

    def tensor(self, name: str, proto: tensor_pb2.TensorProto) -> str:
        """Appends a constant whose message is given, well-formed or not."""
        return self.op("Const", name=name, dtype=Type(proto.dtype), value=proto)

    def placeholder(self, name: str, shape: Shape, dtype: int = FLOAT) -> str:
        """Appends a placeholder."""
        return self.op("Placeholder", name=name, dtype=Type(dtype), shape=shape_proto(shape))

    def variable(self, name: str, shape: Shape) -> str:
        """Appends a ref variable with its read, and returns the read `name/read`."""
        ref = self.op("VariableV2", name=name, dtype=Type(FLOAT), shape=shape_proto(shape))
        return self.op("Identity", ref, name=f"{name}/read", T=Type(FLOAT))

    def resource(self, name: str, shape: Shape) -> str:
        """Appends a resource variable with one read, and returns that read."""
        handle = self.op(
            "VarHandleOp",
            name=name,
            dtype=Type(FLOAT),
            shape=shape_proto(shape),
            shared_name=name,
        )
        return self.op("ReadVariableOp", handle, name=f"{name}/Read", dtype=Type(FLOAT))


class Graph(Nodes):
    """A GraphDef with its function library and, beside it, collections."""

    def __init__(self) -> None:
        self.proto = graph_pb2.GraphDef()
        self.proto.versions.producer = 1882
        self.collections: dict[str, tuple[str, ...]] = {}
        super().__init__(self.proto.node)

    def function(
        self, name: str, arguments: Mapping[str, int], results: Mapping[str, str]
    ) -> Nodes:
        """Appends a function and returns its body.

        Args:
          name: its name.
          arguments: names and types of its arguments.
          results: its outputs' names and what they return, as bodies write it
            (`"op:output:0"`).
        """
        function: function_pb2.FunctionDef = self.proto.library.function.add()
        function.signature.name = name
        for argument, dtype in arguments.items():
            function.signature.input_arg.add(name=argument, type=dtype)
        for result, source in results.items():
            function.signature.output_arg.add(name=result, type=FLOAT)
            function.ret[result] = source
        return Nodes(function.node_def)

    def collect(self, collection: str, *names: str) -> None:
        """Adds tensors to a collection."""
        self.collections[collection] = (*self.collections.get(collection, ()), *names)

    def meta_graph(self) -> meta_graph_pb2.MetaGraphDef:
        """Returns the graph with its collections."""
        proto = meta_graph_pb2.MetaGraphDef(graph_def=self.proto)
        for name, members in self.collections.items():
            proto.collection_def[name].node_list.value.extend(members)
        return proto

    def parse(self) -> LoggedGraph:
        """Returns the graph as a reader finds it in a log."""
        data = self.meta_graph().SerializeToString()
        return graphs.parse(data, "meta_graph", "a test")[0]

    def prove(self, declaration: Declaration | None = None) -> proof.GraphProof:
        """Returns what the graph proves."""
        return proof.prove(self.parse(), declaration)

    @staticmethod
    def prove_parsed(logged: LoggedGraph) -> proof.GraphProof:
        """Returns what a graph that was parsed before proves."""
        return proof.prove(logged)
