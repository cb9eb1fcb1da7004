# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What of a graph connects a penalty with a gradient where numbers do not speak."""

from __future__ import annotations

import functools

from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.op_graph import PORT_BITS, node_of
from tb_regloss.analysis.graph.scales import Scales
from tb_regloss.analysis.losses import penalties
from tb_regloss.analysis.losses.candidates import Candidates
from tb_regloss.analysis.losses.penalties import Penalty
from tb_regloss.analysis.ops import op_semantics
from tb_regloss.analysis.ops.op_functions import is_understood
from tb_regloss.analysis.ops.op_semantics import Kind
from tb_regloss.analysis.training.gradient import Gradients
from tb_regloss.analysis.training.update_arithmetic import is_arithmetic
from tb_regloss.analysis.training.updates import Update

_REACH = 20_000  # ops to look at between an update and where its gradient comes from
_MOST_FACTORS = 32  # between a gradient and the scalar that it is a multiple of
# Where gradients come from that were computed elsewhere.
_HANDED_OVER = (
    *("QueueDequeue", "QueueDequeueV2", "QueueDequeueMany", "QueueDequeueManyV2", "Unstage"),
    *("Recv", "_Recv", "BarrierTakeMany", "PyFunc", "PyFuncStateless", "EagerPyFunc"),
)
_READS = ("Identity", "ReadVariableOp", "Gather", "GatherV2", "ResourceGather", "Enter", "RefEnter")
# They read a parameter to send a gradient on to what is before it.
_BACKPROPAGATION = frozenset(
    [
        "Conv2DBackpropInput",
        "DepthwiseConv2dNativeBackpropInput",
        "Conv3DBackpropInputV2",
        "FusedBatchNormGrad",
        "FusedBatchNormGradV2",
        "FusedBatchNormGradV3",
        "LRNGrad",
        "RsqrtGrad",
        "SqrtGrad",
        "ReciprocalGrad",
        "InvGrad",
    ]
)


