# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a program of the zoo is, and what is known to be true of it.

Nothing here knows TensorFlow, so that exported cases can be read without it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

MUTATIONS = ("included", "missing", "partial", "twice", "half", "blocked")


@dataclasses.dataclass(frozen=True)
class LossTruth:
    """What is true of one regularization loss.

    Attributes:
      key: name within the case; also the name of its strength.
      tensor: the tensor that the program takes for the penalty.
      variables: op names of the penalized variables.
      status: a loss status of the contract.
      multiplier: see the contract; `None` where it is not a constant or says
        nothing (frozen, zero, partial).
      listed: whether a correct answer must list it even without collections
        and declaration. False for forms that nothing but a name tells from a
        summary.
      also: further statuses that are right if they come without a multiplier:
        what decides is not in the graph.
    """

    key: str
    tensor: str
    variables: tuple[str, ...]
    status: str
    multiplier: float | None = None
    listed: bool = True
    also: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Truth:
    """What is true of a run.

    Attributes:
      run: the run status of the contract.
      losses: one entry for each regularization loss.
      bare: further run statuses that are right for the GraphDef alone, where
        collections and declarations are lacking.
      with_collections: further run statuses that are right with them.
    """

    run: str
    losses: tuple[LossTruth, ...] = ()
    bare: tuple[str, ...] = ()
    with_collections: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class BuiltCase:
    """A program as it would be found in a log, and how to run it.

    Attributes:
      name: the case's name.
      graph_def: serialized GraphDef.
      meta_graph: serialized MetaGraphDef, `None` for TF2.
      run_metadata: serialized RunMetadata as `trace_export` writes it (TF2).
      truth: what is true of it.
      declaration: what the training code would declare: `data_losses`,
        `optimized_loss`, `regularization_losses` (tensor names), `train_op`.
      judge_declared: the case can only be told with the declaration.
      running: what the oracle needs to run it.
    """

    name: str
    graph_def: bytes
    meta_graph: bytes | None
    truth: Truth
    declaration: Mapping[str, Any]
    run_metadata: bytes | None = None
    judge_declared: bool = False
    running: Any = None


@dataclasses.dataclass(frozen=True)
class Case:
    """A case that is built when asked for.

    Attributes:
      name: `family/mutation`.
      framework: `tf1`, `tf2`, `keras`, `tf-keras`.
      build: builds the program; the argument multiplies strengths by key.
    """

    name: str
    framework: str
    build: Callable[[Mapping[str, float]], BuiltCase]


def run_status(losses: tuple[LossTruth, ...]) -> str:
    """Returns the run status that follows from the losses, by the contract's table."""
    statuses = {loss.status for loss in losses} - {"frozen", "zero"}
    if not statuses:
        return "no_regularization"
    lost = statuses & {"missing", "blocked", "partial"}
    if "partial" in lost or (lost and statuses - {"missing", "blocked", "unknown"}):
        return "partial"
    for status in ("missing", "blocked", "unknown", "double_counted", "scaled"):
        if status in statuses:
            return status
    return "included"
