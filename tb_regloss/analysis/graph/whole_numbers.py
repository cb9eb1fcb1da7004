# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whole numbers that a graph fixes: how often a loop goes around, which element is picked.

Only scalars, and only the ops that counters and their bounds are made of
(`tensorflow/core/ops/math_ops.cc`); anything else is not known, never guessed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from tb_regloss.analysis.graph.op_graph import Constant

Key = TypeVar("Key", bound=Hashable)
# A number, an op with its operands, or `None` for what is not known.
Found = int | tuple[str, Sequence[Key]] | None

_MOST_STEPS = 512  # more than any bound is computed with

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Add": operator.add,
    "AddV2": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Neg": operator.neg,
    "FloorDiv": operator.floordiv,
    "FloorMod": operator.mod,
    "Maximum": max,
    "Minimum": min,
    "Less": operator.lt,
    "LessEqual": operator.le,
    "Greater": operator.gt,
    "GreaterEqual": operator.ge,
    "Equal": operator.eq,
    "NotEqual": operator.ne,
    "LogicalAnd": lambda x, y: x and y,
    "LogicalOr": lambda x, y: x or y,
    "LogicalNot": operator.not_,
    "ZerosLike": lambda _: 0,
    "OnesLike": lambda _: 1,
    "Identity": lambda x: x,
    "Cast": lambda x: x,
}


def is_foldable(op: str) -> bool:
    """Whether a number comes out of an op where numbers go in."""
    return op in _FUNCTIONS


def of_constant(constant: Constant | None, shape: tuple[int, ...] = ()) -> int | None:
    """Returns the whole number (or the truth) that a constant of this shape holds, else `None`."""
    if constant is None or constant.shape != shape or constant.array is None:
        return None
    is_whole = constant.array.dtype.kind in "biu" and constant.array.size == 1
    return int(constant.array.item()) if is_whole else None


def fold(start: Key, look: Callable[[Key], Found[Key]], known: dict[Key, int | None]) -> int | None:
    """Returns the number that a key stands for, `None` where it is not fixed.

    Args:
      start: the key.
      look: what a key stands for, before anything is computed.
      known: numbers that are known already; what is computed is added.
    """
    stack, waiting = [start], dict[Key, tuple[str, Sequence[Key]]]()
    while stack:
        key = stack[-1]
        if key in known:
            stack.pop()
            continue
        if key not in waiting:
            found = look(key)
            if not isinstance(found, tuple) or len(waiting) > _MOST_STEPS:
                known[key] = None if isinstance(found, tuple) else found
                continue
            waiting[key] = found
            stack.extend(found[1])
            continue
        op, operands = waiting[key]
        # What waits for itself is in a loop, and not fixed.
        numbers = [known.get(operand) for operand in operands]
        known[key] = None if None in numbers else _applied(op, numbers)
    return known[start]


def _applied(op: str, numbers: Sequence[int | None]) -> int | None:
    try:
        return int(_FUNCTIONS[op](*numbers))
    except (ArithmeticError, TypeError, ValueError):
        return None
