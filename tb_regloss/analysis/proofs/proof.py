# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What one graph proves of each of its regularization losses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from tb_regloss.analysis.facts import Declaration
from tb_regloss.analysis.graph import hints
from tb_regloss.analysis.graph.flow import Flow
from tb_regloss.analysis.graph.logged_graph import LoggedGraph
from tb_regloss.analysis.graph.numbering import Numbering
from tb_regloss.analysis.losses import candidates, multiplier
from tb_regloss.analysis.losses.candidates import Candidates
from tb_regloss.analysis.losses.penalties import Penalty
from tb_regloss.analysis.ops.closeness import as_constant, same
from tb_regloss.analysis.proofs import evidence
from tb_regloss.analysis.proofs.doubts import Doubts
from tb_regloss.analysis.proofs.reach import Reach
from tb_regloss.analysis.proofs.settle import Settler
from tb_regloss.analysis.training import pulled, updates
from tb_regloss.analysis.training.gradient import Gradients
from tb_regloss.analysis.values.evaluate import Evaluator
from tb_regloss.analysis.verdict_types import Status

_AS_IT_SHOULD_BE = (Status.INCLUDED, Status.FROZEN, Status.ZERO)


@dataclasses.dataclass(frozen=True)
class LossProof:
    """What a graph proves of one regularization loss.

    Attributes:
      name: as in `LossVerdict`.
      variables: names of the penalized variables.
      status: one of the statuses of a regularization loss.
      multiplier: see there; 0.0 for missing and blocked ones.
      created_at: the declared source line.
      kind: its form.
      text: one sentence of evidence.
      path: names of ops from the loss to an update, or to where it ends.
      declared: position in the declaration, `None` where not declared.
      group: equal for losses that compute the same on the same variables.
      in_value: whether its value is part of a loss that depends on data.
      source: what says that it is one, as in `Penalty`.
      decay: of a scaled one, the constant that its derivative is times the
        variable (an L2 penalty's strength, or twice that); else `None`.
    """

    name: str
    variables: tuple[str, ...]
    status: Status
    multiplier: float | None
    created_at: str | None = None
    kind: str | None = None
    text: str = ""
    path: tuple[str, ...] = ()
    declared: int | None = None
    group: int = 0
    in_value: bool = False
    source: str = ""
    decay: float | None = None


@dataclasses.dataclass(frozen=True)
class GraphProof:
    """What one graph proves.

    Attributes:
      source: where the graph was found.
      digest: of the serialized graph.
      trains: whether it updates any variable from a gradient; `None` where it
        could not be followed far enough to tell.
      losses: its regularization losses.
      decays: variables that the optimizer itself shrinks.
      unpenalized: trained variables of a penalized kind without a penalty.
      optimized: name of the loss that the code says it optimizes, where known.
      train_ops: names of the ops that update variables, of each rule the newest.
      obstacles: what could not be followed.
      fingerprint: equal for graphs of the same ops by the same names.
      has_collections: whether collections stood beside the graph.
      framework: the framework it was written with, as far as it shows.
      copies: how many towers or replicas it trains, as far as it shows; only
        looked for where a loss is not as it should be.
      unexplained: variables whose gradients hold a multiple of themselves that
        no regularization loss explains, in a graph that was not followed whole.
      is_clean: whether every gradient was evaluated and none holds a penalty.
    """

    source: str
    digest: str = ""
    trains: bool | None = None
    losses: tuple[LossProof, ...] = ()
    decays: tuple[str, ...] = ()
    unpenalized: tuple[str, ...] = ()
    optimized: str | None = None
    train_ops: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    fingerprint: str = ""
    has_collections: bool = False
    framework: str = "other"
    copies: int = 1
    is_clean: bool = False
    unexplained: tuple[str, ...] = ()


def prove(logged: LoggedGraph, declaration: Declaration | None = None) -> GraphProof:
    """Returns what a graph proves; pure, and the same for equal digests.

    Args:
      logged: the graph and its collections.
      declaration: what the training code said, where it said something.
    """
    # Odd numbers make NaN, which makes `unknown`; NumPy need not warn of them too.
    with np.errstate(all="ignore"):
        return _Prover(logged, declaration or Declaration()).run()


