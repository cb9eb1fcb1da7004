# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The only file that decides: joins graph, declarations, configuration and scalars.

What can prove what:
  graph: everything; the newest graph that trains decides.
  declared: a multiplier that automatic differentiation measured in the training
    process; it speaks where no graph does.
  Keras configuration: a configured regularizer is missing if the training graph
    was followed completely and no gradient in it holds any penalty.
  scalars: where nothing else speaks, `missing` and multiples, and `included`
    for the value only. Against the graph they are shown, not followed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tb_regloss.analysis import advice, findings, headlines
from tb_regloss.analysis.facts import Declaration, DeclaredLoss, RunFacts
from tb_regloss.analysis.proof import GraphProof, LossProof, status_of
from tb_regloss.analysis.scalars import ScalarEvidence, scalar_evidence
from tb_regloss.analysis.verdict_types import (
    Coverage,
    Evidence,
    EvidenceKind,
    Fix,
    LossVerdict,
    RunVerdict,
    Severity,
    Status,
)

_DROPPED = (Status.FROZEN, Status.ZERO)
# It depends on data: structure alone may not see it.
_ACTIVITY = "activity_regularizer"
_ABSENT = "The layer's configuration has this regularizer, but no loss of it exists."
_LOST = (Status.MISSING, Status.BLOCKED)
_SEVERITIES = {
    Status.MISSING: Severity.ERROR,
    Status.PARTIAL: Severity.ERROR,
    Status.BLOCKED: Severity.ERROR,
    Status.DOUBLE_COUNTED: Severity.ERROR,
    Status.SCALED: Severity.WARNING,
    Status.UNKNOWN: Severity.UNKNOWN,
}


def severity_of(status: Status) -> Severity:
    """Returns how loud a status is."""
    return _SEVERITIES.get(status, Severity.OK)


def judge(facts: RunFacts, proofs: Sequence[GraphProof]) -> RunVerdict:
    """Returns the verdict on a run; cheap, pure.

    Args:
      facts: what was gathered of the run.
      proofs: what its graphs prove, oldest first.
    """
    return _Judge(facts, proofs).verdict()


def run_status(losses: Sequence[LossVerdict], decays: bool, is_certain: bool) -> Status:
    """Returns a run's status by the contract's table.

    Args:
      losses: the verdicts on its regularization losses.
      decays: whether its optimizer decays weights itself.
      is_certain: whether a graph or a declaration says that there are no others.
    """
    kept = [loss.status for loss in losses if loss.status not in _DROPPED]
    if not kept:
        if decays:
            return Status.DECOUPLED
        return Status.NO_REGULARIZATION if is_certain else Status.UNKNOWN
    lost = [status for status in kept if status in (*_LOST, Status.PARTIAL)]
    reaching = (Status.INCLUDED, Status.SCALED, Status.DOUBLE_COUNTED, Status.PARTIAL)
    if lost and any(status in reaching for status in kept):
        return Status.PARTIAL
    for status in (*_LOST, Status.UNKNOWN, Status.DOUBLE_COUNTED, Status.SCALED):
        if status in kept:
            return status
    return Status.INCLUDED


def newest_training(proofs: Sequence[GraphProof]) -> GraphProof | None:
    """Returns the newest proof of a graph that trains.

    A graph that is there twice counts with its collections.
    """
    training = [proof for proof in proofs if proof.trains]
    if not training:
        return None
    newest = training[-1]
    same = [proof for proof in training if proof.fingerprint == newest.fingerprint]
    return next((proof for proof in reversed(same) if proof.has_collections), newest)


