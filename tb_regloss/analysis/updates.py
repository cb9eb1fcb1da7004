# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which writes train a variable, and through which input the gradient comes in.

A fused optimizer op names its gradient. An optimizer written out in small ops
does not; there a write trains a variable if what it writes depends on the
products of a computation that used that very variable together with data.
Running statistics of batch normalization, averages of losses, metrics, shadow
copies, restores and clipped weights fail that test: nothing that was computed
*from* them comes back.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from tb_regloss.analysis import op_semantics, replicas
from tb_regloss.analysis.flow import WRITES, Flow, Write
from tb_regloss.analysis.op_graph import PORT_BITS, PORT_MASK, node_of, port_of, value_of
from tb_regloss.analysis.op_semantics import Kind

_FUSED = re.compile(r"^(?:Resource)?(Sparse)?Apply([A-Z]\w*)$")
# Position of the gradient where it is not the last input (dense) or the last
# but one (sparse): `tensorflow/core/ops/training_ops.cc`.
_GRADIENT_AT = {"GradientDescent": 2, "Momentum": 3, "KerasMomentum": 3, "Ftrl": 3}
_GRADIENT_AT |= {"FtrlV2": 3, "AdagradDA": 3}

_ROUNDS = 8  # loops nested deeper than any program's

_ELEMENTWISE = ("Square", "Abs", "Sign", "Neg", "Sqrt", "Mean", "Max")  # of one gradient

# Ops of which optimizers are written, beside those that the table knows as
# linear: elementwise, so that they mix no two elements of a gradient.
_ARITHMETIC = frozenset(
    [
        "Square",
        "Sqrt",
        "Rsqrt",
        "Abs",
        "Sign",
        "Pow",
        "Maximum",
        "Minimum",
        "Reciprocal",
        "Inv",
        "Exp",
        "Log",
        "Neg",
        "Tanh",
        "Select",
        "SelectV2",
        "SquaredDifference",
        "Assign",
        "AssignAdd",
        "AssignSub",
        "ScatterAdd",
        "ScatterSub",
        "ScatterUpdate",
    ]
)
_TRANSPARENT = (
    Kind.PASS,
    Kind.PORTS,
    Kind.ADD,
    Kind.SUBTRACT,
    Kind.MULTIPLY,
    Kind.DIVIDE,
    Kind.CHOICE,
    Kind.CLIP,
    Kind.ALL_REDUCE,
    Kind.CUT,
)
_MOVES = frozenset(
    [
        "Pack",
        "Unpack",
        "Split",
        "SplitV",
        "ConcatV2",
        "Concat",
        "Slice",
        "StridedSlice",
        "UnsortedSegmentSum",
    ]
)


@dataclasses.dataclass(frozen=True)
class Update:
    """One write that trains a variable.

    Attributes:
      node: the op that writes.
      variable: the variable's node.
      ports: the gradient ports; more than one only where an unfused optimizer
        reads differently prepared gradients.
      rule: what tells optimizers apart: the op's type, for an unfused one `""`.
      sparse: whether the gradient is one of some rows only.
    """

    node: int
    variable: int
    ports: tuple[int, ...]
    rule: str
    sparse: bool = False


@dataclasses.dataclass(frozen=True)
class Training:
    """How a graph trains.

    Attributes:
      updates: by the variable's node, in graph order.
      state: what is written to untrained state that gradients pass through.
      decays: variables that the optimizer itself shrinks.
    """

    updates: dict[int, list[Update]]
    state: dict[int, list[int]]
    decays: frozenset[int]

    def without(self, copies: Mapping[int, int]) -> Training:
        """Returns the same training of one variable for all its copies."""
        kept = {v: found for v, found in self.updates.items() if v not in copies}
        decays = frozenset(copies.get(v, v) for v in self.decays)
        return Training(kept, self.state, decays)


def find_training(flow: Flow, trainable: frozenset[int] | None) -> Training:
    """Returns how a graph trains, and lets its state carry data from then on.

    Args:
      flow: the graph; its state links are added.
      trainable: the variables in collection `trainable_variables`, `None`
        where the collection is not known.
    """
    updates = _fused(flow)
    candidates = _candidates(flow, updates)
    forward = {v for v in candidates if _is_used_with_data(flow, v)}
    state = {
        variable: [write.value for write in writes]
        for variable, writes in candidates.items()
        if variable not in forward
    }
    if state:
        flow.set_state(state)
    unfused, passed = _unfused(flow, candidates, state, trainable)
    state = {variable: values for variable, values in state.items() if variable not in unfused}
    slots = flow.propagate(node for node in passed if _owner(flow, node) not in unfused)
    decays = set(_separate_decays(flow, {*updates, *unfused}))
    for variable, writes in unfused.items():
        for write in writes:
            ports, decayed = _gradient_ports(flow, write, slots)
            if decayed:
                decays.add(variable)
            if ports:
                update = Update(write.node, variable, ports, "", write.sparse)
                updates.setdefault(variable, []).append(update)
    for found in updates.values():
        found.sort(key=lambda update: update.node)
    return Training(updates, state, frozenset(decays & set(updates)))


