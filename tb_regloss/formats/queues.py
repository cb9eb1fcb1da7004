# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What comes out of a queue is what was put in: gradients travel so in pipelined training.

Only where one op puts in and what it puts in is made of variables. Input
pipelines stay sources of data.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from tb_regloss.analysis.graph.op_graph import PORT_BITS, value_of

_PUTS = {"QueueEnqueue": 1, "QueueEnqueueV2": 1, "Stage": 0}
_TAKES = ("QueueDequeue", "QueueDequeueV2", "Unstage")
_VARIABLES = ("Variable", "VariableV2", "VarHandleOp", "ReadVariableOp", "AutoReloadVariable")
_FARTHEST = 50_000  # ops to look through for a variable


def aliases(
    ops: Sequence[str],
    inputs: Sequence[Sequence[int]],
    resolved: Callable[[int], int],
    shared_name: Callable[[int], str],
) -> Iterator[tuple[int, int]]:
    """Yields (what is taken out, what was put in).

    Args:
      ops: op types by node.
      inputs: the values that each node reads.
      resolved: returns what stands behind a value.
      shared_name: returns a node's attribute of that name; staging areas have
        no handles.
    """
    if not any(op in ops for op in _PUTS):
        return
    puts: dict[Hashable, list[int]] = {}
    takes: dict[Hashable, list[int]] = {}
    for node, op in enumerate(ops):
        if op in _PUTS or op in _TAKES:
            handle: Hashable
            if op in ("Stage", "Unstage"):
                handle = shared_name(node)
            elif inputs[node]:
                handle = resolved(inputs[node][0])
            else:
                continue
            (puts if op in _PUTS else takes).setdefault(handle, []).append(node)
    for handle, found in puts.items():
        if len(found) > 1 or handle not in takes:
            continue
        put = inputs[found[0]][_PUTS[ops[found[0]]] :]
        for port, value in enumerate(put):
            if _reads_variable(ops, inputs, resolved(value)):
                for node in takes[handle]:
                    yield value_of(node, port), value


def _reads_variable(ops: Sequence[str], inputs: Sequence[Sequence[int]], value: int) -> bool:
    stack, seen = [value >> PORT_BITS], {value >> PORT_BITS}
    while stack and len(seen) < _FARTHEST:
        node = stack.pop()
        if node < 0:
            continue
        if ops[node] in _VARIABLES:
            return True
        for operand in inputs[node]:
            if operand >> PORT_BITS not in seen:
                seen.add(operand >> PORT_BITS)
                stack.append(operand >> PORT_BITS)
    return False
