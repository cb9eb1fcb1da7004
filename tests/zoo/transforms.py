# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Changes of a serialized graph that never change what it computes for the training."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from google.protobuf.message import Message
from tensorflow.core.framework import graph_pb2, node_def_pb2, types_pb2, variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.framework import op_def_registry

FLOAT = types_pb2.DT_FLOAT
# Ops with one output whose type stands in attribute T (or dtype).
TYPED = {
    "Mul": "T",
    "Add": "T",
    "AddV2": "T",
    "AddN": "T",
    "Sub": "T",
    "L2Loss": "T",
    "Sum": "T",
    "Mean": "T",
    "MatMul": "T",
    "Square": "T",
    "RealDiv": "T",
    "Reshape": "T",
    "Const": "dtype",
    "ReadVariableOp": "dtype",
}
# The frames and branches of old control flow do not take an op from outside.
LOOPS = {"Enter", "Exit", "NextIteration", "Merge", "Switch", "LoopCond", "RefEnter", "RefSwitch"}


def each_list(graph: Any) -> Iterator[Any]:
    """Yields the node lists: of the top level and of each function."""
    yield graph.node
    for function in graph.library.function:
        yield function.node_def


def shuffle(graph: Any, chance: random.Random) -> None:
    """Puts the nodes of every list in another order."""
    for nodes in each_list(graph):
        copies = list(nodes)
        chance.shuffle(copies)
        del nodes[:]
        nodes.extend(copies)
    functions = list(graph.library.function)
    chance.shuffle(functions)
    del graph.library.function[:]
    graph.library.function.extend(functions)


def insert_identities(graph: Any, chance: random.Random) -> None:
    """Puts an Identity into one of five float edges of the top level."""
    _insert(graph.node, chance, ":0")
    for function in graph.library.function:
        _insert(function.node_def, chance, ":output:0")


def _insert(nodes: Any, chance: random.Random, suffix: str) -> None:
    if any(node.op in LOOPS for node in nodes):
        return
    typed = {
        node.name for node in nodes if node.op in TYPED and node.attr[TYPED[node.op]].type == FLOAT
    }
    added = []
    for node in nodes:
        for index, source in enumerate(node.input):
            if source.split(":")[0] in typed and source[0] != "^" and chance.random() < 0.2:
                name = f"inserted_{len(added)}_{node.name.replace('/', '_')}"
                added.append((name, source))
                node.input[index] = name + (suffix if suffix != ":0" else "")
    for name, source in added:
        identity = nodes.add(name=name, op="Identity", input=[source])
        identity.attr["T"].type = FLOAT


def split_add_n(graph: Any, chance: random.Random) -> None:
    """Makes two of every AddN with more than two terms."""
    for nodes, suffix in [(graph.node, "")] + [
        (function.node_def, ":sum:0") for function in graph.library.function
    ]:
        for node in [n for n in nodes if n.op == "AddN"]:
            terms = [i for i in node.input if i[0] != "^"]
            if len(terms) < 3:
                continue
            name = f"{node.name}_first"
            cut = chance.randrange(2, len(terms))
            first = nodes.add(name=name, op="AddN", input=terms[:cut])
            first.attr["N"].i = cut
            first.attr["T"].CopyFrom(node.attr["T"])
            controls = [i for i in node.input if i[0] == "^"]
            del node.input[:]
            node.input.extend([name + suffix, *terms[cut:], *controls])
            node.attr["N"].i = len(terms) - cut + 1