def mirrored(flow: Flow, training: Training) -> dict[int, int]:
    """Returns the variables that are other variables' copies on further replicas.

    All replicas of a variable are updated with the one gradient that came out
    of the reduction over them.
    """
    firsts: dict[object, int] = {}
    found: dict[int, int] = {}
    for variable, updates in training.updates.items():
        shape = (
            flow.variables.by_node[variable].shape if variable in flow.variables.by_node else None
        )
        sources = {_reduced(flow, port) for update in updates for port in update.ports}
        if None in sources:
            continue
        first = firsts.setdefault((shape, frozenset(sources)), variable)
        if first != variable:
            found[variable] = first
    return found


def _reduced(flow: Flow, value: int) -> object:
    """Returns what tells a reduction over replicas, `None` where a value comes from none."""
    graph, parts = flow.graph, list[int]()
    for _ in range(32):
        node = node_of(value)
        op, inputs = graph.ops[node], graph.inputs[node]
        kind = op_semantics.row(op).kind
        if kind is Kind.ALL_REDUCE:
            return (replicas.group(graph, node), *parts)
        if op == "AddN" and len(inputs) > 1:
            return (node, *parts)
        if op in ("Split", "SplitV", "Unpack"):
            parts.append(port_of(value))
        elif op in ("Slice", "StridedSlice"):
            start = graph.attrs.constant(node_of(inputs[1])) if len(inputs) > 1 else None
            if start is None or start.array is None:
                return None
            parts.append(int(start.array.flat[0]))
        elif kind not in (Kind.PASS, Kind.MULTIPLY, Kind.DIVIDE) or not inputs:
            return None
        value = next((v for v in inputs if flow.data[node_of(v)]), inputs[0])
    return None


def _fused(flow: Flow) -> dict[int, list[Update]]:
    found: dict[int, list[Update]] = {}
    for op, nodes in flow.graph.op_types.items():
        match = _FUSED.match(op)
        if match is None:
            continue
        sparse, rule = match.groups()
        position = _GRADIENT_AT.get(rule, -2 if sparse else -1)
        for node in nodes:
            inputs = flow.graph.inputs[node]
            if len(inputs) < 3 or position >= len(inputs):
                continue
            variable = flow.variables.root(inputs[0])
            update = Update(node, variable, (inputs[position],), rule, bool(sparse))
            found.setdefault(variable, []).append(update)
    return found


def _candidates(flow: Flow, fused: dict[int, list[Update]]) -> dict[int, list[Write]]:
    """Returns writes to float variables that may be training or its state."""
    found: dict[int, list[Write]] = {}
    for root, writes in flow.writes.items():
        variable = flow.variables.by_node.get(root)
        if variable is None or not variable.is_float or root in fused:
            continue
        kept = [write for write in writes if _is_no_initializer(flow, write)]
        if kept:
            found[root] = kept
    return found


def _is_used_with_data(flow: Flow, variable: int) -> bool:
    """Whether a variable is computed with, not only updated: its value meets data in a product.

    Slots and accumulators meet data in elementwise arithmetic only.
    """
    graph = flow.graph
    stack = list(flow.reads.get(variable, ()))
    seen = set(stack)
    while stack:
        for edge in graph.readers(stack.pop()):
            reader, position = edge >> PORT_BITS, edge & PORT_MASK
            op = graph.ops[reader]
            carries = op_semantics.value_inputs(op, graph.inputs[reader])
            if reader in seen or graph.inputs[reader][position] not in carries:
                continue
            if op in WRITES or op_semantics.is_summary(op):
                continue
            if flow.data[reader] and not _is_arithmetic(op):
                return True
            seen.add(reader)
            stack.append(reader)
    return False


def _is_arithmetic(op: str) -> bool:
    return op_semantics.row(op).kind in _TRANSPARENT or op in _ARITHMETIC or op in _MOVES


def _is_no_initializer(flow: Flow, write: Write) -> bool:
    # What is restored or drawn at random depends on no variable.
    return write.how != "set" or bool(flow.parameters[node_of(write.value)])


def _unfused(
    flow: Flow,
    candidates: dict[int, list[Write]],
    state: dict[int, list[int]],
    trainable: frozenset[int] | None,
) -> tuple[dict[int, list[Write]], set[int]]:
    """Returns the variables that are trained, and the reads of state that their updates pass."""
    of_data = {
        variable: [write for write in writes if flow.data[node_of(write.value)]]
        for variable, writes in candidates.items()
    }
    of_data = {variable: writes for variable, writes in of_data.items() if writes}
    if not of_data:
        return {}, set()
    bits = {variable: 1 << place for place, variable in enumerate(of_data)}
    leaves, passed = {}, {}
    for variable, writes in of_data.items():
        leaves[variable], passed[variable] = _leaves(flow, writes, state)
    used = _ancestors(flow, bits, {leaf for found in leaves.values() for leaf in found})
    trained = {}
    for variable, writes in of_data.items():
        if trainable is not None and variable not in trainable:
            continue
        if any(used.get(leaf, 0) & bits[variable] for leaf in leaves[variable]):
            trained[variable] = writes
    return trained, {node for variable in trained for node in passed[variable]}


