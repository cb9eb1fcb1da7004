# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The only file that decides: joins graph, declarations, configuration and scalars.

What can prove what, the strongest first:
  graph: everything. The newest graph that trains decides.
  declared: a multiplier that automatic differentiation measured in the training
    process. It speaks where no graph trains, and for losses that the graph
    leaves open.
  scalars: all regularization losses together. They speak where graph and
    declaration leave all of them open: `missing`, multiples, and `included` for
    the value only, since values cannot tell `included` from `blocked`.
  Keras configuration: that there is something to look for. A configured
    regularizer is missing if the training graph was followed completely and no
    gradient in it holds any penalty; where that cannot be said, what else would
    be `no_regularization` is `unknown`.
What is not followed is shown: as evidence of its own, and as a finding where it
contradicts. `tests/unit/analysis/test_joining_rules.py` is this in a table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tb_regloss.analysis import advice, causes, findings, headlines, stated
from tb_regloss.analysis.facts import ConfiguredRegularizer, Declaration, DeclaredLoss, RunFacts
from tb_regloss.analysis.proofs.proof import GraphProof, LossProof, status_of
from tb_regloss.analysis.scalars.scalars import scalar_evidence
from tb_regloss.analysis.statuses import DROPPED, run_status
from tb_regloss.analysis.verdict_types import (
    Coverage,
    Evidence,
    LossVerdict,
    RunVerdict,
    Severity,
    Status,
)

