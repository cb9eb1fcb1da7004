# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a penalty can arrive at a gradient at all, whatever its derivative is.

Where numbers do not tell (the derivative of an SVD, of a sort, of a loop), the
structure does if nothing that a penalty is made of, nor a copy of it, is
anywhere that a gradient comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from tb_regloss.analysis.graph.flow import WRITES, Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of
from tb_regloss.analysis.graph.scales import Scales
from tb_regloss.analysis.losses import penalties
from tb_regloss.analysis.losses.candidates import Candidates
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_functions import FUNCTIONS, is_understood
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.proofs.links import Links
from tb_regloss.analysis.training import gradient
from tb_regloss.analysis.training.gradient import Gradients
from tb_regloss.analysis.training.updates import Update

_REACH = 20_000
_SUMS = (Kind.ADD, Kind.SUBTRACT, Kind.PASS, Kind.LINEAR)
_SCALED = (Kind.MULTIPLY, Kind.DIVIDE)
# No value of theirs is anything's gradient.
_ENDS = (Kind.SHAPE, Kind.CUT)


class DeadEnds:
    """Which penalties of a graph lead nowhere.

    Args:
      flow: the graph.
      found: its penalties.
      gradients: its gradients; all updates were evaluated.
      links: its connections.
      trained: the trained variables.
    """

    def __init__(
        self,
        flow: Flow,
        found: Candidates,
        gradients: Gradients,
        links: Links,
        trained: Collection[int],
    ) -> None:
        self._flow, self._found, self._gradients = flow, found, gradients
        self._links, self._trained = links, trained

    def is_left_out(
        self, number: int, update: Update, others: Callable[[bool], dict[int, gradient.Array]]
    ) -> bool:
        """Whether a penalty, whatever its derivative is, is no part of an update's gradient.

        Nothing but data's part and that of other penalties is in it, and nothing
        that the penalty is made of leads there.

        Args:
          number: the penalty's class.
          update: the update.
          others: returns the derivatives of the other penalties on its variable,
            sampled with equal elements or dense.
        """
        for dense in (False, True):
            received = self._gradients.received(update, dense).penalty
            if not np.isfinite(received).all():
                return False
            if not gradient.is_zero(received, np.ones(1, np.complex128)):
                known = others(dense)
                if not known or gradient.fit(received, known) is None:
                    return False
            # Equal elements minus their mean only seem to cancel out; different ones do.
            if not self._links.passes(update, self._gradients.cancelled):
                break
        return self._leads_nowhere(number)

    def _leads_nowhere(self, number: int) -> bool:
        """Whether nothing of a penalty goes into a gradient, and into losses by sums alone.

        That it is a term of a sum says nothing: perhaps the sum is only shown. But
        such a term's gradient stands alone in what an update receives, and is seen
        there, while that of a product with data is not.
        """
        flow, graph, inside = self._flow, self._flow.graph, self._links.inside
        parts = _made_of(flow, self._found.members.get(number, ()))
        if graph.obstacles or _is_made_again(flow, parts, inside):
            return False
        stack = list(self._found.alike(parts))
        seen = set(stack)
        if any(node in inside for node in stack):
            return False
        while stack and len(seen) < _REACH:
            node = stack.pop()
            readers = {n for n in _readers(flow, node) if not _is_end(graph.ops[n])}
            if not all(self._is_harmless(node, reader) for reader in readers):
                return False
            following = readers - seen
            for reader in readers - seen:
                following.update(_behind_write(flow, reader) - seen)
            seen |= following
            stack.extend(following)
        return not stack

    def _is_harmless(self, node: int, reader: int) -> bool:
        """Whether what reads a part of a penalty takes it nowhere near a gradient."""
        flow, op = self._flow, self._flow.graph.ops[reader]
        if op in WRITES:
            return flow.variables.root(flow.graph.inputs[reader][0]) not in self._trained
        if reader in self._links.inside or _may_train(flow, reader):
            return False
        return not flow.data[reader] or _is_sum(flow, node, reader)


def _made_of(flow: Flow, nodes: Collection[int]) -> set[int]:
    """Returns the ops that a penalty consists of, but for its variables as they are."""
    scales = Scales(flow)
    stack, found = list(nodes), set(nodes)
    while stack:
        node = stack.pop()
        for operand in map(node_of, flow.value_inputs(node)):
            if flow.parameters[operand] and operand not in found and not scales.is_plain(operand):
                found.add(operand)
                stack.append(operand)
    return found


def _is_made_again(flow: Flow, parts: Collection[int], inside: Collection[int]) -> bool:
    """Whether a gradient uses what may be a copy of a penalty, written with other ops.

    What it has in common with the penalty are the ops whose values are not known.
    """
    graph, reads = flow.graph, penalties.read_variables
    variables = {variable for node in parts for variable in reads(flow, node)}
    ops = {graph.ops[node] for node in parts}
    for op in {op for op in ops if op not in FUNCTIONS} or ops:
        for node in graph.nodes_with_op(op):
            is_plain = node in inside and flow.parameters[node] and not flow.data[node]
            if is_plain and variables.intersection(reads(flow, node)):
                return True
    return False


def _readers(flow: Flow, node: int) -> set[int]:
    return {edge >> PORT_BITS for edge in flow.graph.readers(node)} | set(flow.value_readers(node))


def _behind_write(flow: Flow, node: int) -> set[int]:
    """Returns what reads what an op writes to a variable."""
    if flow.graph.ops[node] not in WRITES:
        return set()
    return set(flow.reads.get(flow.variables.root(flow.graph.inputs[node][0]), ()))


def _is_end(op: str) -> bool:
    kind = op_semantics.row(op).kind
    return kind in _ENDS or op_semantics.is_summary(op) or op in op_semantics.COMPARISONS


def _may_train(flow: Flow, node: int) -> bool:
    """Whether nothing reads an op whose meaning is not known: it may write to anything."""
    op = flow.graph.ops[node]
    return not (is_understood(op) or _readers(flow, node))


def _is_sum(flow: Flow, node: int, reader: int) -> bool:
    """Whether an op of data adds something up that it reads, or scales it by no data."""
    graph = flow.graph
    kind, inputs = op_semantics.row(graph.ops[reader]).kind, graph.inputs[reader]
    if kind in _SCALED:
        of_data = [bool(flow.data[node_of(value)]) for value in inputs]
        is_divisor = kind is Kind.DIVIDE and graph.source(node_of(inputs[0])) != node
        return bool(flow.data[node]) and sum(of_data) == 1 and not is_divisor
    return kind in _SUMS
