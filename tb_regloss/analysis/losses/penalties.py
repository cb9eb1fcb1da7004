# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which tensors are regularization losses.

In this order: what the training code declared; the collections of the
MetaGraphDef; structure. Structure alone speaks where a scalar that depends on
trained variables and constants only, and is even in them as a norm is, is
added to a loss; or, added to nothing, is a constant times a sum of squares or
of absolute values. Weight summaries, gradient norms, LARS and clipping have a
part of that look and are none: they go into a factor, into a summary, or
depend on data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from tb_regloss.analysis.facts import DeclaredLoss
from tb_regloss.analysis.graph import loss_vectors
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, PORT_MASK, node_of, value_of
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_semantics import Kind

_POWERS = ("Neg", "Square", "Pow")
REGULARIZATION_LOSSES = "regularization_losses"
LOSSES = "losses"
_ADDING = (Kind.ADD, Kind.SUBTRACT)
# Collections of tensors that are no losses.
_NO_LOSSES = frozenset(
    [
        "summaries",
        "summary_op",
        "train_op",
        "init_op",
        "ready_op",
        "ready_for_local_init_op",
        "local_init_op",
        "savers",
        "trainable_variables",
        "variables",
        "local_variables",
        "model_variables",
        "metric_variables",
        "global_step",
        "global_step_read_op_cache",
        "moving_average_variables",
        "update_ops",
        "queue_runners",
        "cond_context",
        "while_context",
        "iterators",
        "table_initializer",
        "asset_filepaths",
        "eval_step",
        "activations",
    ]
)


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A regularization loss found in a graph.

    Attributes:
      name: shown to people; the tensor's name.
      node: the op that computes it, -1 where the graph has no such op.
      variables: nodes of the variables it reads.
      source: `"declared"`, `"collection"` or `"structure"`.
      created_at: the user's source line where declared.
      declared: position in the declaration, `None` where not declared.
      declared_variables: their names as declared.
    """

    name: str
    node: int
    variables: tuple[int, ...]
    source: str
    created_at: str | None = None
    declared: int | None = None
    declared_variables: tuple[str, ...] = ()


def node_named(flow: Flow, tensor: str, of: bytearray, reads: int = 0) -> int | None:
    """Returns the scalar op of a tensor's name (`"a/b:0"` or `"a/b"`), `None` where unclear.

    A name that was read off a function's own graph stands for an op of that
    name in any called function; only a scalar can be meant.

    Args:
      flow: the graph.
      tensor: the name.
      of: marks the nodes that may be meant: those of parameters, or of data.
      reads: how many variables it reads, where that is known; nested functions
        may each have an op of that name.
    """
    graph = flow.graph
    name, _, output = tensor.removeprefix("^").partition(":")
    port, named_so = int(output) if output.isdecimal() else 0, graph.named(name)
    exact = None if named_so is None else graph.meant(named_so, port)
    if exact is not None and of[exact] and is_float_scalar(flow, exact):
        # Each function counts its calls anew: another function's may have that name, too.
        is_call = named_so is not None and graph.ops[named_so] == "_Call"
        if not is_call or not reads or len(read_variables(flow, exact)) == reads:
            return exact
    ending = "/" + name
    endings = {
        other: graph.meant(node, port)
        for other, node in graph.index.items()
        if other.endswith(ending)
    }
    named = {
        other: node for other, node in endings.items() if of[node] and is_float_scalar(flow, node)
    }
    if reads:
        # An op of that name may be part of an optimizer's arithmetic.
        named = {other: node for other, node in named.items() if read_variables(flow, node)}
    # What stands before the name is a call, or else only a scope around another op.
    called = {node for other, node in named.items() if other.removesuffix(ending) in graph.index}
    matches = called or set(named.values())
    if len(matches) > 1 and reads:
        read = {node: read_variables(flow, node) for node in matches}
        matches = {node for node in matches if len(read[node]) == reads}
        if len({(graph.ops[node], read[node]) for node in matches}) == 1:
            return min(matches)  # One function, called more than once.
    return matches.pop() if len(matches) == 1 else None


def read_variables(flow: Flow, node: int, limit: int = 100_000) -> tuple[int, ...]:
    """Returns the float variables that a value is computed from, in graph order."""
    graph, found, seen = flow.graph, set(), {node}
    stack = [node]
    while stack and len(seen) < limit:
        current = stack.pop()
        op = graph.ops[current]
        kind = op_semantics.row(op).kind
        if kind is Kind.VARIABLE or (kind is Kind.READ and graph.inputs[current]):
            handle = value_of(current) if kind is Kind.VARIABLE else graph.inputs[current][0]
            variable = flow.variables.behind(handle)
            if variable is not None:
                if variable.is_float and variable.node not in flow.hyperparameters:
                    found.add(variable.node)
                continue
        for value in op_semantics.value_inputs(op, graph.inputs[current]):
            operand = node_of(value)
            if operand not in seen and flow.parameters[operand]:
                seen.add(operand)
                stack.append(operand)
    return tuple(sorted(found))


def declared(flow: Flow, losses: tuple[DeclaredLoss, ...]) -> list[Penalty]:
    """Returns the losses that the training code declared."""
    found = []
    for position, loss in enumerate(losses):
        node = None
        if loss.tensor:
            node = node_named(flow, loss.tensor, flow.parameters, len(loss.variables))
        variables = read_variables(flow, node) if node is not None else ()
        found.append(
            Penalty(
                loss.name,
                -1 if node is None else node,
                variables,
                "declared",
                loss.created_at,
                position,
                loss.variables,
            )
        )
    return found


def collected(flow: Flow, collections: Mapping[str, tuple[str, ...]]) -> list[Penalty]:
    """Returns the regularization losses among the members of a graph's collections."""
    found: dict[int, Penalty] = {}
    for collection in sorted(collections, key=lambda name: (name != REGULARIZATION_LOSSES, name)):
        if collection in _NO_LOSSES:
            continue
        for name in collections[collection]:
            named = flow.graph.named(name.partition(":")[0]) if ":" in name else None
            node = None if named is None else flow.graph.source(named)
            if node is None or node in found or flow.graph.ops[node] == "_Call":
                continue  # What stands behind a call's outputs is found by structure.
            is_named = collection == REGULARIZATION_LOSSES
            of_parameters = bool(flow.parameters[node]) and not flow.data[node]
            if not (is_named or of_parameters) or not is_float_scalar(flow, node):
                continue
            if is_named or _is_loss(flow, node):
                variables = read_variables(flow, node)
                found[node] = Penalty(name, node, variables, "collection")
    return list(found.values())