# It depends on data: structure alone may not see it.
_ACTIVITY = "activity_regularizer"
_MEASURED = "Measured by automatic differentiation in the training process."
_UNMEASURED = "No graph and no measured multiplier were logged."
_WHOLE = "regularization sum"
# What values give as an interval around it.
_EXACT = {Status.MISSING: 0.0, Status.INCLUDED: 1.0}
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
        self._is_by_values = False

    def verdict(self) -> RunVerdict:
        """Joins everything."""
        losses, status, reason = self._decide()
        kept = [loss for loss in losses if loss.status not in DROPPED]
        coverage = Coverage(
            included=sum(loss.status is Status.INCLUDED for loss in kept),
            total=len(kept),
            unknown=sum(loss.status is Status.UNKNOWN for loss in kept),
        )
        decided_by = None if self._is_by_values else self._proof
        diagnosis = causes.diagnose(status, kept, decided_by)
        decays = self._decays()
        headline = headlines.headline(status, losses, coverage, diagnosis, decays, reason)
        if self._is_by_values and (status is Status.INCLUDED or kept[0].name == _WHOLE):
            headline = headlines.by_values(status, kept[0].multiplier)
        return RunVerdict(
            status=status,
            severity=severity_of(status),
            headline=headline,
            coverage=coverage,
            regularization_losses=tuple(losses),
            findings=tuple(
                findings.find(
                    self._facts, self._proof, self._proofs, self._scalars, status, kept, decays
                )
            ),
            evidence=tuple(self._evidence()),
            fix=advice.fix_for(diagnosis, self._framework()) if diagnosis is not None else None,
        )

    def _decays(self) -> bool:
        declared = self._declaration.optimizer_weight_decay if self._declaration else None
        return bool(self._proof is not None and self._proof.decays) or bool(declared)

    def _decide(self) -> tuple[list[LossVerdict], Status, str]:
        """Returns the losses, the run's status and, for `unknown`, why."""
        if self._proof is not None:
            return self._by_graph(self._proof)
        if self._declaration is not None and self._is_measured:
            return self._by_declaration(self._declaration)
        if self._proofs:
            unsure = [proof for proof in self._proofs if proof.trains is None]
            if not unsure:
                losses = [self._from_proof(loss) for loss in self._proofs[-1].losses]
                return losses, Status.NOT_TRAINING, ""
            losses = [self._from_proof(loss) for loss in unsure[-1].losses]
            return self._open(losses, unsure[-1].obstacles[0])
        if self._declaration is not None:
            return self._by_declaration(self._declaration)
        return self._open([], "no graph, no declaration and no losses were found")

    def _by_graph(self, proof: GraphProof) -> tuple[list[LossVerdict], Status, str]:
        losses = [self._from_proof(loss) for loss in proof.losses]
        losses += self._configured_but_absent(proof, losses)
        status = run_status([loss.status for loss in losses], bool(proof.decays), True)
        if status in (Status.NO_REGULARIZATION, Status.DECOUPLED) and proof.obstacles:
            return self._open(losses, proof.obstacles[0])
        if status in (Status.NO_REGULARIZATION, Status.DECOUPLED):
            if proof.unexplained:
                name = proof.unexplained[0]
                return self._open(
                    losses,
                    f"a gradient holds a multiple of {name!r} that no regularization loss explains",
                )
            if not losses and self._expected():
                return self._open(
                    losses,
                    f"the model's configuration has {self._expected()} regularizers, "
                    "but no loss of theirs was found in the graph",
                )
        unknown = next((loss for loss in losses if loss.status is Status.UNKNOWN), None)
        if status is Status.UNKNOWN and unknown is not None:
            return self._open(losses, unknown.text.removeprefix("Cannot tell: ").removesuffix("."))
        return losses, status, ""

    def _open(
        self, losses: list[LossVerdict], reason: str
    ) -> tuple[list[LossVerdict], Status, str]:
        """Decides what graph and declaration leave open: by the values, where all of it is open.

        The values speak for the sum of all losses; next to a loss that is known
        they would have to be taken apart.
        """
        kept = [loss for loss in losses if loss.status not in DROPPED]
        found = self._scalars
        if found is None or any(loss.status is not Status.UNKNOWN for loss in kept):
            return losses, Status.UNKNOWN, reason
        if found.status is Status.UNKNOWN:
            nothing_else = not self._proofs and self._declaration is None
            return losses, Status.UNKNOWN, found.text if nothing_else and found.text else reason
        self._is_by_values = True
        multiplier = _EXACT.get(found.status, found.multiplier)
        whole = LossVerdict(_WHOLE, (), Status.UNKNOWN)
        decided = [
            dataclasses.replace(loss, status=found.status, multiplier=multiplier, text=found.text)
            for loss in kept or [whole]
        ]
        rest = [loss for loss in losses if loss.status in DROPPED]
        return decided + rest, found.status, ""

    def _from_proof(self, loss: LossProof) -> LossVerdict:
        declared = self._declared(loss)
        status, multiplier, text = loss.status, loss.multiplier, loss.text
        if declared is not None and declared.multiplier is not None:
            measured = self._measured(declared, loss.declared)
            if status is Status.UNKNOWN:
                status, multiplier = measured
                text = _MEASURED
            elif status is Status.INCLUDED and multiplier is None and measured[1]:
                status, multiplier = measured
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
        found = self._without_loss()
        if found or losses or not proof.is_clean:
            return found
        return [
            _absent_loss(item, causes.DROPPED)
            for item in self._facts.keras_regularizers or ()
            if item.strength != 0 and item.trainable and item.argument != _ACTIVITY
        ]

    def _without_loss(self) -> list[LossVerdict]:
        """Returns the regularizers that the training process saw to yield no loss."""
        declared = self._declaration.configured if self._declaration is not None else ()
        return [_absent_loss(item, causes.NO_LOSS) for item in declared if item.strength != 0]

    def _expected(self) -> int:
        """Returns how many regularizers the model's configuration lets one look for."""
        configured = self._facts.keras_regularizers or ()
        return sum(item.strength != 0 and item.trainable for item in configured)

    def _is_always_zero(self, position: int | None) -> bool:
        matrix = self._facts.loss_matrix
        if matrix is None or position is None or position >= matrix.values.shape[1]:
            return False
        return len(matrix.steps) > 0 and not matrix.values[:, position].any()

    @property
    def _is_measured(self) -> bool:
        if self._declaration is None:
            return False
        return any(loss.multiplier is not None for loss in self._declaration.regularization_losses)

    def _measured(self, loss: DeclaredLoss, position: int | None) -> tuple[Status, float | None]:
        if loss.multiplier is None or not np.isfinite(loss.multiplier):
            return Status.UNKNOWN, None
        if loss.multiplier == 0 and self._is_always_zero(position):
            return Status.ZERO, None  # A regularizer of strength 0 may return a constant.
        if loss.multiplier == 0:
            return (Status.BLOCKED if self._is_in_value(loss) else Status.MISSING), 0.0
        return status_of(loss.multiplier), loss.multiplier

    def _is_in_value(self, loss: DeclaredLoss) -> bool:
        """Whether the values hold a loss whose gradient was measured to be 0."""
        values = self._scalars.status if self._scalars is not None else Status.UNKNOWN
        if values in (Status.SCALED, Status.DOUBLE_COUNTED):
            assert self._declaration is not None
            # A part of the sum would give such a number, too.
            return all(one.multiplier == 0 for one in self._declaration.regularization_losses)
        return values is Status.INCLUDED or (loss.detached is True and values is not Status.MISSING)

    def _by_declaration(self, declaration: Declaration) -> tuple[list[LossVerdict], Status, str]:
        losses = []
        for position, loss in enumerate(declaration.regularization_losses):
            status, multiplier = self._measured(loss, position)
            losses.append(
                LossVerdict(
                    name=loss.name,
                    variables=loss.variables,
                    status=status,
                    multiplier=multiplier,
                    value=self._value(position),
                    created_at=loss.created_at,
                    text=_UNMEASURED if loss.multiplier is None else _MEASURED,
                )
            )
        losses = self._with_twins(losses)
        absent = self._without_loss()
        status = run_status([loss.status for loss in losses + absent], self._decays(), True)
        if not losses + absent and self._expected():
            return self._open(
                [],
                f"the model's configuration has {self._expected()} regularizers, "
                "but the training code registered no loss",
            )
        if status is Status.UNKNOWN:
            reason = self._scalars.text if self._scalars is not None else ""
            return self._open(losses, reason or "no graph and no measured multiplier were logged")
        return losses + absent, status, ""

    def _with_twins(self, losses: list[LossVerdict]) -> list[LossVerdict]:
        """Counts identical penalties on one variable together, where each of them is included."""
        matrix = self._facts.loss_matrix
        if matrix is None or len(matrix.steps) < 2:
            return losses
        twins: dict[tuple[tuple[str, ...], bytes], list[int]] = {}
        for position, (loss, column) in enumerate(zip(losses, matrix.values.T, strict=False)):
            # What stands still may be equal by chance: fresh scales of equal shapes.
            if loss.status is Status.INCLUDED and loss.variables and np.any(column != column[0]):
                twins.setdefault((loss.variables, column.tobytes()), []).append(position)
        found = list(losses)
        for positions in twins.values():
            count = len(positions)
            for position in positions if count > 1 else ():
                found[position] = dataclasses.replace(
                    losses[position],
                    status=Status.DOUBLE_COUNTED,
                    multiplier=float(count),
                    text=causes.TWINS,
                )
        return found

    def _framework(self) -> str:
        declared = self._declaration.framework if self._declaration is not None else "other"
        shown = self._proof.framework if self._proof is not None else "other"
        if shown == "tf2" and self._facts.keras_regularizers is not None:
            shown = "keras"
        # A loop of one's own and Keras's are both "tf2" to the op that was called.
        if declared in ("tf1", "tf2", "other") and shown != "other":
            return shown
        if declared == shown == "other" and self._facts.keras_regularizers is not None:
            return "keras"
        return declared

    def _evidence(self) -> list[Evidence]:
        found = [stated.by_graphs(self._proof, self._proofs)] if self._proofs else []
        if self._scalars is not None and self._scalars.text:
            found.append(stated.by_scalars(self._scalars))
        if self._declaration is not None:
            declared = self._declaration.regularization_losses
            measured = [self._measured(one, at)[0] for at, one in enumerate(declared)]
            found.append(stated.by_declaration(self._declaration, measured, self._is_measured))
        if self._facts.keras_regularizers is not None:
            found.append(stated.by_configuration(self._facts.keras_regularizers))
        return found


def _absent_loss(item: ConfiguredRegularizer, text: str) -> LossVerdict:
    return LossVerdict(
        f"{item.layer}/{item.argument}",
        (),
        Status.MISSING,
        0.0,
        created_at=item.created_at,
        text=text,
    )