def add_control_edges(graph: Any, chance: random.Random) -> None:
    """Makes ops of the top level wait for others that come before them anyhow."""
    if any(node.op in LOOPS for node in graph.node):
        return
    order = _topological(graph.node)
    for _ in range(len(order) // 10):
        first, second = sorted(chance.sample(range(len(order)), 2))
        if order[second].op not in ("Placeholder", "Const") and order[first].op != "Placeholder":
            order[second].input.append("^" + order[first].name)


def _topological(nodes: Iterable[Any]) -> list[Any]:
    by_name = {node.name: node for node in nodes}
    order: list[Any] = []
    done: set[str] = set()
    for start in by_name:
        stack = [(start, False)]
        while stack:
            name, expanded = stack.pop()
            if expanded:
                order.append(by_name[name])
            elif name not in done:
                done.add(name)
                stack.append((name, True))
                sources = (i.lstrip("^").split(":")[0] for i in by_name[name].input)
                stack += [(s, False) for s in sources if s in by_name and s not in done]
    return order


def add_summaries(graph: Any, chance: random.Random) -> None:
    """Charts scalars, and the mean and the norm of what is multiplied."""
    del chance
    tags = 0
    for node in list(graph.node):
        if node.op not in ("Mean", "L2Loss", "AddN") or node.attr["T"].type != FLOAT:
            continue
        tag = graph.node.add(name=f"chart_{tags}/tags", op="Const")
        tag.attr["dtype"].type = types_pb2.DT_STRING
        tag.attr["value"].tensor.dtype = types_pb2.DT_STRING
        tag.attr["value"].tensor.string_val.append(b"chart")
        tag.attr["value"].tensor.tensor_shape.SetInParent()
        kind = "HistogramSummary" if node.op == "AddN" else "ScalarSummary"
        chart = graph.node.add(name=f"chart_{tags}", op=kind, input=[tag.name, node.name])
        chart.attr["T"].type = FLOAT
        tags += 1


def rename(graph: Any, chance: random.Random) -> Callable[[str], str]:
    """Renames every op, function and argument; returns how tensors are called now."""
    functions = _numbers("f", [f.signature.name for f in graph.library.function], chance)
    top = _numbers("n", [node.name for node in graph.node], chance)
    _rename_nodes(graph.node, top, functions)
    for function in graph.library.function:
        signature = function.signature
        inputs = [a.name for a in signature.input_arg]
        names = _numbers("m", [n.name for n in function.node_def] + inputs, chance)
        _rename_nodes(function.node_def, names, functions)
        signature.name = functions[signature.name]
        for arg in signature.input_arg:
            arg.name = names[arg.name]
        for mapping in (function.ret, function.control_ret):
            for key, value in dict(mapping).items():
                mapping[key] = _renamed(value, names)
        for attr in function.attr.values():
            _rename_attr(attr, names, functions)
    for gradient in graph.library.gradient:
        gradient.function_name = functions.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = functions.get(gradient.gradient_func, gradient.gradient_func)
    return lambda tensor: _renamed(tensor, top)


def _numbers(letter: str, names: list[str], chance: random.Random) -> dict[str, str]:
    numbers = list(range(len(names)))
    chance.shuffle(numbers)
    return {name: f"{letter}{number}" for name, number in zip(names, numbers, strict=True)}


def _renamed(reference: str, names: dict[str, str]) -> str:
    mark = "^" if reference.startswith("^") else ""
    name, colon, rest = reference[len(mark) :].partition(":")
    return mark + names.get(name, name) + colon + rest


def _rename_nodes(nodes: Any, names: dict[str, str], functions: dict[str, str]) -> None:
    for node in nodes:
        node.name = names[node.name]
        renamed = [_renamed(i, names) for i in node.input]
        del node.input[:]
        node.input.extend(renamed)
        # Where Python keeps the names that ops had before they were traced.
        node.ClearField("experimental_debug_info")
        for attr in node.attr.values():
            _rename_attr(attr, names, functions)


def _rename_attr(attr: Any, names: dict[str, str], functions: dict[str, str]) -> None:
    for func in [attr.func] if attr.HasField("func") else attr.list.func:
        func.name = functions.get(func.name, func.name)
    if attr.WhichOneof("value") == "s":
        attr.s = _rename_bytes(attr.s, names, functions)
    for index, value in enumerate(attr.list.s):
        attr.list.s[index] = _rename_bytes(value, names, functions)


def _rename_bytes(value: bytes, names: dict[str, str], functions: dict[str, str]) -> bytes:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value
    if text.startswith("loc:@"):
        return ("loc:@" + _renamed(text[5:], names)).encode()
    return functions.get(text, names.get(text, text)).encode()


def rename_collections(meta: Any, name_of: Callable[[str], str]) -> None:
    """Renames what the collections of a MetaGraphDef name."""
    for collection in meta.collection_def.values():
        kind = collection.WhichOneof("kind")
        if kind == "node_list":
            renamed = [name_of(v) for v in collection.node_list.value]
            del collection.node_list.value[:]
            collection.node_list.value.extend(renamed)
        elif kind == "bytes_list":
            renamed = [_rename_definition(v, name_of) for v in collection.bytes_list.value]
            del collection.bytes_list.value[:]
            collection.bytes_list.value.extend(renamed)


def _rename_definition(value: bytes, name_of: Callable[[str], str]) -> bytes:
    definition = variable_pb2.VariableDef.FromString(value)
    if not definition.initializer_name:
        # Contexts of control flow: the analysis has no business with them.
        return value
    for field in ("variable_name", "initializer_name", "snapshot_name", "initial_value_name"):
        setattr(definition, field, name_of(getattr(definition, field)))
    return bytes(definition.SerializeToString())


def wrap(graph: Any, chance: random.Random) -> None:
    """Moves the whole top level into a function that the new top level calls."""
    del chance
    arguments = [node for node in graph.node if node.op in ("Placeholder", "_Arg")]
    body = [node for node in graph.node if node.op not in ("Placeholder", "_Arg", "_Retval")]
    kinds = {node.name: node for node in body}
    function = graph.library.function.add()
    function.signature.name = "__inference_wrapped_1"
    function.signature.is_stateful = True
    call = node_def_pb2.NodeDef(name="StatefulPartitionedCall", op="StatefulPartitionedCall")
    tops = []
    for node in arguments:
        name = node.name.lower().replace("/", "_")
        kind = node.attr["dtype" if node.op == "Placeholder" else "T"].type
        function.signature.input_arg.add(name=f"arg_{name}", type=kind)
        call.attr["Tin"].list.type.append(kind)
        call.input.append(node.name)
        tops.append(node)
    names = {n.name: f"arg_{n.name.lower().replace('/', '_')}" for n in arguments}
    for node in body:
        inner = function.node_def.add()
        inner.CopyFrom(node)
        del inner.input[:]
        inner.input.extend(_inner(i, kinds, names) for i in node.input)
        if op_def_registry.get(node.op).is_stateful:
            function.control_ret[node.name] = node.name
            function.signature.control_output.append(node.name)
    call.attr["Tout"].list.SetInParent()
    call.attr["f"].func.name = function.signature.name
    del graph.node[:]
    graph.node.extend([*tops, call])


def _inner(reference: str, kinds: dict[str, Any], names: dict[str, str]) -> str:
    if reference.startswith("^"):
        return reference
    name, _, index = reference.partition(":")
    if name in names:
        return names[name]
    node = kinds[name]
    left = int(index or 0)
    for arg in op_def_registry.get(node.op).output_arg:
        count = 1
        if arg.number_attr:
            count = node.attr[arg.number_attr].i
        elif arg.type_list_attr:
            count = len(node.attr[arg.type_list_attr].list.type)
        if left < count:
            return f"{name}:{arg.name}:{left}"
        left -= count
    raise KeyError(reference)


CHANGES: dict[str, Callable[[Any, random.Random], Any]] = {
    "shuffled": shuffle,
    "identities": insert_identities,
    "split_add_n": split_add_n,
    "control_edges": add_control_edges,
    "summaries": add_summaries,
    "renamed": rename,
}


def changed(data: bytes, kind: str, change: str, seed: int) -> bytes:
    """Returns a serialized graph, changed."""
    chance = random.Random(seed)
    if kind == "meta_graph":
        meta = meta_graph_pb2.MetaGraphDef.FromString(data)
        name_of = CHANGES[change](meta.graph_def, chance)
        if change == "renamed":
            rename_collections(meta, name_of)
        return _bytes(meta)
    graph = graph_pb2.GraphDef.FromString(data)
    (wrap if change == "wrapped" else CHANGES[change])(graph, chance)
    return _bytes(graph)


def _bytes(message: Message) -> bytes:
    return bytes(message.SerializeToString())
