# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Runs whose numbers leave no doubt: made, not trained, so that they take no time."""

from __future__ import annotations

import math
import pathlib

import numpy as np

from tb_regloss.analysis.facts import Declaration, DeclaredLoss
from tests.event_logs import EventLog

LOSSES = 36
STEPS = range(0, 300, 3)
BUG = "bug/weight_decay=0.1"
FIXED = "fixed/weight_decay=0.1"
HALF = "half"
TOWERS = "towers"
BROKEN = "broken"
BARE = "bare"
ODD = "<script>document.title='taken'<x>&amp; \"quoted\" 'é' пробег 试验 %20?run=a#b"


def write_all(logdir: pathlib.Path) -> None:
    """Writes one run of each kind."""
    write(logdir / BUG, 0.0)
    write(logdir / FIXED, 1.0)
    write(logdir / HALF, 0.5)
    write(logdir / TOWERS, 4.0)
    write(logdir / ODD, 1.0)
    write(logdir / BROKEN, 1.0, breaks=True)
    with EventLog(logdir / BARE) as log:
        for step in STEPS:
            log.simple(step, {"accuracy": 1 - 1 / (step + 2)})


def write(folder: pathlib.Path, multiplier: float, breaks: bool = False) -> None:
    """Writes a run whose optimized loss is data loss + multiplier * regularization sum.

    Args:
      folder: of the run.
      multiplier: see above.
      breaks: whether the data loss becomes NaN and the regularization sum
        infinite, as in a training that diverges.
    """
    with EventLog(folder) as log:
        name = log.declare(_declaration())
        for step in STEPS:
            add_step(log, name, step, multiplier, breaks=breaks and step > 200)


def add_step(log: EventLog, name: str, step: int, multiplier: float, breaks: bool = False) -> None:
    """Writes one step of such a run; `name` is the declaration's hash."""
    # Irregular on purpose: from smooth curves the scalars' proof would not follow.
    data = 0.2 + 2 * math.exp(-step / 90) + 0.1 * math.sin(step * step)
    losses = 0.02 * (1 + 0.2 * math.sin(step / 40)) * (1 + np.arange(LOSSES) / LOSSES)
    total = float(losses.sum())
    log.ours(
        step,
        data_loss=math.nan if breaks else data,
        regularization_sum=math.inf if breaks else total,
        optimized_loss=math.nan if breaks else data + multiplier * total,
    )
    log.vector(step, name, losses.tolist())


def _declaration() -> Declaration:
    return Declaration(
        framework="tf1-slim",
        regularization_losses=tuple(
            DeclaredLoss(
                name=f"net/layer{i}/kernel/Regularizer/l2_regularizer:0",
                tensor=f"net/layer{i}/kernel/Regularizer/l2_regularizer:0",
                variables=(f"net/layer{i}/weights",),
                created_at=f"model.py:{40 + i}",
            )
            for i in range(LOSSES)
        ),
        optimized_loss=DeclaredLoss("loss:0", created_at="train.py:57"),
    )


def continue_run(folder: pathlib.Path, steps: range) -> None:
    """Goes on with a run in its own event file, as the training that wrote it would."""
    with EventLog(folder) as log:
        name = log.declare(_declaration())
        for step in steps:
            add_step(log, name, step, 0.0)
