# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of a graph or of a function's body, with numbers for what they read.

Whole lists at a time: this is where most of a large graph's time goes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tb_regloss.analysis.graph.op_graph import PORT_BITS, Numbers
from tb_regloss.formats import light_graph

# In the place of values: no value is that low, nor stands for so many absent ops.
END, UNSEEN, _WAITS, _LOWEST = -1 << 60, -1 << 59, -1 << 58, -1 << 57
WAITS_IN_VAIN = _WAITS - 1


class Rows(NamedTuple):
    """Some nodes.

    Attributes:
      names: their names.
      ops: their types; equal ones are one object.
      local: the first outputs of nodes by name; the first of equal names counts.
      inputs: the values that they read, of one node after the other, `END`
        behind each. `UNSEEN` is what does not just name an op that came before.
      unseen: the texts of those, in order.
    """

    names: list[str]
    ops: list[str]
    local: dict[str, int]
    inputs: Numbers
    unseen: list[str]


def read(
    nodes: Sequence[bytes], first: int, arguments: Mapping[str, int], kinds: dict[str, str]
) -> Rows:
    """Returns serialized nodes as rows.

    Args:
      nodes: the nodes.
      first: the number of the first one.
      arguments: the values of a function's arguments by name.
      kinds: the op types that were met so far; others are added.

    Raises:
      google.protobuf.message.DecodeError: some bytes are no node.
    """
    names, ops, seen = list[str](), list[str](), dict[str, int]()
    parts, unseen = [np.zeros(0, np.int64)], list[str]()
    for some, types, texts in light_graph.columns(nodes):
        begin = (first + len(names)) << PORT_BITS
        seen.update(zip(some, itertools.count(begin, 1 << PORT_BITS), strict=False))
        seen.update(arguments)
        seen[light_graph.END] = END
        names += some
        ops += map(kinds.setdefault, types, types)
        part = np.array(list(map(seen.get, texts, itertools.repeat(UNSEEN))), np.int64)
        unseen += [texts[place] for place in np.flatnonzero(part == UNSEEN).tolist()]
        parts.append(part)
    seen.pop(light_graph.END, None)
    inputs = np.concatenate(parts)
    if len(seen) < len(names) + len(arguments):
        return _with_repeated(Rows(names, ops, seen, inputs, unseen), first)
    for name in arguments:
        del seen[name]
    return Rows(names, ops, seen, inputs, unseen)


def _with_repeated(rows: Rows, first: int) -> Rows:
    """Returns rows in which the first of equal names counts, and arguments before all."""
    local = {name: at << PORT_BITS for at, name in _reversed(rows.names, first)}
    numbers = np.array([local[name] for name in rows.names], np.int64)
    # Nodes that came before are arguments; they stay.
    own = np.flatnonzero(rows.inputs >= first << PORT_BITS)
    values = rows.inputs[own]
    ports = values & ((1 << PORT_BITS) - 1)
    rows.inputs[own] = numbers[(values >> PORT_BITS) - first] | ports
    return rows._replace(local=local)


def _reversed(names: Sequence[str], first: int) -> list[tuple[int, str]]:
    return list(enumerate(names, first))[::-1]


def wait_for(node: int) -> int:
    """Returns what stands in the place of a value where a node waits for another one."""
    return _WAITS + node


def values(rows: Rows) -> tuple[Numbers, Numbers]:
    """Returns the values that are read, and how many of them each node reads."""
    is_value = rows.inputs > _LOWEST
    behind: Numbers = np.cumsum(is_value)[rows.inputs == END]
    return rows.inputs[is_value], np.diff(behind, prepend=0)


def waits(rows: Rows) -> tuple[list[int], list[int]]:
    """Returns which nodes wait, by their places, and for which nodes."""
    is_wait = (rows.inputs >= _WAITS) & (rows.inputs < _LOWEST)
    places = np.searchsorted(np.flatnonzero(rows.inputs == END), np.flatnonzero(is_wait))
    return places.tolist(), (rows.inputs[is_wait] - _WAITS).tolist()