def absent(flow: Flow, collections: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Returns members of `regularization_losses` that the graph does not have."""
    return [
        name
        for name in collections.get(REGULARIZATION_LOSSES, ())
        if flow.graph.named(name.partition(":")[0]) is None
    ]


def is_float_scalar(flow: Flow, node: int) -> bool:
    """Whether a node may be a loss: not a variable, and no known dimensions."""
    kind = op_semantics.row(flow.graph.ops[node]).kind
    if kind in (Kind.VARIABLE, Kind.DATA, Kind.PLACEHOLDER):
        return False
    return flow.ranks.rank(value_of(node)) in (0, None)


def _is_loss(flow: Flow, node: int) -> bool:
    return flow.ranks.is_scalar(value_of(node)) and norm_root(flow, node) is not None


def data_losses(
    flow: Flow,
    collections: Mapping[str, tuple[str, ...]],
    declared_losses: tuple[DeclaredLoss, ...],
) -> list[int]:
    """Returns the nodes of data losses that are declared or in collection `losses`."""
    names = [loss.tensor for loss in declared_losses if loss.tensor]
    names = names or list(collections.get(LOSSES, ()))
    nodes = [node_named(flow, name, flow.data) for name in names]
    found = [node for node in nodes if node is not None and flow.data[node]]
    members = set(found)
    # A member that sums other members is a total, not a loss of its own.
    return [node for node in dict.fromkeys(found) if not _sums_members(flow, node, members)]


def _sums_members(flow: Flow, node: int, members: set[int]) -> bool:
    graph = flow.graph
    stack, seen, steps = [node], {node}, 0
    while stack and steps < 500:
        steps += 1
        current = stack.pop()
        kind = op_semantics.row(graph.ops[current]).kind
        if kind not in (Kind.ADD, Kind.SUBTRACT, Kind.PASS, Kind.MULTIPLY, Kind.DIVIDE):
            continue
        for value in op_semantics.value_inputs(graph.ops[current], graph.inputs[current]):
            operand = node_of(value)
            if operand in members and operand != node:
                return True
            if operand not in seen and flow.ranks.is_scalar(value):
                seen.add(operand)
                stack.append(operand)
    return False


def added_to_losses(flow: Flow) -> dict[int, list[int]]:
    """Returns scalars, or vectors of them, of parameters alone that are added to such of data.

    Returns:
      the sums that each is a term of, by its node.
    """
    found: dict[int, list[int]] = {}
    for node, reader in joins(flow):
        if _adds(flow, node, reader):
            found.setdefault(node, []).append(reader)
    return found


def joins(flow: Flow) -> Iterable[tuple[int, int]]:
    """Returns what depends on parameters alone, each with an op that reads it and data."""
    edges, begins = flow.graph.edges
    nodes = np.repeat(np.arange(len(flow.graph)), np.diff(begins))
    readers = edges >> PORT_BITS
    parameters, data = (np.frombuffer(of, bool) for of in (flow.parameters, flow.data))
    found = np.flatnonzero(parameters[nodes] & ~data[nodes] & data[readers])
    return zip(nodes[found].tolist(), readers[found].tolist(), strict=True)


def _adds(flow: Flow, node: int, reader: int) -> bool:
    op = flow.graph.ops[reader]
    if op_semantics.row(op).kind in _ADDING:
        is_term = flow.ranks.is_scalar(value_of(node)) or loss_vectors.is_spread(flow, node)
        return is_term and not _is_divisor(flow, reader)
    if op not in loss_vectors.JOINS:
        return False
    return loss_vectors.is_summand(flow, value_of(node)) and loss_vectors.is_summed(flow, reader)


def _is_divisor(flow: Flow, node: int) -> bool:
    """Whether a sum is divided by, and is used for nothing else: norms, as LARS adds them."""
    graph, stack, seen, divides = flow.graph, [node], {node}, False
    while stack:
        for edge in graph.readers(stack.pop()):
            reader, position = edge >> PORT_BITS, edge & PORT_MASK
            kind = op_semantics.row(graph.ops[reader]).kind
            if kind is Kind.DIVIDE and position == 1:
                divides = True
            elif kind in (Kind.ADD, Kind.PASS, Kind.CLIP, Kind.CHOICE):
                if reader not in seen:
                    seen.add(reader)
                    stack.append(reader)
            elif kind is not Kind.SHAPE and graph.ops[reader] not in op_semantics.COMPARISONS:
                return False
    return divides


def _moved(flow: Flow, node: int) -> int:
    """Returns what a tensor was before its elements were moved about."""
    graph = flow.graph
    for _ in range(16):
        if op_semantics.row(graph.ops[node]).kind is not Kind.PASS or not graph.inputs[node]:
            break
        node = node_of(graph.inputs[node][0])
    return node


def norm_root(flow: Flow, node: int) -> int | None:
    """Returns the sum of squares or absolute values that a scalar is a multiple of."""
    graph, current = flow.graph, node
    for _ in range(16):
        op, inputs = graph.ops[current], graph.inputs[current]
        if op in ("L2Loss", "EuclideanNorm"):
            return current
        if op in ("Sum", "Mean") and inputs:
            summed = _moved(flow, node_of(inputs[0]))
            inner = graph.ops[summed]
            if inner in loss_vectors.JOINS:
                terms = map(node_of, graph.inputs[summed])
                current = next((term for term in terms if flow.parameters[term]), current)
                continue
            return (
                current if inner in ("Square", "Abs", "Mul", "Pow", "Sum", "Mean", "Sqrt") else None
            )
        if op in ("Mul", "Div", "RealDiv") and len(inputs) == 2:
            of_parameters = [bool(flow.parameters[node_of(v)]) for v in inputs]
            if of_parameters == [True, False] or (of_parameters == [False, True] and op == "Mul"):
                current = node_of(inputs[of_parameters.index(True)])
                continue
            return None
        if (op_semantics.row(op).kind in (Kind.PASS, Kind.CUT) or op in _POWERS) and inputs:
            current = node_of(inputs[0])
            continue
        if op in ("AddN", "Add", "AddV2", "Sqrt") and inputs:
            current = next((node_of(v) for v in inputs if flow.parameters[node_of(v)]), current)
            continue
        return None
    return None


def is_distance(flow: Flow, node: int) -> bool:
    """Whether a scalar is a strength times the squared distance of a variable from a fixed point.

    So transferred weights are kept near to where they started (L2-SP), with a
    weight for each element (EWC) or without.
    """
    graph, is_squared = flow.graph, False
    for _ in range(16):
        op, inputs = graph.ops[node], graph.inputs[node]
        operands = [graph.source(node_of(v)) for v in inputs]
        is_squared = is_squared or op in ("L2Loss", "Square")
        if op in ("Mul", "Div", "RealDiv"):
            moving = [n for n in operands if flow.parameters[n] and not _is_fixed(flow, n)]
            if len(moving) != 1:
                return False
            node = moving[0]
        elif op in ("Sum", "Mean", "L2Loss", "Square") or op_semantics.row(op).kind is Kind.PASS:
            node = operands[0]
        elif op == "Sub" and is_squared:
            fixed = [_is_fixed(flow, n) for n in operands]
            return sorted(fixed) == [False, True] and _is_read(flow, operands[fixed.index(False)])
        else:
            return False
    return False


def _is_read(flow: Flow, node: int) -> bool:
    return op_semantics.row(flow.graph.ops[node]).kind is Kind.READ


def _is_fixed(flow: Flow, node: int) -> bool:
    """Whether a tensor is a constant, or a variable that no step writes."""
    if _is_read(flow, node):
        variable = flow.variables.behind(flow.graph.inputs[node][0])
        return variable is not None and variable.node not in flow.writes
    return not flow.parameters[node] and flow.ranks.rank(value_of(node)) != 0
