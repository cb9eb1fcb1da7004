# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""In which order the values of a graph are computed, loops and all, without recursion."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Rules(Generic[T]):
    """How values are computed.

    Attributes:
      operands: the values that a value is computed from.
      compute: the value itself; its operands are known.
      around: what a value is before a cycle has gone around once.
      is_looped: whether a value may wait for itself, as the Merge of a loop does.
    """

    operands: Callable[[int], Sequence[int]]
    compute: Callable[[int], T]
    around: Callable[[int], T]
    is_looped: Callable[[int], bool]


def fill(known: MutableMapping[int, T], value: int, rules: Rules[T]) -> None:
    """Computes a value and all that it takes, each once.

    Args:
      known: the values that were computed so far; others are added.
      value: what to compute.
      rules: how.
    """
    stack = [value]
    depths: dict[int, int] = {}
    operands: dict[int, Sequence[int]] = {}
    provisional: set[int] = set()
    again: set[int] = set()
    operands_of, compute = rules.operands, rules.compute
    while stack:
        current, depth = stack[-1], len(stack)
        if current in known and (current not in provisional or depths[current] != depth):
            stack.pop()
            continue
        if current not in operands:
            operands[current] = operands_of(current)
            # Most are made of nothing else; these need no turn of their own.
            for operand in operands[current]:
                if operand not in known and operand not in operands:
                    operands[operand] = operands_of(operand)
                    if not operands[operand]:
                        known[operand] = compute(operand)
        wanted = [v for v in operands[current] if v not in known]
        if wanted and current not in depths:
            depths[current] = depth
            stack.extend(reversed(wanted))
            continue
        if wanted and current not in again and not rules.is_looped(current):
            # A loop that was entered in its middle: it ends at its Merge.
            again.add(current)
            stack.extend(reversed(wanted))
            continue
        if wanted:
            # It waits for itself, a loop: its value before going around will do.
            known[current] = rules.around(current)
        else:
            known[current] = compute(current)
        if wanted or depths.get(current, depth) != depth:
            provisional.add(current)
        else:
            provisional.discard(current)
        stack.pop()