def _leaves(
    flow: Flow, writes: list[Write], state: dict[int, list[int]]
) -> tuple[set[int], set[int]]:
    """Returns where an update's arithmetic ends, and which reads of state it passes."""
    graph = flow.graph
    ends: set[int] = set()
    passed: set[int] = set()
    stack = [node_of(write.value) for write in writes]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if not flow.data[node]:
            continue
        op = graph.ops[node]
        kind = op_semantics.row(op).kind
        operands: list[int] = []
        if kind in (Kind.READ, Kind.VARIABLE):
            if _owner(flow, node) in state:
                passed.add(node)
                operands = flow.value_inputs(node)
        elif _is_arithmetic(op):
            operands = flow.value_inputs(node)
        else:
            ends.add(node)
        for operand in operands:
            if node_of(operand) not in seen:
                seen.add(node_of(operand))
                stack.append(node_of(operand))
    return ends, passed


def _owner(flow: Flow, read: int) -> int:
    """Returns the variable that a node reads."""
    inputs = flow.graph.inputs[read]
    return flow.variables.root(inputs[0] if inputs else value_of(read))


def _ancestors(flow: Flow, bits: dict[int, int], wanted: set[int]) -> dict[int, int]:
    """Returns for each wanted node which variables it was computed from, as bits.

    Only what ops compute counts, not what state carried there.
    """
    graph = flow.graph
    own: dict[int, int] = {}
    for variable, bit in bits.items():
        for read in flow.reads.get(variable, ()):
            own[read] = own.get(read, 0) | bit
    known, order = dict(own), list[int]()
    stack = list(wanted)
    waiting: set[int] = set()
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        operands = _operand_nodes(flow, node)
        missing = [operand for operand in operands if operand not in known]
        if missing and node not in waiting:
            waiting.add(node)
            stack.extend(missing)
            continue
        known[node] = 0
        for operand in operands:
            known[node] |= known.get(operand, 0)
        order.append(node)
        stack.pop()
    has_loops = any(op in graph.op_types for op in op_semantics.LOOPS)
    for _ in range(_ROUNDS if has_loops else 0):
        # What comes around in a loop was not known when it was asked for.
        changed = False
        for node in order:
            total = known[node]
            for operand in _operand_nodes(flow, node):
                total |= known.get(operand, 0)
            changed |= total != known[node]
            known[node] = total
        if not changed:
            break
    return known


def _operand_nodes(flow: Flow, node: int) -> list[int]:
    graph = flow.graph
    return [node_of(v) for v in op_semantics.value_inputs(graph.ops[node], graph.inputs[node])]


def _separate_decays(flow: Flow, trained: set[int]) -> list[int]:
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
        node = _behind(flow, value)
        if graph.ops[node] == "Sub" and _behind(flow, graph.inputs[node][0]) in own:
            value = graph.inputs[node][1]
        elif graph.ops[node] != "Mul":
            return False
    for _ in range(8):
        node = _behind(flow, value)
        if node in own:
            return True
        if graph.ops[node] not in ("Mul", "Div", "RealDiv") or len(graph.inputs[node]) < 2:
            return False
        left, right = graph.inputs[node][:2]
        value = left if flow.parameters[node_of(left)] and not flow.ranks.is_scalar(left) else right
        if graph.ops[node] != "Mul":
            value = left
    return False


def _behind(flow: Flow, value: int) -> int:
    graph, node = flow.graph, node_of(value)
    for _ in range(16):
        if graph.ops[node] in ("Identity", "Cast") and graph.inputs[node]:
            node = node_of(graph.inputs[node][0])
    return node


def _gradient_ports(flow: Flow, write: Write, slots: bytearray) -> tuple[tuple[int, ...], bool]:
    """Returns where the gradient enters an unfused optimizer's arithmetic.

    Everything that mixes with slots is arithmetic; the gradient is what comes
    before that, without the learning rate. On the way, a multiple of the
    variable that is added outside of the gradient is the optimizer's decay.
    """
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
        operands = list(flow.value_inputs(node))
        kind = op_semantics.row(op).kind
        reads_own = any(_behind(flow, operand) in own for operand in operands)
        if kind in (Kind.ADD, Kind.SUBTRACT) and reads_own:
            follow = [v for v in operands if flow.data[node_of(v)] and _behind(flow, v) not in own]
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
    return tuple(ports), decayed


def _is_multiple(flow: Flow, value: int, own: set[int]) -> bool:
    node = _behind(flow, value)
    if node in own:
        return True
    if flow.graph.ops[node] != "Mul":
        return False
    return any(_behind(flow, v) in own for v in flow.graph.inputs[node])


def _without_scale(flow: Flow, value: int) -> int:
    """Takes one factor that depends on no data, or one elementwise function, off a gradient."""
    graph, node = flow.graph, node_of(value)
    op, inputs = graph.ops[node], graph.inputs[node]
    if op in _ELEMENTWISE or (op == "Mul" and inputs[0] == inputs[1]):
        return inputs[0]
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
