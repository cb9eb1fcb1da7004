# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""An immutable graph of ops in which values, not nodes, are what flows.

A *value* is one output port of one node. It is written as one integer,
`node << PORT_BITS | port`, since a graph of a million ops has several million
of them. Calls of functions are already inlined when an `OpGraph` is built, so
that nothing here recurses: a node of a called function has the name of its
call site in front of its own.

Identity ops are looked through: an op that reads one is linked to what that
one reads.

Ops that exist only here:
  `_If`: one output of an If or Case; inputs are the branches' values, then the
    predicate or branch index.
  `_LoopVar`: one loop variable of a While; inputs are its initial value and
    its value after one iteration.
  `_Call`: a call that was followed; nothing reads its own outputs.
  `_Missing`: stands for an input that the graph names but does not have.
  `_Malformed`: stands for a node that cannot be what it says it is.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

PORT_BITS = 16
_LOOKED_THROUGH = ("Identity", "IdentityN")
PORT_MASK = (1 << PORT_BITS) - 1


def value_of(node: int, port: int = 0) -> int:
    """Returns the value at an output port.

    >>> node_of(value_of(3, 1)), port_of(value_of(3, 1))
    (3, 1)
    """
    return node << PORT_BITS | port


def node_of(value: int) -> int:
    """Returns the node that computes a value."""
    return value >> PORT_BITS


def port_of(value: int) -> int:
    """Returns the output port of a value."""
    return value & PORT_MASK


def flattened(inputs: Sequence[Sequence[int]]) -> tuple[Numbers, Numbers]:
    """Returns the values that nodes read, one node after the other, and how many each reads."""
    counts = np.fromiter(map(len, inputs), np.int64, len(inputs))
    values = np.fromiter(itertools.chain.from_iterable(inputs), np.int64, int(counts.sum()))
    return values, counts


def split(values: Numbers, counts: Numbers) -> list[list[int]]:
    """Returns the values that each node reads.

    >>> split(np.array([5, 6, 7]), np.array([2, 0, 1]))
    [[5, 6], [], [7]]
    """
    flat, bounds = values.tolist(), [0, *np.cumsum(counts).tolist()]
    return [flat[start:stop] for start, stop in itertools.pairwise(bounds)]


@dataclasses.dataclass(frozen=True)
class Constant:
    """The value of a Const op.

    Attributes:
      shape: its shape.
      array: all elements, or a 0-d array where all are equal, or `None` where
        there are more elements than an analysis ever looks at.
      is_float: whether its type is a floating point (or complex) one.
    """

    shape: tuple[int, ...]
    array: npt.NDArray[Any] | None
    is_float: bool


@dataclasses.dataclass(frozen=True)
class Loop:
    """A While.

    Attributes:
      first: the first of its variables.
      rounds: how often it goes around, `None` where that is not fixed.
    """

    first: int
    rounds: int | None


class AttrReader(Protocol):
    """Reads attributes of nodes; keeps protobuf out of the analysis."""

    def attr(self, node: int, name: str) -> Any:
        """Returns an attribute as a plain value, `None` where it is not set.

        Types are TensorFlow's DataType numbers, shapes are tuples with `None`
        for unknown sizes (or `None` for an unknown rank), functions are names,
        lists are tuples, strings are bytes.
        """

    def constant(self, node: int) -> Constant | None:
        """Returns the value of a Const node, `None` where it does not parse."""

    def key(self, node: int) -> str:
        """Returns what, beside its inputs, decides what a node computes."""