class _Judge:
    def __init__(self, facts: RunFacts, proofs: Sequence[GraphProof]) -> None:
        self._facts, self._proofs = facts, proofs
        self._declaration = facts.declarations[-1] if facts.declarations else None
        self._proof = newest_training(proofs)
        self._scalars = scalar_evidence(facts)

    def verdict(self) -> RunVerdict:
        """Joins everything."""
        losses, status, reason = self._decide()
        kept = [loss for loss in losses if loss.status not in _DROPPED]
        coverage = Coverage(
            included=sum(loss.status is Status.INCLUDED for loss in kept),
            total=len(kept),
            unknown=sum(loss.status is Status.UNKNOWN for loss in kept),
        )
        values = {loss.multiplier for loss in kept if loss.status is status}
        multiplier = values.pop() if len(values) == 1 else None
        return RunVerdict(
            status=status,
            severity=severity_of(status),
            headline=headlines.headline(status, losses, coverage, reason),
            coverage=coverage,
            regularization_losses=tuple(losses),
            findings=tuple(
                findings.find(self._facts, self._proof, self._proofs, self._scalars, status, kept)
            ),
            evidence=tuple(self._evidence(status, losses)),
            fix=self._fix(status, kept, multiplier),
        )

    def _decide(self) -> tuple[list[LossVerdict], Status, str]:
        """Returns the losses, the run's status and, for `unknown`, why."""
        if self._proof is not None:
            return self._by_graph(self._proof)
        if self._declaration is not None and self._is_measured(self._declaration):
            return self._by_declaration(self._declaration)
        if self._proofs:
            unsure = [proof for proof in self._proofs if proof.trains is None]
            if unsure:
                losses = [self._from_proof(loss) for loss in unsure[-1].losses]
                return losses, Status.UNKNOWN, unsure[-1].obstacles[0]
            losses = [self._from_proof(loss) for loss in self._proofs[-1].losses]
            return losses, Status.NOT_TRAINING, ""
        if self._declaration is not None:
            return self._by_declaration(self._declaration)
        return self._by_scalars()

    def _by_graph(self, proof: GraphProof) -> tuple[list[LossVerdict], Status, str]:
        losses = [self._from_proof(loss) for loss in proof.losses]
        losses += self._configured_but_absent(proof, losses)
        status = run_status(losses, bool(proof.decays), True)
        if status is Status.NO_REGULARIZATION and not losses and proof.obstacles:
            return losses, Status.UNKNOWN, proof.obstacles[0]
        if status in (Status.NO_REGULARIZATION, Status.DECOUPLED) and proof.unexplained:
            name = proof.unexplained[0]
            reason = f"a gradient holds a multiple of {name!r} that no regularization loss explains"
            return losses, Status.UNKNOWN, reason
        unknown = next((loss for loss in losses if loss.status is Status.UNKNOWN), None)
        return losses, status, unknown.text.removeprefix("Cannot tell: ") if unknown else ""

    def _from_proof(self, loss: LossProof) -> LossVerdict:
        declared = self._declared(loss)
        status, multiplier, text = loss.status, loss.multiplier, loss.text
        if status is Status.UNKNOWN and declared is not None and declared.multiplier is not None:
            status, multiplier = self._measured(declared)
            text = "Measured by automatic differentiation in the training process."
        return LossVerdict(
            name=loss.name,
            variables=loss.variables,
            status=status,
            multiplier=multiplier,
            value=self._value(loss.declared),
            created_at=loss.created_at,
            kind=loss.kind,
            text=text,
        )

    def _declared(self, loss: LossProof) -> DeclaredLoss | None:
        if self._declaration is None or loss.declared is None:
            return None
        known = self._declaration.regularization_losses
        return known[loss.declared] if loss.declared < len(known) else None

    def _value(self, position: int | None) -> float | None:
        matrix = self._facts.loss_matrix
        if matrix is None or position is None or not len(matrix.steps):
            return None
        return float(matrix.values[-1, position]) if position < matrix.values.shape[1] else None

    def _configured_but_absent(
        self, proof: GraphProof, losses: list[LossVerdict]
    ) -> list[LossVerdict]:
        """Returns configured regularizers that certainly yield no loss."""
        declared = self._declaration.configured if self._declaration is not None else ()
        found = [_absent_loss(item.layer, item.argument) for item in declared if item.strength != 0]
        if found or losses or not proof.is_clean:
            return found
        return [
            _absent_loss(item.layer, item.argument)
            for item in self._facts.keras_regularizers or ()
            if item.strength != 0 and item.trainable and item.argument != _ACTIVITY
        ]

    def _is_measured(self, declaration: Declaration) -> bool:
        return any(loss.multiplier is not None for loss in declaration.regularization_losses)

    def _measured(self, loss: DeclaredLoss) -> tuple[Status, float | None]:
        if loss.multiplier is None or not np.isfinite(loss.multiplier):
            return Status.UNKNOWN, None
        if loss.multiplier == 0:
            in_value = self._scalars is not None and self._scalars.status is Status.INCLUDED
            not_in_value = self._scalars is not None and self._scalars.status is Status.MISSING
            in_value = in_value or (loss.detached is True and not not_in_value)
            return (Status.BLOCKED if in_value else Status.MISSING), 0.0
        return status_of(loss.multiplier), loss.multiplier

    def _by_declaration(self, declaration: Declaration) -> tuple[list[LossVerdict], Status, str]:
        losses = []
        for position, loss in enumerate(declaration.regularization_losses):
            status, multiplier = self._measured(loss)
            text = "Measured by automatic differentiation in the training process."
            if loss.multiplier is None:
                status, multiplier, text = self._by_sum()
            losses.append(
                LossVerdict(
                    name=loss.name,
                    variables=loss.variables,
                    status=status,
                    multiplier=multiplier,
                    value=self._value(position),
                    created_at=loss.created_at,
                    text=text,
                )
            )
        losses += [
            _absent_loss(item.layer, item.argument)
            for item in declaration.configured
            if item.strength != 0
        ]
        decays = bool(declaration.optimizer_weight_decay)
        reason = self._scalars.text if self._scalars is not None else "no values were logged"
        return losses, run_status(losses, decays, True), reason

    def _by_sum(self) -> tuple[Status, float | None, str]:
        """Returns what the logged values say of all regularization losses together."""
        found = self._scalars
        if found is None or found.status is Status.UNKNOWN:
            return Status.UNKNOWN, None, "No graph and no measured multiplier were logged."
        multiplier = 0.0 if found.status is Status.MISSING else found.multiplier
        if found.status is Status.INCLUDED:
            multiplier = 1.0
        return found.status, multiplier, found.text

    def _by_scalars(self) -> tuple[list[LossVerdict], Status, str]:
        found = self._scalars
        if found is None:
            return [], Status.UNKNOWN, "no graph, no declaration and no losses were found"
        if found.status is Status.UNKNOWN:
            return [], Status.UNKNOWN, found.text or "the logged values carry no evidence"
        whole = LossVerdict(
            name="regularization sum",
            variables=(),
            status=found.status,
            multiplier=self._by_sum()[1],
            text=found.text,
        )
        return [whole], found.status, found.text

    def _framework(self) -> str:
        if self._declaration is not None and self._declaration.framework != "other":
            return self._declaration.framework
        if self._proof is not None:
            return self._proof.framework
        return "keras" if self._facts.keras_regularizers else "other"

    def _fix(self, status: Status, kept: list[LossVerdict], multiplier: float | None) -> Fix | None:
        lost = [loss for loss in kept if loss.status is Status.MISSING]
        is_lost = status in (Status.MISSING, Status.PARTIAL) and bool(lost)
        if is_lost and all(loss.text == _ABSENT for loss in lost):
            return advice.for_absent(self._framework())
        return advice.fix_for(status, self._framework(), multiplier)

    def _evidence(self, status: Status, losses: list[LossVerdict]) -> list[Evidence]:
        found = []
        if self._proof is not None:
            found.append(_graph_evidence(self._proof, losses))
        elif self._proofs:
            nothing = "Nothing is trained in any of the run's graphs."
            text = next(iter(self._proofs[-1].obstacles), nothing)
            found.append(Evidence(EvidenceKind.GRAPH, status, text))
        if self._scalars is not None and self._scalars.text:
            found.append(_scalar_evidence(self._scalars))
        if self._declaration is not None:
            found.append(
                _declared_evidence(self._declaration, self._is_measured(self._declaration))
            )
        configured = self._facts.keras_regularizers
        if configured is not None:
            strong = [item for item in configured if item.strength != 0]
            kind = Status.NO_REGULARIZATION if not strong else Status.UNKNOWN
            said = f"The model's configuration has {len(strong)} regularizers."
            found.append(Evidence(EvidenceKind.KERAS_CONFIG, kind, said))
        return found


