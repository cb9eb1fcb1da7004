# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""GraphDef -> OpGraph, with every call of a function inlined at its call site.

Input grammar (`tensorflow/core/framework/node_def.proto`, `function.proto`):
`^op` waits, `op` and `op:1` are output ports at top level, `op:out:0` are
output ports inside of a function body, a bare name there is an argument.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tb_regloss.analysis.graph.op_graph import (
    PORT_BITS,
    Numbers,
    OpGraph,
    flattened,
    split,
    value_of,
)
from tb_regloss.formats import node_rows, op_inputs, output_ports, queues, tensor_lists
from tb_regloss.formats.loops import Call, Loops
from tb_regloss.formats.node_attrs import NodeAttrs
from tb_regloss.formats.tensor_lists import TensorLists

# A call tree in which each function calls the next one twice grows like 2^n;
# what is over the bound stays a single op of unknown meaning, and says so. Real
# programs call a function a few times each, so that a small file that grows a
# thousand times is none, and is not worth the minute and 2 GB of 2 million ops.
_MAX_INLINED_NODES = 2_000_000
_MAX_INLINED_NODES_OF_SMALL = 200_000
_MAX_GROWTH = 20
_MAX_DEPTH = 200

_TRANSPARENT = ("Identity", "IdentityN")

# From this GraphDef version on, shape () of a placeholder means a scalar.
_SCALAR_SHAPES_SINCE = 24

_CALLS = ("PartitionedCall", "StatefulPartitionedCall", "RemoteCall", "TPUPartitionedCall")
_IFS = ("If", "StatelessIf")
_CASES = ("Case", "StatelessCase")
_WHILES = ("While", "StatelessWhile")
# Loops over a dataset within a function; their bodies take a step each.
_DATASETS = ("ReduceDataset", "ScanDataset")
# The attributes that name what is called; a function may be an op's type as well.
_BODIES: dict[str, tuple[str, ...]] = {"XlaLaunch": ("function",)}
_BODIES |= dict.fromkeys((*_CALLS, *_DATASETS), ("f",)) | dict.fromkeys(_WHILES, ("body",))
_BODIES |= dict.fromkeys(_IFS, ("then_branch", "else_branch"))
_OURS = frozenset(("_If", "_LoopVar", "_Call", "_Missing", "_Malformed"))  # no ops of TensorFlow