@dataclasses.dataclass(frozen=True, eq=False)
class OpGraph:
    """Nodes by number, in the order of the serialized graph.

    Attributes:
      names: unique names, as in the user's program.
      outputs: the first outputs of the ops outside of functions, by name.
      ops: op types.
      inputs: the values that each node reads, in the op's order.
      flat_inputs: the same as `flattened` returns it.
      controls: nodes that a node waits for, only where there are any. Waiting
        is never evidence; it tells which updates a train op runs.
      attrs: attributes of nodes.
      obstacles: what could not be followed and why, for people to read.
      scalar_means_unknown: whether a placeholder's shape `()` says nothing
        (graphs of TensorFlow before 1.1, GraphDef version below 24, see
        `tensorflow/core/public/version.h`).
      aliases: the values that stand behind outputs of calls that were followed.
      loops: the loop of each `_LoopVar`.
    """

    names: Sequence[str]
    outputs: Mapping[str, int]
    ops: Sequence[str]
    inputs: Sequence[Sequence[int]]
    flat_inputs: tuple[Numbers, Numbers]
    controls: Mapping[int, Sequence[int]]
    attrs: AttrReader
    obstacles: tuple[str, ...] = ()
    scalar_means_unknown: bool = False
    aliases: Mapping[int, int] = dataclasses.field(default_factory=dict)
    loops: Mapping[int, Loop] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    @functools.cached_property
    def index(self) -> Mapping[str, int]:
        """Node numbers by name; the first of equal names counts."""
        return dict(zip(reversed(self.names), range(len(self.names) - 1, -1, -1), strict=True))

    def named(self, name: str) -> int | None:
        """Returns the node of a name, `None` where there is none; see `index`."""
        value = self.outputs.get(name)
        if value is not None:
            return node_of(value)
        # Most graphs have no others.
        return None if len(self.outputs) == len(self) else self.index.get(name)

    @functools.cached_property
    def edges(self) -> tuple[Numbers, Numbers]:
        """All edges as `reader << PORT_BITS | input position`, and where each node's begin."""
        values, counts = self.flat_inputs
        readers = np.repeat(np.arange(len(counts)), counts)
        positions = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
        sources = values >> PORT_BITS
        order = np.argsort(sources, kind="stable")
        packed = readers[order] << PORT_BITS | positions[order]
        offsets = np.searchsorted(sources[order], np.arange(len(counts) + 1))
        return packed, offsets

    @functools.cached_property
    def _readers(self) -> tuple[list[int], list[int]]:
        packed, offsets = self.edges
        return packed.tolist(), offsets.tolist()

    def readers(self, node: int) -> list[int]:
        """Returns who reads any output of a node, as `reader << PORT_BITS | input position`.

        Identity ops are left out: who reads them is linked past them.
        """
        packed, offsets = self._readers
        found = packed[offsets[node] : offsets[node + 1]]
        return [edge for edge in found if self.ops[edge >> PORT_BITS] not in _LOOKED_THROUGH]

    def source(self, node: int) -> int:
        """Returns the node behind the first output of an identity op, else the node itself.

        What reads an Identity is linked to what the Identity reads, so that the
        Identity itself has no readers. A custom gradient is an IdentityN.
        """
        while self.ops[node] in _LOOKED_THROUGH and self.inputs[node]:
            value = self.inputs[node][0]
            if port_of(value) or node_of(value) == node:
                break
            node = node_of(value)
        return node

    def meant(self, node: int, port: int) -> int:
        """Returns the node that computes an output, behind identities and calls."""
        value = value_of(node, port)
        while value in self.aliases:
            value = self.aliases[value]
        return node if port_of(value) else self.source(node_of(value))

    def nodes_with_op(self, op: str) -> list[int]:
        """Returns the nodes of one op type, in order."""
        return self._by_op.get(op, [])

    @functools.cached_property
    def _by_op(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {op: [] for op in dict.fromkeys(self.ops)}
        for node, op in enumerate(self.ops):
            found[op].append(node)
        return found

    @property
    def op_types(self) -> Mapping[str, list[int]]:
        """All nodes by op type."""
        return self._by_op

    def value_name(self, value: int) -> str:
        """Returns `"scope/op:0"`."""
        return f"{self.names[node_of(value)]}:{port_of(value)}"
