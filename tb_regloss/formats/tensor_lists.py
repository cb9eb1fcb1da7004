# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What is read from a TensorList is what was put in, where it is known which element that is.

TensorArrays of TensorFlow 2, `tf.map_fn`, `tf.scan` and the gradients of loops
keep their elements in such lists (`tensorflow/core/ops/list_ops.cc`). A list is
a value: to put something in makes another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from tb_regloss.analysis.graph import whole_numbers
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, value_of
from tb_regloss.analysis.graph.whole_numbers import Found
from tb_regloss.formats.node_attrs import NodeAttrs

# How many of the first inputs are lists themselves; of `AddN` all are.
_LISTS = {"EmptyTensorList": 0, "TensorListReserve": 0, "TensorListFromTensor": 0}
_LISTS |= {"TensorListSetItem": 1, "TensorListPushBack": 1, "TensorListPopBack": 1}
_LISTS |= {"TensorListResize": 1, "TensorListScatterV2": 0, "TensorListScatterIntoExistingList": 1}
_LISTS |= {"ZerosLike": 1, "AddN": 1 << PORT_BITS}
_STACKS = ("TensorListStack", "TensorListGather")
READS = frozenset(("TensorListGetItem", "TensorListPopBack", *_STACKS))
_ABOUT = ("TensorListLength", "TensorListElementShape")
# They hold nothing back: who reads them was linked past them, or reads nothing.
_TRANSPARENT = ("Identity", "IdentityN", "_Call")
_LONGEST = 256  # loops over time gather more, and are not written out
_DEEPEST = 16  # lists that hold the places in others
_MOST_STEPS = 50_000  # of one graph


@dataclasses.dataclass(frozen=True)
class _List:
    """A list that is known.

    Attributes:
      length: `None` where not known.
      items: what was put in, by place.
      tensor: what all other elements are rows of, `None` where they are zeros.
    """

    length: int | None
    items: Mapping[int, int]
    tensor: int | None = None


class Building(Protocol):
    """The graph that is being built."""

    names: list[str]
    ops: list[str]
    inputs: list[list[int]]
    attrs: NodeAttrs
    call_ops: frozenset[str]

    def add(self, name: str, op: str, inputs: list[int]) -> int:
        """Appends a node."""

    def resolved(self, value: int) -> int:
        """Returns what stands behind a value."""