class _Prover:
    def __init__(self, logged: LoggedGraph, declaration: Declaration) -> None:
        self._logged, self._declaration = logged, declaration
        self._graph = logged.graph
        self._flow = Flow(logged.graph)
        self._training = updates.find_training(self._flow, self._trainable())
        copies = updates.mirrored(self._flow, self._training)
        copies |= pulled.originals(self._flow, self._training)
        if copies:
            self._flow.unify(copies)
            self._training = self._training.without(copies)
        self._flow.set_trained(self._training.updates)
        self._numbering = Numbering(self._flow)
        self._gradients = Gradients(self._flow, self._numbering, self._training)
        self._doubts = Doubts(self._flow, self._training.updates)
        self._chosen = candidates.current_updates(self._flow, self._training, declaration.train_op)

    def _trainable(self) -> frozenset[int] | None:
        names = self._logged.collections.get("trainable_variables")
        if not names:
            return None
        nodes = [self._graph.named(name.partition(":")[0]) for name in names]
        return frozenset(node for node in nodes if node is not None)

    def run(self) -> GraphProof:
        """Judges each penalty of the graph."""
        flow, graph = self._flow, self._graph
        found = Candidates(
            flow,
            self._numbering,
            self._gradients,
            self._logged.collections,
            self._declaration,
            self._chosen,
        )
        trains: bool | None = bool(self._chosen)
        if not trains and self._doubts.may_train:
            trains = None
        losses = self._judge(found) if trains else self._unjudged(found.penalties, trains)
        is_faulty = any(loss.status not in _AS_IT_SHOULD_BE for loss in losses)
        obstacles = self._doubts.obstacles
        penalized = {v for p in found.penalties for v in p.variables}
        clean, decayed = self._penalty_gradients(penalized)
        followed = not decayed or self._doubts.is_followed(decayed)
        decays = self._training.decays | (decayed if followed else frozenset())
        names = {node: variable.name for node, variable in flow.variables.by_node.items()}
        return GraphProof(
            source=self._logged.source,
            digest=self._logged.digest,
            trains=trains,
            losses=tuple(losses),
            decays=tuple(names[v] for v in sorted(decays) if v in names),
            unpenalized=evidence.unpenalized(flow, set(self._chosen), penalized),
            optimized=None if found.optimized is None else graph.names[found.optimized],
            train_ops=tuple(evidence.train_ops(flow, self._chosen)),
            obstacles=obstacles,
            fingerprint=evidence.fingerprint(graph.names),
            has_collections=bool(self._logged.collections),
            framework=hints.framework(graph, self._logged.collections),
            copies=hints.copies(graph) if is_faulty else 1,
            unexplained=() if followed else tuple(names[v] for v in sorted(decayed) if v in names),
            is_clean=bool(trains) and clean and not obstacles,
        )

    def _untrained(self, penalty: Penalty, number: int) -> LossProof:
        """Judges a penalty of which no variable is known to be trained."""
        doubt = self._doubts.of_untrained(penalty, self._chosen)
        if doubt:
            text = f"Cannot tell: {doubt}."
            return self._loss_proof(penalty, Status.UNKNOWN, None, text, (), number)
        text = "It penalizes no variable that is trained."
        return self._loss_proof(penalty, Status.FROZEN, None, text, (), number)

    def _penalty_gradients(self, penalized: set[int]) -> tuple[bool, frozenset[int]]:
        """Returns whether no gradient holds a penalty, and where one is no loss's.

        A multiple of a variable that is added to its gradient, though no
        regularization loss penalizes it, is the optimizer's decay by hand.
        """
        clean, decayed = True, set()
        for variable, found in self._chosen.items():
            for update in found:
                received = self._gradients.received(update).penalty
                if not np.isfinite(received).all():
                    clean = False
                elif received.any():
                    clean = False
                    own = self._gradients.own_value(variable)
                    is_own = own is not None and as_constant(received / own) is not None
                    if variable not in penalized and is_own:
                        decayed.add(variable)
        return clean, frozenset(decayed)

    def _unjudged(self, found: Iterable[Penalty], trains: bool | None) -> list[LossProof]:
        status = Status.FROZEN if trains is False else Status.UNKNOWN
        text = (
            "Nothing is trained in this graph."
            if trains is False
            else f"The graph could not be followed: {self._doubts.obstacles[0]}."
        )
        return [self._loss_proof(p, status, None, text, ()) for p in found]

    def _loss_proof(
        self,
        penalty: Penalty,
        status: Status,
        value: float | None,
        text: str,
        path: tuple[str, ...],
        group: int = 0,
        in_value: bool = False,
    ) -> LossProof:
        by_node = self._flow.variables.by_node
        names = tuple(by_node[v].name for v in penalty.variables if v in by_node)
        return LossProof(
            name=penalty.name,
            variables=penalty.declared_variables or names,
            status=status,
            multiplier=value,
            created_at=penalty.created_at,
            kind=evidence.kind(self._flow, penalty.node) if penalty.node >= 0 else None,
            text=text,
            path=path,
            declared=penalty.declared,
            group=group,
            in_value=in_value,
            source=penalty.source,
            decay=self._decay(penalty) if status is Status.SCALED else None,
        )

    def _decay(self, penalty: Penalty) -> float | None:
        variable = penalty.variables[0]
        own = self._gradients.own_value(variable)
        if own is None:
            return None
        return as_constant(self._gradients.derivative(penalty.node, variable) / own)

    def _judge(self, found: Candidates) -> list[LossProof]:
        sums = multiplier.Sums(
            self._flow,
            Evaluator(self._flow, self._numbering, state=self._training.state),
            found.classes,
            found.data_losses,
        )
        settler = Settler(self._flow, self._gradients, found, sums, self._chosen)
        return [self._judge_one(penalty, found, sums, settler) for penalty in found.penalties]

    def _judge_one(
        self, penalty: Penalty, found: Candidates, sums: multiplier.Sums, settler: Settler
    ) -> LossProof:
        flow = self._flow
        if penalty.node < 0:
            assert penalty.declared is not None
            said = self._declaration.regularization_losses[penalty.declared]
            text = evidence.absent(flow, said.tensor)
            return self._loss_proof(penalty, Status.UNKNOWN, None, text, ())
        number = found.classes[penalty.node]
        trained = [v for v in penalty.variables if v in self._chosen]
        if found.is_zero(penalty):
            text = "Its strength is the constant 0."
            return self._loss_proof(penalty, Status.ZERO, None, text, (), number)
        if not trained:
            return self._untrained(penalty, number)
        reaches = {v: settler.reach(penalty, v) for v in trained}
        status, value = _combine(list(reaches.values()))
        in_value = settler.is_in_value(number)
        cut = settler.cut(number)
        if status not in (*_AS_IT_SHOULD_BE, Status.UNKNOWN):
            members = found.members[number]
            doubt = self._doubts.of_fault(penalty, status, members, sums.reached)
            if doubt:
                text = f"Cannot tell: {doubt}."
                return self._loss_proof(penalty, Status.UNKNOWN, None, text, (), number, in_value)
        if status is Status.MISSING and settler.is_blocked(penalty):
            status = Status.BLOCKED
        text, path = evidence.explain(
            flow, penalty, status, value, reaches, self._chosen, cut, settler
        )
        return self._loss_proof(penalty, status, value, text, path, number, in_value)


def _combine(reaches: list[Reach]) -> tuple[Status, float | None]:
    """Joins what is known of one loss for each of its trained variables."""
    if any(reach.is_unknown for reach in reaches):
        return Status.UNKNOWN, None
    # What is added and subtracted again arrives 0 times.
    reached = [reach for reach in reaches if reach.is_reached and reach.multiplier != 0]
    if not reached:
        return Status.MISSING, 0.0
    value = reached[0].multiplier
    if not all(same(reach.multiplier, value) for reach in reached):
        value = None
    if len(reached) < len(reaches):
        return Status.PARTIAL, value
    return status_of(value), value


def status_of(value: float | None) -> Status:
    """Returns the status of a loss that reaches its updates with a multiplier.

    >>> status_of(None).value, status_of(2.0).value, status_of(0.5).value
    ('included', 'double_counted', 'scaled')
    """
    if value is None or abs(value - 1) < 1e-5:
        return Status.INCLUDED
    if value >= 2 - 1e-5 and abs(value - round(value)) < 1e-5:
        return Status.DOUBLE_COUNTED
    return Status.SCALED
