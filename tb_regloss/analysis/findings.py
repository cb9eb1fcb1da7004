# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Things worth saying that do not change a status."""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.facts import Declaration, RunFacts
from tb_regloss.analysis.proofs.proof import GraphProof
from tb_regloss.analysis.scalars.scalars import ScalarEvidence
from tb_regloss.analysis.verdict_types import Finding, LossVerdict, Severity, Status

LOSS_AND_DECAY = "loss_and_decay"
UNPENALIZED = "unpenalized_variables"
NOT_FOLLOWED = "not_followed"
GRAPHS_DISAGREE = "graphs_disagree"
SCALARS_DISAGREE = "scalars_disagree"
DECLARED_DISAGREES = "declared_disagrees"

_DECIDED = frozenset([Status.INCLUDED, Status.MISSING, Status.SCALED, Status.DOUBLE_COUNTED])
_CLOSE = 1e-3  # Training processes measure in float32, some in half precision.
_NAMED = 3  # names in a list before it ends in "and N more"


def find(
    facts: RunFacts,
    proof: GraphProof | None,
    proofs: Sequence[GraphProof],
    scalars: ScalarEvidence | None,
    status: Status,
    kept: Sequence[LossVerdict],
    decays: bool,
) -> list[Finding]:
    """Returns a run's findings.

    Args:
      facts: what was gathered.
      proof: the proof that decided.
      proofs: all proofs, oldest first.
      scalars: what the values say.
      status: the run's status.
      kept: the regularization losses that count.
      decays: whether the optimizer decays weights itself.
    """
    found: list[Finding] = []
    arrives = any(loss.multiplier != 0 and loss.status is not Status.UNKNOWN for loss in kept)
    if decays and arrives:
        text = "The weights are penalized in the loss and decayed by the optimizer: both act."
        found.append(Finding(LOSS_AND_DECAY, Severity.WARNING, text))
    if proof is not None and proof.unpenalized and kept:
        names = _names(proof.unpenalized)
        text = f"Trained without a penalty, though variables of their kind have one: {names}."
        found.append(Finding(UNPENALIZED, Severity.OK, text))
    if proof is not None:
        found.extend(_other_graphs(proof, proofs))
        found.extend(
            Finding(NOT_FOLLOWED, Severity.UNKNOWN, f"In the graph: {obstacle}.")
            for obstacle in proof.obstacles[:_NAMED]
        )
        if facts.declarations:
            found.extend(_declared_against(proof, facts.declarations[-1], kept))
    if scalars is not None:
        found.extend(scalars.findings)
        if proof is not None and (kept or not proof.losses):
            # What is frozen or of strength 0 may be in the value or not.
            found.extend(_scalars_against(status, scalars, kept))
    return found


def _other_graphs(proof: GraphProof, proofs: Sequence[GraphProof]) -> list[Finding]:
    """Names other graphs of the run that train and say something else."""
    found = {}
    mine = {(loss.name, loss.status) for loss in proof.losses}
    for other in proofs:
        if not other.trains or other.fingerprint == proof.fingerprint:
            continue
        if {(loss.name, loss.status) for loss in other.losses} != mine:
            found[other.fingerprint] = other.source
    return [
        Finding(
            GRAPHS_DISAGREE,
            Severity.OK,
            f"An older graph of this run says something else: {source}.",
        )
        for source in list(found.values())[:_NAMED]
    ]


def _scalars_against(
    status: Status, scalars: ScalarEvidence, kept: Sequence[LossVerdict]
) -> list[Finding]:
    """Compares what the values hold of the regularization sum with what the graph proves."""
    if scalars.status is Status.UNKNOWN or scalars.status in _seen_as(kept):
        return []
    text = (
        f"The logged values look like {scalars.status.value}, the graph proves {status.value}: "
        "another loss is logged than the one that is optimized."
    )
    return [Finding(SCALARS_DISAGREE, Severity.WARNING, text)]


def _seen_as(kept: Sequence[LossVerdict]) -> frozenset[Status]:
    """Returns what values may look like where a graph proves this of the losses."""
    proved = {loss.status for loss in kept}
    if not kept or proved == {Status.MISSING}:
        return frozenset([Status.MISSING])
    if Status.UNKNOWN in proved:
        return _DECIDED
    if Status.MISSING in proved:
        # Some are in the value and some are not: neither all nor none of the sum.
        return _DECIDED - {Status.MISSING, Status.INCLUDED}
    if len(proved) == 1 and all(loss.multiplier is not None for loss in kept):
        only = next(iter(proved))
        if only in _DECIDED:
            return frozenset([only])
    # In the value all the same: blocked, or how often is not a constant.
    return _DECIDED - {Status.MISSING}


def _declared_against(
    proof: GraphProof, declaration: Declaration, kept: Sequence[LossVerdict]
) -> list[Finding]:
    """Compares measured multipliers with what the graph proves."""
    known = declaration.regularization_losses
    proved = {one.name: one for one in proof.losses if one.declared is not None}
    for loss in kept:
        one = proved.get(loss.name)
        if one is None or one.declared is None or one.multiplier is None:
            continue
        measured = known[one.declared].multiplier if one.declared < len(known) else None
        if measured is not None and abs(measured - one.multiplier) > _CLOSE:
            text = (
                f"The training process measured that {loss.name!r} counts {measured:g} times, the "
                f"graph proves {one.multiplier:g}: another loss was declared than is optimized, "
                "or another graph was logged than was run."
            )
            return [Finding(DECLARED_DISAGREES, Severity.WARNING, text)]
    return []


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    rest = len(names) - _NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
