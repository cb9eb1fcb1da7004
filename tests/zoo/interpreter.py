# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a serialized TF2 graph op by op, so that every tensor in every function can be seen.

A session or a concrete function shows what goes in and what comes out; the
gradient at the optimizer's input is in the middle, often two functions down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context, execute
from tensorflow.python.framework import op_def_registry

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
IFS = ("If", "StatelessIf")
WHILES = ("While", "StatelessWhile")
CASES = ("Case", "StatelessCase")
COLLECTIVE = "CollectiveReduceV2"
Values = dict[str, list[Any]]


class Interpreter:
    """Interprets a GraphDef eagerly.

    Attributes:
      seen: outputs of the first execution of each op, by function and op name;
        the top level is the function `""`.
    """

    def __init__(self, graph_def: Any, constants: Mapping[tuple[str, str], Any]) -> None:
        self._nodes = list(graph_def.node)
        self._library = {f.signature.name: f for f in graph_def.library.function}
        self._constants = constants
        self._orders: dict[str, list[Any]] = {}
        self.seen: dict[tuple[str, str], list[Any]] = {}

    def run(self, inputs: Mapping[str, Any]) -> None:
        """Runs all ops of the top level; placeholders take their value from inputs."""
        self._frame("", self._nodes, {name: [value] for name, value in inputs.items()})

    def call(self, name: str, arguments: Sequence[Any]) -> list[Any]:
        """Runs a function of the library."""
        function = self._library[name]
        names = [arg.name for arg in function.signature.input_arg]
        values: Values = {n: [v] for n, v in zip(names, arguments, strict=True)}
        self._frame(name, list(function.node_def), values)
        return [
            self._read(values, function.ret[arg.name], function)
            for arg in function.signature.output_arg
        ]

    def _frame(self, function: str, nodes: list[Any], values: Values) -> None:
        definition = self._library.get(function)
        for node in self._ordered(function, nodes):
            if node.name in values:
                continue
            inputs = [self._read(values, i, definition) for i in node.input if i[0] != "^"]
            if node.op == COLLECTIVE:
                inputs[0] = self._reduced(node, nodes, values, definition)
            outputs = self._execute(function, node, inputs)
            values[node.name] = outputs
            self.seen.setdefault((function, node.name), outputs)

    def _read(self, values: Values, reference: str, definition: Any) -> Any:
        parts = reference.split(":")
        outputs = values[parts[0]]
        if definition is None or len(parts) < 3:
            return outputs[int(parts[1]) if len(parts) > 1 else 0]
        node = next(n for n in definition.node_def if n.name == parts[0])
        offset = 0
        for arg in op_def_registry.get(node.op).output_arg:
            if arg.name == parts[1]:
                return outputs[offset + int(parts[2])]
            offset += _length(arg, node)
        raise KeyError(reference)

    def _ordered(self, function: str, nodes: list[Any]) -> list[Any]:
        if function not in self._orders:
            self._orders[function] = _topological(nodes)
        return self._orders[function]

    def _execute(self, function: str, node: Any, inputs: list[Any]) -> list[Any]:
        if node.op == "Const":
            if (function, node.name) in self._constants:
                return [tf.constant(self._constants[function, node.name])]
            return [tf.constant(tf.make_ndarray(node.attr["value"].tensor))]
        if node.op in CALLS:
            return self.call(node.attr["f"].func.name, inputs)
        if node.op in IFS:
            taken = "then_branch" if bool(inputs[0]) else "else_branch"
            return self.call(node.attr[taken].func.name, inputs[1:])
        if node.op in CASES:
            branches = node.attr["branches"].list.func
            index = int(inputs[0])
            index = index if 0 <= index < len(branches) else len(branches) - 1
            return self.call(branches[index].name, inputs[1:])
        if node.op in WHILES:
            state = inputs
            while bool(self.call(node.attr["cond"].func.name, state)[0]):
                state = self.call(node.attr["body"].func.name, state)
            return list(state)
        if node.op == COLLECTIVE:
            return [inputs[0]]
        if node.op == "NoOp":
            return []
        return _run_op(node, inputs)

    def _reduced(self, node: Any, nodes: list[Any], values: Values, definition: Any) -> Any:
        # The replicas of a strategy run in parallel; here the first sums for all.
        peers = [n for n in nodes if n.op == COLLECTIVE and _group(n, nodes) == _group(node, nodes)]
        return tf.add_n([self._read(values, peer.input[0], definition) for peer in peers])


def _topological(nodes: list[Any]) -> list[Any]:
    by_name = {node.name: node for node in nodes}
    needs = {
        node.name: [r for r in (i.lstrip("^").split(":")[0] for i in node.input) if r in by_name]
        for node in nodes
    }
    collectives = [node for node in nodes if node.op == COLLECTIVE]
    groups = {node.name: _group(node, nodes) for node in collectives}
    for name, group in groups.items():
        for peer in collectives:
            if groups[peer.name] == group:
                first = peer.input[0].split(":")[0]
                needs[name] = needs[name] + ([first] if first in by_name else [])
    order: list[Any] = []
    state: dict[str, int] = {}
    for node in nodes:
        stack = [node.name]
        while stack:
            name = stack[-1]
            if state.get(name) == 2:
                stack.pop()
            elif state.get(name) == 1:
                state[name] = 2
                order.append(by_name[name])
                stack.pop()
            else:
                state[name] = 1
                stack += [n for n in needs[name] if n not in state]
    return order


def _group(node: Any, nodes: list[Any]) -> Any:
    names = [node.input[2].split(":")[0], node.input[3].split(":")[0]]
    found = {n.name: n for n in nodes if n.name in names}
    return tuple(
        int(tf.make_ndarray(found[n].attr["value"].tensor))
        if n in found and found[n].op == "Const"
        else n
        for n in names
    )


def _length(arg: Any, node: Any) -> int:
    if arg.number_attr:
        return int(node.attr[arg.number_attr].i)
    if arg.type_list_attr:
        return len(node.attr[arg.type_list_attr].list.type)
    return 1


def _run_op(node: Any, inputs: list[Any]) -> list[Any]:
    definition = op_def_registry.get(node.op)
    count = sum(_length(arg, node) for arg in definition.output_arg)
    attributes: list[Any] = []
    for attr in definition.attr:
        if attr.name in node.attr:
            attributes += [attr.name, _attribute(node.attr[attr.name])]
    # What the generated Python functions do, without their renamed arguments.
    outputs = execute.execute(node.op.encode(), count, inputs, tuple(attributes), context.context())
    execute.record_gradient(node.op, inputs, tuple(attributes), outputs)
    return list(outputs or ())


def _attribute(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "list":
        lists = value.list
        for field in ("s", "i", "f", "b", "type"):
            if getattr(lists, field):
                return list(getattr(lists, field))
        return [_shape(s) for s in lists.shape]
    return _shape(value.shape) if kind == "shape" else getattr(value, kind)


def _shape(proto: Any) -> Any:
    return None if proto.unknown_rank else [dim.size for dim in proto.dim]
