# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Keras 3 on JAX: the numbers of a compiled step, handed out by a callback.

There is no graph in the log and no tape, so what a penalty counts for is not
measured; the scalars tell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from tb_regloss.summary import _keras_losses, _layer_lines

jnp = jax.numpy


@dataclasses.dataclass(frozen=True)
class Trace:
    """What one trace left behind; see `_keras_tensorflow.Trace` for the fields."""

    key: Any
    step: _keras_losses.Step
    received: list[Any]
    has_total: bool = True
    has_optimized: bool = False

    def numbers(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Returns the values of the last step; waits for it."""
        jax.effects_barrier()
        values = np.asarray(self.received[-1])
        unknown = np.full(len(self.step.penalties), np.nan, np.float32)
        return np.concatenate([values, unknown])

    def tensor_name(self, value: Any) -> None:
        """There is no graph."""

    def line(self, value: Any) -> None:
        """There is none: a step is not looked into."""

    def graph_def(self) -> None:
        """There is none."""


class _Observed(list[Any]):
    """Losses that know whether `compute_loss` went through them."""

    was_read = False

    def __iter__(self) -> Iterator[Any]:
        self.was_read = True
        return super().__iter__()


class Recording:
    """Makes training steps of a model leave a `Trace`."""

    # The optimizer's own count is with JAX's state until the epoch ends.
    counts_updates = False

    def __init__(self, model: Any, listening: _keras_losses.Listening) -> None:
        # Keras builds all layers before it traces a step: none can come late.
        del listening
        self._model = model
        self._received: list[Any] = []
        self.trace: Trace | None = None
        self.failure: Exception | None = None

    def close(self) -> None:
        """Nothing was put in place."""

    def train_step(self, original: Callable[..., Any], *args: Any) -> Any:
        """Traces the model's own step."""
        with _keras_losses.opened() as step:
            result = original(*args)
        self.failure = self.failure or step.failure
        return result

    def loss_computed(self, step: _keras_losses.Step) -> None:
        """Adds the callback where the losses are, inside of what is differentiated."""
        self._name_added(step)
        numbers = [
            jnp.sum(step.total),
            jnp.zeros(()),
            *(jnp.sum(penalty.values[0]) for penalty in step.penalties.values()),
            *map(jnp.sum, step.additional.values()),
        ]
        jax.debug.callback(self._receive, jnp.stack([n.astype("float32") for n in numbers]))
        self.trace = Trace(tuple(step.penalties), step, self._received)

    def before_loss(self, step: _keras_losses.Step) -> None:
        """Called before `compute_loss`, with all of `model.losses` computed already."""
        del step
        # Keras puts them where `model.losses` takes them from.
        vars(self._model)["_losses_override"] = _Observed(self._model._losses_override)

    def _name_added(self, step: _keras_losses.Step) -> None:
        """Tells activities and `add_loss` terms, which come before the penalties of weights."""
        losses = self._model._losses_override
        was_read = losses.was_read
        for penalty in step.penalties.values():
            penalty.in_compute_loss |= was_read
        added = list(losses)[: len(losses) - len(step.penalties)]
        layers = [
            layer
            for layer in self._model._flatten_layers()
            if getattr(layer, "activity_regularizer", None) is not None
        ]
        for index, value in enumerate(added):
            if len(added) == len(layers):
                name = f"{layers[index].path}/activity_regularizer"
                line = _layer_lines.line_of(layers[index])
                step.penalties[name] = _keras_losses.Penalty(name, None, line, [value], was_read)
            else:
                step.additional[f"add_loss_{index}"] = value

    def _receive(self, values: Any) -> None:
        self._received[:] = [values]