def _absent_loss(layer: str, argument: str) -> LossVerdict:
    return LossVerdict(f"{layer}/{argument}", (), Status.MISSING, 0.0, text=_ABSENT)


def _graph_evidence(proof: GraphProof, losses: Sequence[LossVerdict]) -> Evidence:
    status = run_status(losses, bool(proof.decays), True)
    shown = next((loss for loss in proof.losses if loss.status is status), None)
    shown = shown or next((loss for loss in proof.losses if loss.status in _LOST), None)
    if shown is None:
        update = proof.train_ops[0] if proof.train_ops else "an update"
        text = f"No regularization loss was found among what {update!r} and its like train on."
        if proof.decays:
            count, first = len(proof.decays), proof.decays[0]
            text = f"The optimizer shrinks {count} variables itself ({first!r}, ...)."
        return Evidence(EvidenceKind.GRAPH, status, text, {"source": proof.source})
    key = "path" if shown.status not in _LOST else "frontier"
    details = {key: list(shown.path), "loss": shown.name, "source": proof.source}
    if proof.optimized:
        details["optimized"] = proof.optimized
    return Evidence(EvidenceKind.GRAPH, status, f"{shown.name}: {shown.text}", details)


def _scalar_evidence(scalars: ScalarEvidence) -> Evidence:
    details = {
        "multiplier": scalars.multiplier,
        "interval": list(scalars.interval) if scalars.interval else None,
        "steps": scalars.steps,
    }
    return Evidence(EvidenceKind.SCALARS, scalars.status, scalars.text, details)


def _declared_evidence(declaration: Declaration, measured: bool) -> Evidence:
    count = len(declaration.regularization_losses)
    parts = [f"{count} regularization loss{'es' if count != 1 else ''} registered"]
    if declaration.optimized_loss is not None:
        where = declaration.optimized_loss.created_at
        parts.append(
            f"optimized loss is {declaration.optimized_loss.name}" + (f", {where}" if where else "")
        )
    if declaration.train_op:
        parts.append(f"train op is {declaration.train_op}")
    if measured:
        parts.append("multipliers measured by automatic differentiation")
    status = Status.UNKNOWN
    if measured:
        values = [loss.multiplier for loss in declaration.regularization_losses]
        if all(value == 0 for value in values):
            status = Status.MISSING
        elif all(value is not None and abs(value - 1) < 1e-5 for value in values):
            status = Status.INCLUDED
    elif not count:
        status = Status.NO_REGULARIZATION
    return Evidence(EvidenceKind.DECLARED, status, "; ".join(parts) + ".")
