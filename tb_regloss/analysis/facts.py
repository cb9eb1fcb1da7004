# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of a run before anything is concluded from it.

One function of the backend gathers a run's facts; the panel, the command line
and the Python interface all judge the same value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

DATA_LOSS = "data_loss"
REGULARIZATION_SUM = "regularization_sum"
TOTAL_LOSS = "total_loss"
OPTIMIZED_LOSS = "optimized_loss"
ROLES = (DATA_LOSS, REGULARIZATION_SUM, TOTAL_LOSS, OPTIMIZED_LOSS)


@dataclasses.dataclass(frozen=True)
class Series:
    """Scalars over steps, ordered as they were written, one value a step.

    Attributes:
      steps: int64 `[n]`, strictly ascending.
      wall_times: float64 `[n]`, seconds since the epoch.
      values: float64 `[n]`; NaN and infinities are kept.
      tags: the tags this series was read (or summed) from.
    """

    steps: npt.NDArray[np.int64]
    wall_times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class FoundRole:
    """Which tags of a run stand for a loss, and who says so.

    Attributes:
      tags: the tags whose sum it is; empty where it is not known.
      source: `"given"` by the user, `"declared"` by the training code,
        `"convention"` where the tags alone say so, `"ambiguous"` where several
        could be it, `"none"` where nothing tells.
      candidates: the tags of which some are it, where that is ambiguous.
    """

    tags: tuple[str, ...] = ()
    source: str = "none"
    candidates: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class LossMatrix:
    """The values of all regularization losses of one declaration, over steps.

    Attributes:
      steps: int64 `[n]`, strictly ascending.
      wall_times: float64 `[n]`, seconds since the epoch.
      values: float64 `[n, number of regularization losses]`, in the
        declaration's order.
    """

    steps: npt.NDArray[np.int64]
    wall_times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class DeclaredLoss:
    """One loss as the training code knew it.

    Attributes:
      name: the name shown to people; in TF1 the tensor's name (`"a/b:0"`).
      tensor: the tensor's name in the logged graph, `None` where there is none.
      variables: names of the penalized variables, without `:0`; empty where
        not known or, for a data loss, not asked.
      created_at: `"model.py:42"`, the user's own line, or `None`.
      multiplier: d(optimized loss)/d(this loss) as measured by automatic
        differentiation in the training process, or `None` where not measured.
      detached: whether the training process saw that no gradient can flow
        through this tensor (detached, computed outside of the tape), wherever
        its value goes; `None` where not looked at.
    """

    name: str
    tensor: str | None = None
    variables: tuple[str, ...] = ()
    created_at: str | None = None
    multiplier: float | None = None
    detached: bool | None = None


@dataclasses.dataclass(frozen=True)
class ConfiguredRegularizer:
    """A regularizer that stands in a layer's configuration.

    Attributes:
      layer: the layer's name, with the names of nesting models (`"body/dense"`).
      argument: `"kernel_regularizer"`, `"activity_regularizer"`, ...
      kind: `"L2"`, `"L1L2"`, ... as the configuration calls it.
      strength: the largest of its coefficients, `None` where not a number.
      trainable: whether the layer's configuration says that it is trained.
      created_at: `"model.py:42"`, the user's own line that made the layer, or
        `None`.
    """

    layer: str
    argument: str
    kind: str
    strength: float | None = None
    trainable: bool = True
    created_at: str | None = None


@dataclasses.dataclass(frozen=True)
class Declaration:
    """What one writer said of its losses; see `tb_regloss.metadata` for the bytes.

    Attributes:
      framework: `"tf1"`, `"tf1-slim"`, `"tf2"`, `"keras"`, `"tf-keras"`,
        `"torch"` or `"other"`.
      regularization_losses: in the order of the logged vector's components.
      data_losses: the terms of the data loss.
      additional_losses: data-dependent `add_loss` terms.
      optimized_loss: the loss that the code says it optimizes, or `None`.
      collections: further collections by name, in their order.
      train_op: name of the op that trains, or `None`.
      optimizer_weight_decay: strength of the optimizer's own decay, `None`
        where not known, 0.0 where known to be off.
      configured: regularizers in layer configurations that yield no loss.
      version: the on-disk format's version that it was read from.
    """

    framework: str = "other"
    regularization_losses: tuple[DeclaredLoss, ...] = ()
    data_losses: tuple[DeclaredLoss, ...] = ()
    additional_losses: tuple[DeclaredLoss, ...] = ()
    optimized_loss: DeclaredLoss | None = None
    collections: Mapping[str, tuple[DeclaredLoss, ...]] = dataclasses.field(default_factory=dict)
    train_op: str | None = None
    optimizer_weight_decay: float | None = None
    configured: tuple[ConfiguredRegularizer, ...] = ()
    version: int = 1


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something that could not be read, shown beside the run, never hidden."""

    path: str
    message: str


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """All that was gathered of one run, the graphs excepted.

    Attributes:
      run: the run's name as TensorBoard shows it (`"."` for the logdir itself).
      path: the folder of the run's event files, or the file itself.
      series: by role (`ROLES`), only roles that were found.
      declarations: newest last.
      loss_matrix: the newest declaration's series, `None` where not logged.
      keras_regularizers: what the Keras model JSON in the log configures;
        `None` where no model JSON was found, empty where it configures none.
      notes: how the series were found, ambiguities, for people to read.
      problems: what could not be read.
      extra: further series by collection name.
      optimized_assured: the series of the optimized loss is known to be what is
        optimized: our summary logged it, or the framework's own training step
        logs what it optimizes. Otherwise its tag alone says so, and programs
        exist that log `total_loss` without the penalties that they optimize.
      roles: how each role was found, `None` where the run logs no scalars.
    """

    run: str
    path: str
    series: Mapping[str, Series] = dataclasses.field(default_factory=dict)
    declarations: tuple[Declaration, ...] = ()
    loss_matrix: LossMatrix | None = None
    keras_regularizers: tuple[ConfiguredRegularizer, ...] | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    extra: Mapping[str, Series] = dataclasses.field(default_factory=dict)
    optimized_assured: bool = False
    roles: Mapping[str, FoundRole] | None = None