class _Builder:
    """Appends nodes of one graph and of the functions that it calls."""

    def __init__(self, proto: Any) -> None:
        functions = proto.library.function
        size = len(proto.node) + sum(len(function.node_def) for function in functions)
        self._limit = min(max(_MAX_GROWTH * size, _MAX_INLINED_NODES_OF_SMALL), _MAX_INLINED_NODES)
        self._producer = proto.versions.producer
        self.names: list[str] = []
        self.ops: list[str] = []
        self.inputs: list[list[int]] = []
        self.controls: dict[int, list[int]] = {}
        self.attrs = NodeAttrs()
        self.obstacles: dict[str, None] = {}
        self._is_full = False
        self._kinds: dict[str, str] = {}
        self._functions = {f.signature.name: f for f in functions}
        self._aliases: dict[int, int] = {}
        self._absent: list[tuple[int, str]] = []
        self._calls: collections.deque[Call] = collections.deque()
        # Loops wait until all else was followed that may tell how often they go around.
        self._waiting: collections.deque[Call] = collections.deque()
        self._lists = TensorLists(self)
        self._loops = Loops(self, self._functions, self._lists)
        self.call_ops = frozenset((*_BODIES, *_CASES, *self._functions))

    def build(self, nodes: Sequence[bytes]) -> OpGraph:
        """Returns the graph of these nodes and of the functions that they call."""
        outputs = self.add_nodes(nodes, "", {}, 0, ())
        while self._calls or self._waiting:
            self._inline((self._calls or self._waiting).popleft())
        self._add_missing()
        if not tensor_lists.READS.isdisjoint(self._kinds):
            self._aliases.update(self._lists.aliases())
        self._aliases.update(
            queues.aliases(self.ops, self.inputs, self.resolved, self._shared_name)
        )
        loops = self._loops.found
        # They refer to this builder: all of it would stay until the collector looks for it.
        del self._loops, self._lists
        flat = flattened(self.inputs)
        if self._aliases:
            self._resolve_aliases(*flat)
        return OpGraph(
            names=self.names,
            outputs=outputs,
            ops=self.ops,
            inputs=self.inputs,
            flat_inputs=flat,
            controls=self.controls,
            attrs=self.attrs,
            obstacles=tuple(self.obstacles),
            scalar_means_unknown=self._producer < _SCALAR_SHAPES_SINCE,
            aliases=self._aliases,
            loops=loops,
        )

    def _shared_name(self, node: int) -> str:
        value = self.attrs.value(node, "shared_name")
        return "" if value is None else str(value.s)

    def add(self, name: str, op: str, inputs: list[int]) -> int:
        """Appends one node and returns its number."""
        self.names.append(name)
        self.ops.append(op)
        self.inputs.append(inputs)
        return len(self.names) - 1

    def add_nodes(
        self,
        nodes: Sequence[bytes],
        prefix: str,
        arguments: dict[str, int],
        depth: int,
        chain: tuple[str, ...],
    ) -> dict[str, int]:
        """Appends a graph's or a body's nodes; returns their first outputs by name."""
        first = len(self.names)
        rows = node_rows.read(nodes, first, arguments, self._kinds)
        if len(rows.local) < len(rows.names):
            self._tell_repeated(rows.names, prefix)
        self.names += [prefix + name for name in rows.names] if prefix else rows.names
        self.ops += rows.ops
        self.attrs.add(first, nodes)
        if not self.call_ops.isdisjoint(rows.ops):
            self._calls.extend(
                Call(node, depth, chain)
                for node, op in enumerate(rows.ops, first)
                if op in self.call_ops
            )
        meaning = {text: self._meaning(text, rows, prefix) for text in dict.fromkeys(rows.unseen)}
        rows.inputs[rows.inputs == node_rows.UNSEEN] = [meaning[text] for text in rows.unseen]
        for node, waited in zip(*node_rows.waits(rows), strict=True):
            self.controls.setdefault(first + node, []).append(waited)
        values, counts = node_rows.values(rows)
        self.inputs += split(values, counts)
        self._check_nodes(first, rows.ops, counts)
        return rows.local

    def _meaning(self, text: str, rows: node_rows.Rows, prefix: str) -> int:
        """Returns the value that a text names, or what stands for waiting."""
        if text[:1] != "^":
            return self._value(text, rows.local, prefix)
        waited = rows.local.get(text[1:])
        return (
            node_rows.WAITS_IN_VAIN if waited is None else node_rows.wait_for(waited >> PORT_BITS)
        )

    def _tell_repeated(self, names: Sequence[str], prefix: str) -> None:
        seen = set()
        for name in names:
            if name in seen:
                self.obstacles[f"two ops are called {prefix + name!r}; the first one counts"] = None
            seen.add(name)

    def _check_nodes(self, first: int, ops: Sequence[str], counts: Numbers) -> None:
        """Sets apart what is not what its type says, and what has as many outputs as inputs."""
        kinds = set(zip(ops, counts.tolist(), strict=True))
        wrong = {(op, n) for op, n in kinds if op in _OURS or not op_inputs.can_have(op, n)}
        odd = {*_TRANSPARENT, *(op for op, _ in wrong)}
        for node in [node for node, op in enumerate(ops, first) if op in odd]:
            inputs = self.inputs[node]
            if (self.ops[node], len(inputs)) in wrong:
                self._make_unknown(node, len(inputs))
                continue
            # Each output is one input: were IdentityN followed as a whole,
            # every gradient would reach every update. And a program says
            # the same with an Identity more or less.
            if self.ops[node] in _TRANSPARENT:
                for port, value in enumerate(inputs):
                    self._aliases[value_of(node, port)] = value

    def _make_unknown(self, node: int, count: int) -> None:
        """Keeps a node that is not what its type says from being taken for one."""
        name, op = self.names[node], self.ops[node]
        said = f"{name!r} says it is a {op}, but no {op} has {count} inputs"
        self.obstacles[said] = None
        self.ops[node] = "_Malformed"

    def _value(self, text: str, local: dict[str, int], prefix: str) -> int:
        name, _, rest = text.partition(":")
        found = local.get(name)
        if found is None:
            self.obstacles[f"the graph names {prefix + name!r} but has no such op"] = None
            return self._missing(prefix + name)
        if not rest:
            return found
        output, _, position = rest.rpartition(":")
        try:
            port = int(position)
        except ValueError:
            self.obstacles[f"the input {text!r} is not an op's output"] = None
            return self._missing(prefix + text)
        if output:
            port = output_ports.output_port(self.ops[found >> PORT_BITS], output, port)
        if not 0 <= port < 1 << PORT_BITS:
            self.obstacles[f"the input {text!r} names an output that no op has"] = None
            return self._missing(prefix + text)
        return found | port

    def _missing(self, name: str) -> int:
        # Nodes of a body stand in one block, so the stand-in is appended later.
        key = -1 - len(self._absent)
        self._absent.append((key, name))
        return key

    def _add_missing(self) -> None:
        for key, name in self._absent:
            self._aliases[key] = value_of(self.add(name, "_Missing", []))

    def _inline(self, call: Call) -> None:
        op = self.ops[call.node]
        if op in _WHILES and self._calls:
            self._waiting.append(call)
            return
        if op in _CASES:
            branches = self.attrs.value(call.node, "branches")
            bodies = [] if branches is None else [f.name for f in branches.list.func]
        else:
            bodies = [self._function_name(call.node, attr) for attr in _BODIES.get(op, ())] or [op]
        obstacle = self._obstacle(call, bodies)
        if obstacle:
            name = self.names[call.node]
            self.obstacles[f"the call {name!r} was not followed: {obstacle}"] = None
            if self._is_full:
                self._calls.clear()  # One tells it for all that wait.
                self._waiting.clear()
            return
        operands = self.inputs[call.node]
        if op in _IFS or op in _CASES:
            outputs = [self.instantiate(call, body, operands[1:]) for body in bodies]
            merged: Sequence[int] = [
                value_of(self.add(self.names[call.node], "_If", [*values, operands[0]]))
                for values in zip(*outputs, strict=False)
            ]
        elif op in _WHILES:
            followed = self._loops.follow(call, bodies[0], self._function_name(call.node, "cond"))
            if followed is None:
                self._waiting.append(dataclasses.replace(call, patience=call.patience - 1))
                return
            merged = followed
        elif op in _DATASETS:
            merged = self._loops.follow_dataset(call, bodies[0])
        else:
            merged = self.instantiate(call, bodies[0], operands)
        self.ops[call.node] = "_Call"
        for port, value in enumerate(merged):
            self._aliases[value_of(call.node, port)] = value

    def _function_name(self, node: int, attr: str) -> str:
        value = self.attrs.value(node, attr)
        return "" if value is None else str(value.func.name)

    def _obstacle(self, call: Call, bodies: Sequence[str]) -> str | None:
        for body in bodies:
            if body not in self._functions:
                return f"there is no function {body!r} in the graph"
            if body in call.chain:
                return f"the function {body!r} calls itself"
            if len(self.names) + len(self._functions[body].node_def) > self._limit:
                self._is_full = True
                return f"more than {self._limit:,} ops after following all calls"
        if call.depth >= _MAX_DEPTH:
            return f"calls are nested more than {_MAX_DEPTH} deep"
        return None if bodies else "it names no function"

    def instantiate(
        self, call: Call, body: str, operands: Sequence[int], copy: int = 1
    ) -> list[int]:
        """Appends the nodes of a function; returns its outputs.

        Args:
          call: the node that calls it.
          body: the function's name.
          operands: its arguments.
          copy: which one, where a call stands for several.
        """
        function = self._functions[body]
        formal = [argument.name for argument in function.signature.input_arg]
        # Names stay unique, and the first copy has those that the program knows.
        prefix = self.names[call.node] + ("/" if copy == 1 else f"/round_{copy}/")
        local = self.add_nodes(
            function.node_def,
            prefix,
            dict(zip(formal, operands, strict=False)),
            call.depth + 1,
            (*call.chain, body),
        )
        arguments = dict(zip(formal, operands, strict=False))
        results = []
        sources = {result.key: result.value for result in function.ret}
        for output in function.signature.output_arg:
            text = sources.get(output.name, "")
            known = arguments.get(text)
            results.append(known if known is not None else self._value(text, local, prefix))
        return results

    def _resolve_aliases(self, values: Numbers, counts: Numbers) -> None:
        """Replaces aliases by what stands behind them, in the lists of inputs as well."""
        controls, stops = self.controls, np.cumsum(counts)
        known, behind = self._all_resolved()
        # Absent ops have negative numbers, and are aliases all of them.
        is_alias = np.zeros(len(counts), bool)
        is_alias[known[known >= 0] >> PORT_BITS] = True
        places = np.flatnonzero(is_alias[values >> PORT_BITS] | (values < 0))
        at = _places(known, values[places])
        is_known = known[at] == values[places]
        places, at = places[is_known], at[is_known]
        readers = np.searchsorted(stops, places, "right")
        # Who reads what has to wait waits, too.
        waiting = np.isin(values[places] >> PORT_BITS, list(controls))
        for node, place in zip(readers[waiting].tolist(), places[waiting].tolist(), strict=True):
            controls.setdefault(node, []).append(int(values[place]) >> PORT_BITS)
        values[places] = behind[at]
        changed = np.unique(readers)
        starts = (stops - counts)[changed].tolist()
        for node, start, stop in zip(
            changed.tolist(), starts, stops[changed].tolist(), strict=True
        ):
            self.inputs[node] = values[start:stop].tolist()

    def _all_resolved(self) -> tuple[Numbers, Numbers]:
        """Returns all aliases, sorted, and what stands behind them."""
        aliases = self._aliases
        known = np.fromiter(aliases, np.int64, len(aliases))
        behind = np.fromiter(aliases.values(), np.int64, len(aliases))
        order = np.argsort(known)
        known, behind = known[order], behind[order]
        # Each round goes twice as far.
        for _ in range(PORT_BITS):
            at = _places(known, behind)
            further = known[at] == behind
            if not further.any():
                return known, behind
            behind[further] = behind[at[further]]
        # Some wait for themselves, or nearly so.
        return known, np.array([self.resolved(value) for value in known.tolist()], np.int64)

    def resolved(self, value: int) -> int:
        """Returns what stands behind an alias, and remembers it for the next who asks."""
        aliases, passed = self._aliases, dict[int, None]()
        while value in aliases and value not in passed:
            passed[value] = None
            value = aliases[value]
        if value in passed:
            name = self.names[value >> PORT_BITS] if value >= 0 else "an input"
            self.obstacles[f"{name!r} waits for itself"] = None
        for alias in passed:
            aliases[alias] = value
        aliases.pop(value, None)  # In a cycle of aliases, one stands for all.
        return value


def _places(known: Numbers, values: Numbers) -> Numbers:
    """Returns where in a sorted array values stand, if they do."""
    return np.minimum(np.searchsorted(known, values), len(known) - 1)


def op_graph(proto: Any) -> OpGraph:
    """Returns the ops of a `light_graph.Graph`, with all calls inlined.

    Raises:
      google.protobuf.message.DecodeError: some bytes are no node. Never for odd graphs.
    """
    return _Builder(proto).build(proto.node)
