# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Questions to a TF1 graph while it is being built: what does a loss read?

The answers go into the declaration. They are what the training code knew, not
a proof: that one is made from the logged graph, where nothing here is reused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

_VARIABLES = frozenset({"VariableV2", "Variable", "VarHandleOp"})
_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})
# Their result tells the size of a value, not the value.
_SIZES = frozenset({"Shape", "ShapeN", "Size", "Rank"})
_SWITCHES = frozenset({"Switch", "RefSwitch"})
# Stateful by registration, yet they bring in nothing but what their inputs hold.
_PASSING = frozenset(
    {
        "ReadVariableOp",
        "ResourceGather",
        "ResourceGatherNd",
        "StatefulPartitionedCall",
        "If",
        "While",
        "Case",
        "Print",
        "PrintV2",
        "Assert",
    }
)
_PASSING_PREFIXES = ("TensorArray", "Stack")
_SUMS = frozenset({"Add", "AddV2", "AddN", "Identity", "Pack"})


@dataclasses.dataclass(frozen=True)
class Reads:
    """What a tensor's value is made of.

    Attributes:
      variables: op names of the variables, trained ones where there are any.
      data: whether anything else than variables and constants goes in: a fed
        batch, an iterator, a queue, random numbers, a table of constants.
    """

    variables: tuple[str, ...]
    data: bool


def real(tensor: Any) -> Any:
    """Returns the graph tensor behind `get_variable(regularizer=)`'s lazy one.

    Each other way to use the lazy one adds a fresh copy of the penalty to the
    graph (`_LazyEvalTensor` in tensorflow/python/ops/variable_scope.py).
    """
    return tensor.op.outputs[tensor.value_index]


def reads(tensor: Any) -> Reads:
    """Returns what the tensor's value is made of, walking its graph backwards."""
    graph = tensor.graph
    variables: dict[str, None] = {}
    data = False
    for op in ops_behind(tensor.op):
        if op.type in _VARIABLES:
            variables[op.name] = None
        elif not data:
            data = _brings_data(op)
    trained = _trained_variables(graph)
    # The strength of a penalty may stand in a variable that nobody trains.
    chosen = [name for name in variables if name in trained] or list(variables)
    return Reads(tuple(chosen), data)


def terms(tensor: Any, stop_at: Collection[tuple[str, int]]) -> list[Any]:
    """Returns the tensors whose plain sum the tensor is; itself where it is no sum.

    Args:
      tensor: a scalar.
      stop_at: keys of tensors that are not taken apart.
    """
    found: list[Any] = []
    stack, seen = [tensor], set()
    while stack:
        term = stack.pop()
        if key(term) in seen:
            continue
        seen.add(key(term))
        op = term.op
        inner = term is tensor or key(term) not in stop_at
        if inner and op.type in _SUMS:
            stack.extend(reversed(op.inputs))
        elif inner and op.type == "Sum" and op.inputs[0].op.type in ("Pack", "Identity"):
            stack.append(op.inputs[0])
        else:
            found.append(term)
    return found


def key(tensor: Any) -> tuple[str, int]:
    """Returns what makes a tensor of one graph the same one."""
    return tensor.op.name, tensor.value_index


def stack_of(op: Any) -> list[tuple[str, int]]:
    """Returns file and line of each frame that led to an op, innermost first."""
    try:
        return [(frame.filename, frame.lineno) for frame in reversed(list(op.traceback))]
    except (AttributeError, TypeError):  # An imported graph has no stacks.
        return []


def ops_behind(op: Any) -> Iterator[Any]:
    """Yields the ops that an op's value is made of, itself first, each once."""
    seen, stack = {op.name}, [op]
    while stack:
        current = stack.pop()
        yield current
        if current.type in _VARIABLES or current.type in _SIZES:
            continue
        inputs = list(current.inputs)
        if current.type in _SWITCHES:
            inputs = inputs[:1]  # The second one chooses; it is not part of the value.
        for tensor in inputs:
            if tensor.op.name not in seen:
                seen.add(tensor.op.name)
                stack.append(tensor.op)


def _brings_data(op: Any) -> bool:
    if op.type in _PLACEHOLDERS:
        # A fed scalar is a hyperparameter: a strength, a learning rate.
        return bool(op.outputs[0].shape.rank != 0)
    if op.type == "Const":
        return _is_table(op)
    if "CrossEntropy" in op.type or op.type.startswith("CTCLoss"):
        return True
    if op.type in _PASSING or op.type.startswith(_PASSING_PREFIXES):
        return False
    return bool(op.op_def is not None and op.op_def.is_stateful)


def _is_table(op: Any) -> bool:
    """Whether a constant looks like data: small programs hold their data in constants.

    Scalars, fills (the ones of an identity matrix, an all-ones mask) and
    whole numbers (axes, shapes, indices) are parts of a penalty's formula.
    """
    if not op.outputs[0].dtype.is_floating or op.outputs[0].shape.num_elements() in (None, 0, 1):
        return False
    value = tf.make_ndarray(op.get_attr("value"))
    return bool(np.any(value != value.flat[0]))


def _trained_variables(graph: Any) -> frozenset[str]:
    collected = graph.get_collection(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES)
    # A variable made inside of a model may be known by its handle only.
    return frozenset(variable.op.name for variable in collected)