class TensorLists:
    """The lists of one graph, and the numbers that are places in them.

    Attributes:
      is_early: whether a number was asked for that may be known once more calls are followed.
    """

    def __init__(self, graph: Building) -> None:
        self._graph = graph
        self._known: dict[int, _List | None] = {}
        self._made: dict[object, int] = {}
        self._steps = self._depth = 0
        self.is_early = False

    def fixed(self, value: int) -> int | None:
        """Returns the whole number that a value is fixed to be, `None` where it is not."""
        return whole_numbers.fold(value, self._number, {})

    def _number(self, value: int) -> Found[int]:
        graph = self._graph
        value = graph.resolved(value)
        node = value >> PORT_BITS
        op = graph.ops[node] if node >= 0 else "_Missing"
        if op == "Const":
            return whole_numbers.of_constant(graph.attrs.constant(node))
        if op == "TensorListLength":
            return self.length(graph.inputs[node][0])
        if op in ("TensorListGetItem", "TensorListPopBack"):
            element = self.read(value)
            return None if element is None else ("Identity", [element])
        self.is_early |= op in graph.call_ops
        return (op, graph.inputs[node]) if whole_numbers.is_foldable(op) else None

    def _places(self, value: int) -> Sequence[int] | None:
        """Returns the whole numbers of a constant vector, `None` where a value is none."""
        node = self._graph.resolved(value) >> PORT_BITS
        is_constant = node >= 0 and self._graph.ops[node] == "Const"
        found = self._graph.attrs.constant(node) if is_constant else None
        if found is None or found.array is None or found.is_float or len(found.shape) != 1:
            return None
        return [int(place) for place in np.broadcast_to(found.array, found.shape)]

    def _is_stack(self, node: int) -> bool:
        """Whether a node puts its inputs on top of each other."""
        graph = self._graph
        return graph.ops[node] == "Pack" and not graph.attrs.attr(node, "axis")

    def length(self, value: int) -> int | None:
        """Returns how many elements a list has, `None` where that is not known."""
        found = self._contents(value)
        return None if found is None else found.length

    def read(self, value: int) -> int | None:
        """Returns the element that a value was read from a list as, `None` where not known."""
        graph, node = self._graph, value >> PORT_BITS
        op, inputs = graph.ops[node], graph.inputs[node]
        if op == "TensorListGetItem":
            found = self._contents(inputs[0])
            place = None if found is None else self.fixed(inputs[1])
        elif op == "TensorListPopBack" and value & PORT_MASK == 1:
            found = self._contents(inputs[0])
            place = None if found is None or not found.length else found.length - 1
        else:
            return None
        return None if found is None or place is None else self._element(found, place)

    def aliases(self) -> dict[int, int]:
        """Returns what was put in by the values that are read; drops the lists between them."""
        graph, found = self._graph, dict[int, int]()
        for node, op in [(n, op) for n, op in enumerate(graph.ops) if op in READS]:
            value = value_of(node, int(op == "TensorListPopBack"))
            if op in _STACKS:
                self._stack(node, found)
            else:
                element = self.read(value)
                if element is not None:
                    found[value] = element
        if found or self._made:
            self._drop(found)
        return found

    def _stack(self, node: int, found: dict[int, int]) -> None:
        """Makes a tensor of a list that is known."""
        graph = self._graph
        known = self._contents(graph.inputs[node][0])
        if known is None:
            return
        places: Sequence[int] | None = range(known.length or 0)
        if graph.ops[node] == "TensorListGather":
            places = self._places(graph.inputs[node][1])
        elif known.tensor is not None and not known.items:
            found[value_of(node)] = known.tensor
            return
        if places:
            elements = [self._element(known, place) for place in places]
            if None not in elements:
                graph.ops[node] = "Pack"
                graph.inputs[node] = [element for element in elements if element is not None]
                self._made[node] = node

    def _drop(self, found: Mapping[int, int]) -> None:
        """Takes out of the graph what is only there for lists that nothing reads any more."""
        graph = self._graph
        forwarded = {value >> PORT_BITS for value in found}
        inner = {
            node
            for node, op in enumerate(graph.ops)
            if node in forwarded or op in _ABOUT or self._known.get(value_of(node)) is not None
        }
        live, stack = set[int](), list[int]()
        for node, op in enumerate(graph.ops):
            if node not in inner and op not in _TRANSPARENT:
                stack.extend(graph.inputs[node])
        while stack:
            value = graph.resolved(stack.pop())
            value = found.get(value, value)
            node = value >> PORT_BITS
            if node in inner and node not in live:
                live.add(node)
                stack.extend(graph.inputs[node])
        for node in inner - live:
            graph.ops[node], graph.inputs[node] = "_Call", []

    def _contents(self, value: int) -> _List | None:
        """Returns what is in a list."""
        graph, known = self._graph, self._known
        first = graph.resolved(value)
        stack, waiting = [first], set[int]()
        unknown: set[int] = set()
        while stack:
            current = stack[-1]
            if current in known or current in unknown:
                stack.pop()
                continue
            self._steps += 1
            lists = self._lists(current)
            if lists is None or self._steps > _MOST_STEPS:
                unknown.add(current)
                continue
            if current not in waiting:
                waiting.add(current)
                stack.extend(v for v in lists if v not in known)
                continue
            found = [known.get(v) for v in lists]
            made = None
            if None not in found and self._depth < _DEEPEST:
                self._depth += 1
                made = self._made_of(current, [each for each in found if each is not None])
                self._depth -= 1
            if made is None:
                unknown.add(current)
            else:
                known[current] = made
            stack.pop()
        return known.get(first)

    def _lists(self, value: int) -> list[int] | None:
        """Returns the lists that a list is made of, `None` where it is no list."""
        graph, node = self._graph, value >> PORT_BITS
        if value < 0 or graph.ops[node] not in _LISTS:
            return None
        inputs = graph.inputs[node]
        if graph.ops[node] == "TensorListFromTensor":
            source = graph.resolved(inputs[0])
            is_list = graph.ops[source >> PORT_BITS] == "TensorListStack"
            return [graph.resolved(graph.inputs[source >> PORT_BITS][0])] if is_list else []
        return [graph.resolved(v) for v in inputs[: _LISTS[graph.ops[node]]]]

    def _made_of(self, value: int, lists: Sequence[_List]) -> _List | None:
        graph, node = self._graph, value >> PORT_BITS
        op, inputs = graph.ops[node], graph.inputs[node]
        if op == "EmptyTensorList":
            return _List(0, {})
        if op == "TensorListReserve":
            count = self.fixed(inputs[1])
            return None if count is None or not 0 <= count <= _LONGEST else _List(count, {})
        if op == "TensorListFromTensor":
            return lists[0] if lists else self._rows(graph.resolved(inputs[0]))
        if op == "AddN":
            return self._summed(lists)
        if op == "TensorListScatterV2":
            return self._scattered(_List(0, {}), inputs[0], inputs[1])
        before = lists[0]
        if op == "ZerosLike":
            return _List(before.length, {})
        if op == "TensorListScatterIntoExistingList":
            return self._scattered(before, inputs[1], inputs[2])
        if op == "TensorListResize":
            count = self.fixed(inputs[1])
            return None if count is None else self._cut(before, count)
        if op == "TensorListSetItem":
            place = self.fixed(inputs[1])
            if place is None:
                return None
            return self._put(before, {place: inputs[2]})
        if before.length is None or before.length > _LONGEST:
            return None
        if op == "TensorListPushBack":
            items = {**before.items, before.length: inputs[1]}
            return dataclasses.replace(before, length=before.length + 1, items=items)
        return self._cut(before, max(before.length - 1, 0))  # TensorListPopBack

    @staticmethod
    def _cut(before: _List, length: int) -> _List:
        items = {place: item for place, item in before.items.items() if place < length}
        return dataclasses.replace(before, length=length, items=items)

    @staticmethod
    def _put(before: _List, items: Mapping[int, int]) -> _List | None:
        # A TensorArray that may grow does so when it is written to.
        longest = max(items, default=-1) + 1
        length = None if before.length is None else max(before.length, longest)
        if longest > _LONGEST or min(items, default=0) < 0:
            return None
        return dataclasses.replace(before, length=length, items={**before.items, **items})

    def _scattered(self, before: _List, tensor: int, places: int) -> _List | None:
        graph = self._graph
        found, rows = self._places(places), self._rows(graph.resolved(tensor))
        if found is None:
            return None
        elements = {place: self._element(rows, row) for row, place in enumerate(found)}
        items = {place: element for place, element in elements.items() if element is not None}
        return self._put(before, items) if len(items) == len(found) else None

    def _rows(self, tensor: int) -> _List:
        if not self._is_stack(tensor >> PORT_BITS):
            return _List(None, {}, tensor)
        rows = self._graph.inputs[tensor >> PORT_BITS]
        return _List(len(rows), dict(enumerate(rows)))

    def _summed(self, lists: Sequence[_List]) -> _List | None:
        length = next((each.length for each in lists if each.length is not None), None)
        if length is None:
            return None
        items = {}
        for place in range(length):
            has = [each for each in lists if place in each.items or each.tensor is not None]
            found = [self._element(each, place) for each in has]
            terms = [term for term in found if term is not None]
            if terms:
                items[place] = terms[0] if len(terms) == 1 else self._make("AddN", terms)
        return _List(length, items)

    def _element(self, known: _List, place: int) -> int | None:
        if place in known.items:
            return known.items[place]
        if place < 0 or (known.length is not None and place >= known.length):
            return None
        if known.tensor is not None:
            return value_of(self._make("Unpack", [known.tensor]) >> PORT_BITS, place)
        # What nothing was put into is zeros; of which shape, the other elements tell.
        like = next(iter(known.items.values()), None)
        return None if like is None else self._make("ZerosLike", [like])

    def _make(self, op: str, inputs: list[int]) -> int:
        key = (op, *inputs)
        if key not in self._made:
            name = f"{self._graph.names[inputs[0] >> PORT_BITS]}/{op}"
            self._made[key] = value_of(self._graph.add(name, op, inputs))
        return self._made[key]
