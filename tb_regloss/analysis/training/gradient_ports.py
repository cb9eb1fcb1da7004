# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where the gradient enters an unfused optimizer's arithmetic, and where decay does.

Everything that mixes with slots is arithmetic; the gradient is what comes
before that, without the learning rate.
"""

from __future__ import annotations

from collections.abc import Container

from tb_regloss.analysis.graph.flow import Flow, Write
from tb_regloss.analysis.graph.op_graph import node_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_functions import is_understood
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.update_arithmetic import behind

NORMS = ("Sum", "Mean", "L2Loss", "Max")  # of which clipping and adaptive rates are made
_ELEMENTWISE = ("Square", "Pow", "Abs", "Sign", "Neg", "Sqrt", "Mean", "Max")  # of one gradient

_FACTORS = 4  # of a gradient in a product with itself


def gradient_ports(flow: Flow, write: Write, slots: bytearray) -> tuple[tuple[int, ...], bool]:
    """Returns where the gradient enters an unfused optimizer's arithmetic.

    Everything that mixes with slots is arithmetic; the gradient is what comes
    before that, without the learning rate. On the way, a multiple of the
    variable that is added outside of the gradient is the optimizer's decay.
    """
    ports, decayed = _ports(flow, write, slots, NORMS)
    # The norm of all gradients, by which they are clipped, leads to each of them.
    return (ports, decayed) if ports else _ports(flow, write, slots, ())


def _ports(
    flow: Flow, write: Write, slots: bytearray, barred: Container[str]
) -> tuple[tuple[int, ...], bool]:
    """Returns the same, without what is reached through ops of type `barred` only."""
    graph = flow.graph
    own = set(flow.reads.get(write.variable, ()))
    ports: dict[int, None] = {}
    decayed = False
    stack, seen = [write.value], {write.value}
    while stack:
        value = stack.pop()
        node = node_of(value)
        if not flow.data[node]:
            continue
        op = graph.ops[node]
        if op in barred and slots[node]:
            continue
        operands = list(flow.value_inputs(node))
        kind = op_semantics.row(op).kind
        reads_own = any(behind(flow, operand) in own for operand in operands)
        if kind in (Kind.ADD, Kind.SUBTRACT) and reads_own:
            follow = [v for v in operands if flow.data[node_of(v)] and behind(flow, v) not in own]
        elif slots[node]:
            follow = operands
            if kind in (Kind.ADD, Kind.SUBTRACT):
                decayed |= any(
                    not flow.data[node_of(v)] and _is_multiple(flow, v, own) for v in operands
                )
        else:
            inner = _without_scale(flow, value)
            if inner == value:
                ports[value] = None
                continue
            follow = [inner]
        for operand in follow:
            if operand not in seen:
                seen.add(operand)
                stack.append(operand)
    return tuple(sorted(ports, key=lambda port: _rank(flow, node_of(port)))), decayed


def _rank(flow: Flow, node: int) -> int:
    """Returns 0 for what can be a gradient best.

    Noise that is added to an update depends on data, and on nothing else; what
    an op whose meaning is not known made of a gradient cannot be followed.
    """
    if not flow.parameters[node]:
        return 2
    return 0 if is_understood(flow.graph.ops[node]) else 1


def _is_multiple(flow: Flow, value: int, own: set[int]) -> bool:
    node = behind(flow, value)
    if node in own:
        return True
    if flow.graph.ops[node] != "Mul":
        return False
    return any(behind(flow, v) in own for v in flow.graph.inputs[node])


def _without_scale(flow: Flow, value: int) -> int:
    """Takes one factor that depends on no data, or one elementwise function, off a gradient."""
    graph, node = flow.graph, node_of(value)
    op, inputs = graph.ops[node], graph.inputs[node]
    if op in _ELEMENTWISE or (op == "Mul" and inputs[0] == inputs[1]):
        return inputs[0]
    if op == "Mul" and all(flow.data[node_of(v)] for v in inputs):
        # A square with a factor: `(1 - beta) * g * g`.
        left, right = (_multiple_of(flow, v) for v in inputs)
        return left if left == right else value
    if op in ("Add", "AddV2") and not any(flow.parameters[node_of(v)] for v in inputs[1:]):
        # An epsilon beside the square of a gradient (Adafactor).
        return inputs[0] if not flow.data[node_of(inputs[1])] else value
    if op in ("Mul", "Div", "RealDiv") and len(inputs) == 2:
        of_data = [bool(flow.data[node_of(v)]) for v in inputs]
        if of_data[0] and not of_data[1] and flow.ranks.rank(inputs[1]) in (0, None):
            return inputs[0]
        if (
            op == "Mul"
            and of_data[1]
            and not of_data[0]
            and flow.ranks.rank(inputs[0]) in (0, None)
        ):
            return inputs[1]
    return value


def _multiple_of(flow: Flow, value: int) -> int:
    """Returns what a value is a multiple of, by factors that depend on no data."""
    graph = flow.graph
    for _ in range(_FACTORS):
        node = node_of(value)
        of_data = [v for v in graph.inputs[node] if flow.data[node_of(v)]]
        if graph.ops[node] not in ("Mul", "Identity") or len(of_data) != 1:
            break
        value = of_data[0]
    return value


def separate_decays(flow: Flow, trained: set[int]) -> list[int]:
    """Returns trained variables that a write of its own shrinks (`v -= rate * decay * v`)."""
    graph, found = flow.graph, []
    for variable in trained:
        own = set(flow.reads.get(variable, ()))
        for write in flow.writes.get(variable, ()):
            node = node_of(write.value)
            if flow.data[node] or not flow.parameters[node]:
                continue
            if _is_shrinkage(flow, write, own):
                found.append(variable)
                break
    del graph
    return found


def _is_shrinkage(flow: Flow, write: Write, own: set[int]) -> bool:
    """Whether a write that depends on no data is `v * factor`, or subtracts that."""
    graph, value = flow.graph, write.value
    if write.how == "set":
        node = behind(flow, value)
        if graph.ops[node] == "Sub" and behind(flow, graph.inputs[node][0]) in own:
            value = graph.inputs[node][1]
        elif graph.ops[node] != "Mul":
            return False
    for _ in range(8):
        node = behind(flow, value)
        if node in own:
            return True
        if graph.ops[node] not in ("Mul", "Div", "RealDiv") or len(graph.inputs[node]) < 2:
            return False
        left, right = graph.inputs[node][:2]
        value = left if flow.parameters[node_of(left)] and not flow.ranks.is_scalar(left) else right
        if graph.ops[node] != "Mul":
            value = left
    return False