class Links:
    """Connections in one graph.

    Args:
      flow: the graph.
      found: its penalties.
      gradients: its gradients; all updates were evaluated.
    """

    def __init__(self, flow: Flow, found: Candidates, gradients: Gradients) -> None:
        self._flow, self._found, self._gradients = flow, found, gradients
        self._ends = gradients.ends
        self._scales = Scales(flow)

    @functools.cached_property
    def _followed(self) -> tuple[set[int], set[int]]:
        # Walks through all of a large graph, and most proofs get by without.
        return self._gradients.followed()

    @property
    def hidden(self) -> set[int]:
        """What flows into gradients where they were not followed."""
        return self._followed[1]

    @functools.cached_property
    def inside(self) -> set[int]:
        """What flows into gradients, followed or not."""
        evaluated, hidden = self._followed
        return evaluated | hidden

    @functools.cached_property
    def _shared_scales(self) -> list[complex]:
        """The constants that are both in what was followed and in what was not."""
        graph, (evaluated, hidden) = self._flow.graph, self._followed
        constants = (
            graph.attrs.constant(node) for node in evaluated & hidden if graph.ops[node] == "Const"
        )
        return [
            complex(constant.array.flat[0])
            for constant in constants
            if constant is not None and constant.array is not None and constant.array.size == 1
        ]

    def shares(self, factor: float) -> bool:
        """Whether a constant of this value scales penalties and data alike (`grad_loss=`)."""
        return any(
            abs(value - factor) <= 1e-6 * abs(factor) and value != 1
            for value in self._shared_scales
        )

    def passes(self, update: Update, nodes: set[int]) -> bool:
        """Whether an update's gradient, as far as it was followed, goes through one of `nodes`."""
        flow = self._flow
        stack, seen = [node_of(port) for port in update.ports], set[int]()
        while stack and nodes and len(seen) < _REACH:
            node = stack.pop()
            if node in nodes:
                return True
            if node in seen or node in self._ends or not flow.data[node]:
                continue
            seen.add(node)
            stack.extend(node_of(v) for v in flow.value_inputs(node))
        return False

    def cut_inside(self, number: int) -> int | None:
        """Returns an op that cuts the gradient between a penalty and its variables."""
        graph = self._flow.graph
        start = self._found.members.get(number, [])
        stack, seen = list(start), set(start)
        while stack and len(seen) < 1000:
            node = stack.pop()
            if op_semantics.row(graph.ops[node]).kind is Kind.CUT:
                return node
            for value in op_semantics.value_inputs(graph.ops[node], graph.inputs[node]):
                operand = node_of(value)
                if operand not in seen and self._flow.parameters[operand]:
                    seen.add(operand)
                    stack.append(operand)
        return None

    def unfollowed_use(self, variable: int, update: Update) -> int | None:
        """Returns an op that ends the following of a gradient, though it reads the variable."""
        flow, graph = self._flow, self._flow.graph
        ends = self._ends
        stack, seen = [node_of(port) for port in update.ports], set[int]()
        while stack and len(seen) < _REACH:
            node = stack.pop()
            if node in seen or not flow.data[node]:
                continue
            seen.add(node)
            if graph.ops[node] in op_semantics.COMPARISONS:
                continue  # It chooses; what is compared goes no further.
            kind = op_semantics.row(graph.ops[node]).kind
            if (node in ends or kind is Kind.MULTIPLY) and self._scales_own(node, variable):
                return node
            if node not in ends and graph.ops[node] not in op_semantics.CONTRACTIONS:
                if self._scales_variable(node, variable):
                    return node
                stack.extend(node_of(v) for v in flow.value_inputs(node))
                continue
            is_sum = kind in (Kind.ADD, Kind.SUBTRACT)
            # It looks like the sum of an activation and a bias, or like an
            # activation; what is added there may be a gradient nevertheless.
            found = self._added_with(variable, node, is_sum)
            if found is not None:
                return found
            if is_sum:
                continue
            for value in graph.inputs[node]:
                plain = node_of(value)
                if flow.data[plain] or not flow.parameters[plain] or flow.ranks.is_scalar(value):
                    continue
                if (
                    graph.ops[node] in op_semantics.CONTRACTIONS
                    or graph.ops[node] in _BACKPROPAGATION
                    or node in flow.row_products
                ):
                    continue
                if variable in penalties.read_variables(flow, plain, 200):
                    return node
        return self._handed_over(update)

    def _handed_over(self, update: Update) -> int | None:
        """Returns where a gradient comes from that is fed or was computed elsewhere.

        What such a gradient holds is not in the graph.
        """
        flow, graph = self._flow, self._flow.graph
        stack, seen = [node_of(port) for port in update.ports], set[int]()
        sources = []
        while stack:
            node = stack.pop()
            if node in seen or not flow.data[node]:
                continue
            seen.add(node)
            kind = op_semantics.row(graph.ops[node]).kind
            if kind is Kind.PLACEHOLDER or graph.ops[node] in _HANDED_OVER:
                sources.append(node)
            elif node in self._ends or graph.ops[node] in op_semantics.CONTRACTIONS:
                return None
            else:
                scalars = flow.ranks.is_scalar
                stack.extend(node_of(v) for v in flow.value_inputs(node) if not scalars(v))
        return min(sources, default=None)

    def _added_with(self, variable: int, end: int, is_sum: bool) -> int | None:
        """Returns a sum behind an op that adds something made of a variable alone to data.

        Behind an op that adds nothing itself, a gradient is reached by the
        arithmetic of updates alone.
        """
        flow, graph, sums = self._flow, self._flow.graph, self._sums_with.get(variable)
        stack, seen = [end] if sums else [], set[int]()
        while stack and len(seen) < _REACH:
            node = stack.pop()
            op = graph.ops[node]
            may_be_update = is_arithmetic(op) or not is_understood(op)
            is_left_out = not is_sum and node != end and not may_be_update
            if node in seen or not flow.data[node] or is_left_out:
                continue
            seen.add(node)
            if sums and node in sums:
                return node
            stack.extend(node_of(v) for v in flow.value_inputs(node))
        return None

    @functools.cached_property
    def _sums_with(self) -> dict[int, set[int]]:
        """The sums that add something made of a variable alone to data, by the variable.

        An op whose meaning is not known may be one. A penalty's gradient is at least
        multiplied by its strength, so that a variable as it is, a bias, does not count.
        """
        flow, graph, found = self._flow, self._flow.graph, dict[int, set[int]]()
        for op, nodes in graph.op_types.items():
            is_sum = op_semantics.row(op).kind in (Kind.ADD, Kind.SUBTRACT)
            if not is_sum and is_understood(op):
                continue
            for node in nodes:
                for operand in map(node_of, graph.inputs[node]) if flow.data[node] else ():
                    is_alone = flow.parameters[operand] and not flow.data[operand]
                    if is_alone and not self._scales.is_plain(operand):
                        for variable in penalties.read_variables(flow, operand, 200):
                            found.setdefault(variable, set()).add(node)
        return found

    def _scales_own(self, node: int, variable: int) -> bool:
        """Whether a value is a scalar of data times something made of a variable.

        So is the gradient of a penalty whose strength depends on data, while in
        backpropagation through a model data meets data. A norm that a model
        divides a variable by has such a gradient too, where the scalar is itself
        what backpropagation made with the variable.
        """
        flow, is_own, is_scalar = self._flow, False, False
        for _ in range(_MOST_FACTORS):
            values = flow.value_inputs(node)
            of_data = [v for v in values if flow.data[node_of(v)]]
            if len(of_data) != 1:
                break
            if any(self._is_made_of(value, variable) for value in values):
                if is_scalar:
                    return False
                is_own = True
            is_scalar = is_scalar or flow.ranks.is_scalar(of_data[0])
            if is_scalar and not is_own:
                return False
            node = node_of(of_data[0])
        return is_own and is_scalar

    def _is_made_of(self, value: int, variable: int) -> bool:
        flow, node = self._flow, node_of(value)
        if flow.data[node] or not flow.parameters[node] or flow.ranks.is_scalar(value):
            return False
        return variable in penalties.read_variables(flow, node, 200)

    def _scales_variable(self, node: int, variable: int) -> bool:
        """Whether something of data, scalar or not, multiplies the variable itself.

        If it is a scalar, this may be a penalty's gradient that arrives through
        an op whose meaning is not known.
        """
        flow, graph = self._flow, self._flow.graph
        if op_semantics.row(graph.ops[node]).kind is not Kind.MULTIPLY:
            return False
        for value, other in zip(graph.inputs[node], reversed(graph.inputs[node]), strict=True):
            is_unsure = flow.ranks.rank(other) is None and self._comes_from_unknown(other)
            if is_unsure and self._is_made_of(value, variable):
                return True
        return False

    def _comes_from_unknown(self, value: int) -> bool:
        graph, node = self._flow.graph, node_of(value)
        for _ in range(16):
            if not op_semantics.is_known(graph.ops[node]):
                return node in self._ends
            carrying = op_semantics.value_inputs(graph.ops[node], graph.inputs[node])
            following = [node_of(v) for v in carrying if self._flow.data[node_of(v)]]
            if not following:
                return False
            node = following[0]
        return False

    def has_loops(self, penalty: Penalty) -> bool:
        """Whether a penalty is computed in a loop."""
        graph, stack, seen = self._flow.graph, [penalty.node], {penalty.node}
        while stack and len(seen) < 500:
            node = stack.pop()
            if graph.ops[node] in op_semantics.LOOPS:
                return True
            for value in graph.inputs[node]:
                if node_of(value) not in seen:
                    seen.add(node_of(value))
                    stack.append(node_of(value))
        return False

    def updated_apart(self, number: int, variable: int, update: Update) -> int | None:
        """Returns a further update of a variable that is computed with a penalty's constants.

        Some programs take the gradients of their penalties by themselves and
        subtract them in a step of their own.
        """
        graph, made_of = self._flow.graph, self._cone(number)
        constants = {node for node in made_of if graph.ops[node] == "Const"}
        for write in self._flow.writes.get(variable, ()):
            value = node_of(write.value)
            if write.node == update.node or self._flow.data[value]:
                continue
            stack, seen = [value], {value}
            while stack and len(seen) < _REACH:
                node = stack.pop()
                if node in constants:
                    return write.node
                operands = [node_of(v) for v in self._flow.value_inputs(node)]
                stack.extend(n for n in operands if n not in seen)
                seen.update(operands)
        return None

    def _cone(self, number: int) -> set[int]:
        """Returns what the copies of a penalty are made of."""
        graph = self._flow.graph
        stack = list(self._found.members.get(number, ()))
        cone = set(stack)
        while stack and len(cone) < 2000:
            node = stack.pop()
            for value in op_semantics.value_inputs(graph.ops[node], graph.inputs[node]):
                if node_of(value) not in cone:
                    cone.add(node_of(value))
                    stack.append(node_of(value))
        return cone

    def strengths(self, number: int) -> set[int]:
        """Returns what the copies of a penalty are made of beside variables."""
        flow = self._flow
        known = flow.variables.by_node
        return {n for n in self._cone(number) if n not in known and not flow.parameters[n]}

    def private(self, penalty: Penalty, number: int) -> set[int]:
        """Returns ops that only this penalty (in all its copies) is made of.

        A strength that other ops read too is none of them, unless those others
        belong to gradients.
        """
        flow, graph = self._flow, self._flow.graph
        roots = set(self._found.members.get(number, ()))
        cone, stack = set(roots), list(roots)
        while stack and len(cone) < 2000:
            node = stack.pop()
            for value in op_semantics.value_inputs(graph.ops[node], graph.inputs[node]):
                operand = node_of(value)
                # Reads and picks of rows are the model's as well.
                if operand in cone or graph.ops[operand] in _READS or self._is_held(operand):
                    continue
                kind = op_semantics.row(graph.ops[operand]).kind
                if kind in (Kind.VARIABLE, Kind.READ, Kind.PLACEHOLDER, Kind.DATA):
                    continue
                if number < 0 and flow.data[operand] and not flow.ranks.is_scalar(value):
                    continue
                cone.add(operand)
                stack.append(operand)
        inside = self.inside
        return {
            node
            for node in cone
            if all(
                edge >> PORT_BITS in cone or edge >> PORT_BITS in inside
                for edge in graph.readers(node)
            )
            or node in roots
        }

    def _is_held(self, node: int) -> bool:
        """Whether a loop hands a value on as it is, a variable that its body reads."""
        inputs = self._flow.graph.inputs[node]
        return self._flow.graph.ops[node] == "_LoopVar" and node_of(inputs[-1]) == node

    def depends_on_sizes(self, number: int, variable: int) -> bool:
        """Whether numbers of elements matter that are only assumed."""
        graph, found = self._flow.graph, self._flow.variables.by_node.get(variable)
        if found is None or not found.is_assumed:
            return False
        stack = list(self._found.members.get(number, ()))
        seen = set(stack)
        while stack and len(seen) < 500:
            node = stack.pop()
            if graph.ops[node] in ("Mean", "Size", "Prod"):
                return True
            for value in graph.inputs[node]:
                if node_of(value) not in seen:
                    seen.add(node_of(value))
                    stack.append(node_of(value))
        return False
