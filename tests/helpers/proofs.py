# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What tests ask of a proof."""

from __future__ import annotations

from tb_regloss.analysis.facts import Declaration
from tb_regloss.analysis.proofs.proof import LossProof
from tests.helpers.training import TrainingStep


def statuses(step: TrainingStep, declaration: Declaration | None = None) -> list[str]:
    return [loss.status.value for loss in step.graph.prove(declaration).losses]


def only(step: TrainingStep) -> LossProof:
    (loss,) = step.graph.prove().losses
    return loss


def said(loss: LossProof) -> tuple[str, float | None]:
    return loss.status.value, loss.multiplier
