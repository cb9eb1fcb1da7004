# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What each source of evidence says alone, before anything is joined."""

from __future__ import annotations

from collections.abc import Sequence

from tb_regloss.analysis.facts import ConfiguredRegularizer, Declaration
from tb_regloss.analysis.proofs.proof import GraphProof
from tb_regloss.analysis.scalars.scalars import ScalarEvidence
from tb_regloss.analysis.statuses import LOST, run_status
from tb_regloss.analysis.verdict_types import Evidence, EvidenceKind, Status


def by_graphs(decisive: GraphProof | None, proofs: Sequence[GraphProof]) -> Evidence:
    """Returns what the graphs say.

    Args:
      decisive: the newest that trains, `None` where none does.
      proofs: all of them, at least one.
    """
    if decisive is not None:
        return _by_training_graph(decisive)
    unsure = [proof for proof in proofs if proof.trains is None]
    if unsure:
        text = f"The graph could not be followed: {unsure[-1].obstacles[0]}."
        return Evidence(EvidenceKind.GRAPH, Status.UNKNOWN, text, {"source": unsure[-1].source})
    text = "Nothing is trained in any of the run's graphs."
    return Evidence(EvidenceKind.GRAPH, Status.NOT_TRAINING, text)


def _by_training_graph(proof: GraphProof) -> Evidence:
    status = run_status([loss.status for loss in proof.losses], bool(proof.decays), True)
    shown = next((loss for loss in proof.losses if loss.status is status), None)
    shown = shown or next((loss for loss in proof.losses if loss.status in LOST), None)
    if shown is None:
        update = proof.train_ops[0] if proof.train_ops else "an update"
        text = f"No regularization loss was found among what {update!r} and its like train on."
        if proof.decays:
            count, first = len(proof.decays), proof.decays[0]
            text = f"The optimizer shrinks {count} variables itself ({first!r}, ...)."
        if not proof.losses and (proof.obstacles or proof.unexplained):
            status = Status.UNKNOWN
        return Evidence(EvidenceKind.GRAPH, status, text, {"source": proof.source})
    key = "path" if shown.status not in LOST else "frontier"
    details = {key: list(shown.path), "loss": shown.name, "source": proof.source}
    if proof.optimized:
        details["optimized"] = proof.optimized
    return Evidence(EvidenceKind.GRAPH, status, f"{shown.name}: {shown.text}", details)


def by_scalars(scalars: ScalarEvidence) -> Evidence:
    """Returns what the logged values say."""
    details = {
        "multiplier": scalars.multiplier,
        "interval": list(scalars.interval) if scalars.interval else None,
        "steps": scalars.steps,
    }
    return Evidence(EvidenceKind.SCALARS, scalars.status, scalars.text, details)


def by_declaration(
    declaration: Declaration, statuses: Sequence[Status], is_measured: bool
) -> Evidence:
    """Returns what the training code said.

    Args:
      declaration: its newest declaration.
      statuses: of the declared losses, by what was measured.
      is_measured: whether a multiplier of any of them was.
    """
    count = len(declaration.regularization_losses)
    parts = [f"{count} regularization loss{'es' if count != 1 else ''} registered"]
    if declaration.optimized_loss is not None:
        where = declaration.optimized_loss.created_at
        parts.append(
            f"optimized loss is {declaration.optimized_loss.name}" + (f", {where}" if where else "")
        )
    if declaration.train_op:
        parts.append(f"train op is {declaration.train_op}")
    if is_measured:
        parts.append("multipliers measured by automatic differentiation")
    absent = [Status.MISSING for item in declaration.configured if item.strength != 0]
    if absent:
        parts.append(f"{len(absent)} configured regularizers yield no loss")
    status = run_status([*statuses, *absent], bool(declaration.optimizer_weight_decay), True)
    return Evidence(EvidenceKind.DECLARED, status, "; ".join(parts) + ".")


def by_configuration(configured: Sequence[ConfiguredRegularizer]) -> Evidence:
    """Returns what the Keras model's configuration says."""
    strong = sum(item.strength != 0 for item in configured)
    status = Status.UNKNOWN if strong else Status.NO_REGULARIZATION
    text = f"The model's configuration has {strong} regularizer{'s' if strong != 1 else ''}."
    return Evidence(EvidenceKind.KERAS_CONFIG, status, text)
