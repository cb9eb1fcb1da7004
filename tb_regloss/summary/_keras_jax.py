# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Keras 3 on JAX: the numbers of a compiled step, handed out beside its logs.

There is no graph in the log. A step that is compiled cannot keep numbers, so
it returns them with what Keras shows, and they are taken out again before
Keras sees them: they stay on the device, but for the few steps that are
recorded. What a penalty counts for is what backpropagation brings it.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from tb_regloss.summary import _keras_losses, _layer_lines

jnp = jax.numpy
_VALUES = "_regloss_values"


@dataclasses.dataclass(frozen=True)
class Trace:
    """What one trace left behind; see `_keras_tensorflow.Trace` for the fields."""

    key: Any
    step: _keras_losses.Step
    received: list[Any]
    has_total: bool
    has_optimized: bool

    def numbers(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Returns the values of the last step; waits for it."""
        return np.asarray(self.received[-1])

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
    """Makes training steps of a model leave a `Trace`, until it is closed."""

    # The optimizer's own count is with JAX's state until the epoch ends.
    counts_updates = False

    def __init__(self, model: Any, listening: _keras_losses.Listening) -> None:
        # Keras builds all layers before it traces a step: none can come late.
        self._model = model
        self._listening = listening
        self._received: list[Any] = []
        self.trace: Trace | None = None
        self.failure: Exception | None = None
        vars(model)["make_train_function"] = self._make_train_function
        _value_and_grad.add(self)

    def close(self) -> None:
        """Leaves JAX and the model as they were found."""
        vars(self._model).pop("make_train_function", None)
        _value_and_grad.remove(self)

    def train_step(self, original: Callable[..., Any], *args: Any) -> Any:
        """Traces the model's own step, and has it return our numbers, too."""
        primals: dict[str, Any] = {}

        def probe(step: _keras_losses.Step, name: str, value: Any) -> Any:
            return _probe(step, primals, name, value)

        with _keras_losses.opened(probe=probe) as step:
            logs, state = original(*args)
            numbers: list[Any] = []
            step.safely(lambda step: self._complete(step, *args))
            step.safely(lambda step: numbers.append(self._numbers(step, primals)))
            if numbers:
                logs = {**logs, _VALUES: numbers[0]}
        self.failure = self.failure or step.failure
        return logs, state

    def before_loss(self, step: _keras_losses.Step) -> None:
        """Called before `compute_loss`, with all of `model.losses` computed already."""
        losses = list(self._model._losses_override)
        count = len(losses) - len(step.penalties)
        # Keras puts them where `model.losses` takes them from, activities and `add_loss` first.
        added = self._name_added(step, losses[:count])
        vars(self._model)["_losses_override"] = _Observed([*added, *losses[count:]])

    def loss_computed(self, step: _keras_losses.Step) -> None:
        """Called within `compute_loss`."""
        if getattr(self._model._losses_override, "was_read", False):
            for penalty in step.penalties.values():
                penalty.in_compute_loss = True
        step.total = step.probe(step, "", step.total)

    def _make_train_function(self, force: bool = False) -> None:
        type(self._model).make_train_function(self._model, force)
        made = self._model.train_function

        def train_function(state: Any, iterator: Any) -> Any:
            logs, state = made(state, iterator)
            if isinstance(logs, dict) and _VALUES in logs:
                self._received[:] = [logs.pop(_VALUES)]
            return logs, state

        self._model.train_function = train_function

    def _name_added(self, step: _keras_losses.Step, added: list[Any]) -> list[Any]:
        """Tells activities from `add_loss` terms, where each layer has one."""
        layers = [
            layer
            for layer in self._model._flatten_layers()
            if getattr(layer, "activity_regularizer", None) is not None
        ]
        probed = []
        for index, value in enumerate(added):
            if len(added) == len(layers):
                name = f"{layers[index].path}/activity_regularizer"
                line = _layer_lines.line_of(layers[index])
                probed.append(step.hear(_keras_losses.Penalty(name, None, line), value))
            else:
                name = f"add_loss_{index}"
                step.additional[name] = value
                probed.append(step.probe(step, name, value))
        return probed

    def _complete(self, step: _keras_losses.Step, state: Any, *_: Any) -> None:
        """Computes the penalties that the step forgot."""
        if self._listening.has_unheard(step):
            mapping = list(zip(self._model.trainable_variables, state[0], strict=True))
            with sys.modules["keras"].StatelessScope(state_mapping=mapping):
                list(self._model.losses)

    def _numbers(self, step: _keras_losses.Step, primals: dict[str, Any]) -> Any:
        scale = step.coefficients.get("", jnp.ones(()))
        unknown = jnp.zeros(()) if step.targets or step.coefficients else jnp.full((), jnp.nan)
        numbers = [
            jnp.zeros(()) if step.total is None else primals[""],
            sum(step.targets) / scale,
            *(primals[name] for name in (*step.penalties, *step.additional)),
            *(step.coefficients.get(name, unknown) / scale for name in step.penalties),
        ]
        key = tuple(step.penalties)
        has_total, has_optimized = step.total is not None, bool(step.targets)
        self.trace = Trace(key, step, self._received, has_total, has_optimized)
        return jnp.stack([_scalar(number) for number in numbers])


def _probe(step: _keras_losses.Step, primals: dict[str, Any], name: str, value: Any) -> Any:
    """Returns the value as it is; keeps it, and what backpropagation brings to it.

    Both as the step sees them that calls `jax.grad`, not as the function that
    is differentiated does.
    """

    @jax.custom_vjp
    def passed(x: Any) -> Any:
        return x

    def forward(x: Any) -> tuple[Any, None]:
        primals[name] = x
        return x, None

    def backward(_: None, cotangent: Any) -> tuple[Any]:
        counted = step.coefficients.get(name, jnp.zeros(()))
        step.coefficients[name] = counted + _scalar(cotangent)
        return (cotangent,)

    passed.defvjp(forward, backward)
    primals[name] = value
    return passed(value)


def _with_value(original: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `jax.value_and_grad` that tells an open step what was differentiated."""

    def value_and_grad(fun: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(fun, *args, **kwargs)

        def differentiated(*inner: Any, **named: Any) -> Any:
            value, gradients = made(*inner, **named)
            step = _keras_losses.current()
            if step is not None:
                step.targets.append(value[0] if isinstance(value, tuple) else value)
            return value, gradients

        return differentiated

    return value_and_grad


_value_and_grad = _keras_losses.Patch(jax, "value_and_grad", _with_value)


def _scalar(value: Any) -> Any:
    return jnp.sum(jnp.asarray(value, "float32"))
