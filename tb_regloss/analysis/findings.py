# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Things worth saying that do not change a status."""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.facts import RunFacts
from tb_regloss.analysis.proof import GraphProof
from tb_regloss.analysis.scalars import ScalarEvidence
from tb_regloss.analysis.verdict_types import Finding, LossVerdict, Severity, Status

_NAMED = 3  # names in a list before it ends in "and N more"


def find(
    facts: RunFacts,
    proof: GraphProof | None,
    proofs: Sequence[GraphProof],
    scalars: ScalarEvidence | None,
    status: Status,
    kept: Sequence[LossVerdict],
) -> list[Finding]:
    """Returns a run's findings.

    Args:
      facts: what was gathered.
      proof: the proof that decided.
      proofs: all proofs, oldest first.
      scalars: what the values say.
      status: the run's status.
      kept: the regularization losses that count.
    """
    found: list[Finding] = []
    decays = proof.decays if proof is not None else ()
    declared = facts.declarations[-1] if facts.declarations else None
    by_optimizer = bool(decays) or bool(declared and declared.optimizer_weight_decay)
    arrives = any(loss.multiplier != 0 and loss.status is not Status.UNKNOWN for loss in kept)
    if by_optimizer and kept and arrives:
        text = "The weights are penalized in the loss and decayed by the optimizer: both act."
        found.append(Finding("loss_and_decay", Severity.WARNING, text))
    if proof is not None and proof.unpenalized and kept:
        names = _names(proof.unpenalized)
        text = f"Trained without a penalty, though variables of their kind have one: {names}."
        found.append(Finding("unpenalized_variables", Severity.OK, text))
    if proof is not None:
        found.extend(_other_graphs(proof, proofs))
        found.extend(
            Finding("not_followed", Severity.UNKNOWN, f"In the graph: {obstacle}.")
            for obstacle in proof.obstacles[:_NAMED]
        )
    if scalars is not None:
        found.extend(scalars.findings)
        found.extend(_disagreement(proof, scalars, status))
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
            "graphs_disagree",
            Severity.OK,
            f"An older graph of this run says something else: {source}.",
        )
        for source in list(found.values())[:_NAMED]
    ]


def _disagreement(
    proof: GraphProof | None, scalars: ScalarEvidence, status: Status
) -> list[Finding]:
    decided = (Status.INCLUDED, Status.MISSING, Status.SCALED, Status.DOUBLE_COUNTED)
    if proof is None or scalars.status not in decided or status not in (*decided, Status.BLOCKED):
        return []
    if scalars.status is status or (status is Status.BLOCKED and scalars.status is Status.INCLUDED):
        return []
    text = (
        f"The logged values look like {scalars.status.value}, the graph proves {status.value}: "
        "another loss is logged than the one that is optimized."
    )
    return [Finding("scalars_disagree", Severity.WARNING, text)]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    rest = len(names) - _NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
