# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Keras on TensorFlow: the numbers of a compiled step, and its graph.

A traced step cannot hand numbers to Python without cost, and what it returns
is shown as metrics. So it assigns them to a variable, which is read on the
few steps that are recorded; that also works compiled by XLA and in replicas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tb_regloss.summary import _keras_losses, _source_lines, _tf1_graph


@dataclasses.dataclass(frozen=True)
class Trace:
    """What one trace of the training step left behind.

    Attributes:
      key: equal for steps of which nothing new is to be said.
      step: its losses, symbolic where it was traced.
      values: variable that holds total, optimized loss, penalties, additional
        losses, and what each penalty counts for, of the last step.
      places: tensor name and user's line of the losses, by their `id`; empty
        in eager mode.
      graph: the outermost function graph; `None` in eager mode.
      has_total: whether `compute_loss` was called.
      has_optimized: whether the step took gradients with a tape.
    """

    key: Any
    step: _keras_losses.Step
    values: Any
    places: dict[int, tuple[str, str | None]]
    graph: Any
    has_total: bool
    has_optimized: bool

    def numbers(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Returns the values of the last step; waits for it."""
        return np.asarray(self.values.numpy())

    def tensor_name(self, value: Any) -> str | None:
        """Returns what a loss is called in the graph, `None` where there is none."""
        return self.places.get(id(value), (None, None))[0]

    def line(self, value: Any) -> str | None:
        """Returns the user's line that computed a loss, `None` where that is not known."""
        return self.places.get(id(value), (None, None))[1]

    def graph_def(self) -> bytes | None:
        """Returns the serialized graph of the whole training function."""
        if self.graph is None:
            return None
        return bytes(self.graph.as_graph_def(add_shapes=True).SerializeToString())


class Recording:
    """Makes training steps of a model leave a `Trace`, until it is closed."""

    counts_updates = True

    def __init__(self, model: Any, listening: _keras_losses.Listening) -> None:
        self._model = model
        self._listening = listening
        self._variables: dict[int, Any] = {}
        self.trace: Trace | None = None
        self.failure: Exception | None = None
        _gradient.add(self)

    def close(self) -> None:
        """Leaves TensorFlow as it was found."""
        _gradient.remove(self)

    def train_step(self, original: Callable[..., Any], *args: Any) -> Any:
        """Runs or traces the model's own step and adds the assignment to it."""
        with _keras_losses.opened(self._complete) as step:
            result = original(*args)
            step.safely(self._assign)
        if step.failure is not None:
            self.failure = step.failure
        return result

    def before_loss(self, step: _keras_losses.Step) -> None:
        """Called before `compute_loss`, when all layers are built."""
        del step
        self._listening.extend()

    def loss_computed(self, step: _keras_losses.Step) -> None:
        """Called within `compute_loss`; a tape sees all there is to see."""

    def _complete(self, step: _keras_losses.Step) -> None:
        """Adds what was not heard: activities, and penalties that the step forgot."""
        step.came_late |= self._listening.extend()
        if self._listening.has_unheard(step):
            with tf.name_scope("regloss"):
                list(self._model.losses)
        _keras_losses.collect_added(self._model, step)

    def _assign(self, step: _keras_losses.Step) -> None:
        self._complete(step)
        strategy = tf.distribute.get_strategy()
        replicas = float(strategy.num_replicas_in_sync)
        zero = tf.constant(0.0)
        # A loss scale multiplies all terms alike.
        scale = step.coefficients.get("", tf.constant(1.0))
        total = zero if step.total is None else _scalar(step.total)
        optimized = tf.add_n(step.targets) / scale if step.targets else zero
        losses = [penalty.values[0] for penalty in step.penalties.values()]
        losses += step.additional.values()
        counted = [
            np.nan if step.came_late else step.coefficients.get(name, zero)
            for name in step.penalties
        ]
        # Packed before anything is computed with them: each op costs at every step.
        numbers = tf.concat(
            [
                [total, optimized],
                # Each replica sees all of a penalty, and its share of the rest.
                tf.convert_to_tensor([_scalar(loss) for loss in losses], tf.float32) / replicas,
                tf.convert_to_tensor(counted, tf.float32) / scale,
            ],
            axis=0,
        )
        variable = self._variable(int(numbers.shape[0]), strategy)
        variable.assign(numbers)
        graph = _outermost_graph()
        key = tuple(step.penalties) if graph is None else id(graph)
        has_total, has_optimized = step.total is not None, bool(step.targets)
        if self.trace is None or self.trace.key != key or self.trace.values is not variable:
            # Of several replicas the first: its ops have the names people know.
            places = {} if graph is None else _places(step)
            self.trace = Trace(key, step, variable, places, graph, has_total, has_optimized)

    def _variable(self, size: int, strategy: Any) -> Any:
        if size not in self._variables:
            is_replicated = strategy.num_replicas_in_sync > 1
            with tf.init_scope():
                self._variables[size] = tf.Variable(
                    tf.zeros([size]),
                    trainable=False,
                    name="regloss_values",
                    **(
                        {
                            "synchronization": tf.VariableSynchronization.ON_READ,
                            "aggregation": tf.VariableAggregation.SUM,
                        }
                        if is_replicated
                        else {}
                    ),
                )
        return self._variables[size]


def _along_with_penalties(original: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `GradientTape.gradient` that measures what each penalty counts for, too."""

    @tf.autograph.experimental.do_not_convert
    def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        step = _keras_losses.current()
        if step is None:
            return original(tape, target, sources, *args, **kwargs)
        step.safely(step.complete)
        named = [
            (penalty.name, value) for penalty in step.penalties.values() for value in penalty.values
        ]
        if step.total is not None:
            named.append(("", step.total))
        extra = [value for _, value in named]
        wanted, found = original(tape, target, [sources, extra], *args, **kwargs)
        step.targets += [_scalar(each) for each in tf.nest.flatten(target)]
        for (name, _), value in zip(named, found, strict=True):
            if value is not None:
                more = _scalar(value)
                counted = step.coefficients.get(name)
                step.coefficients[name] = more if counted is None else counted + more
        return wanted

    return gradient


_gradient = _keras_losses.Patch(tf.GradientTape, "gradient", _along_with_penalties)


def _places(step: _keras_losses.Step) -> dict[int, tuple[str, str | None]]:
    """Returns tensor names and lines while the step is being traced.

    Where Keras has XLA compile the step, nobody holds its function later, and
    TensorFlow 2.12 then takes the function's ops apart.
    """
    penalties = [penalty.values[0] for penalty in step.penalties.values()]
    return {
        id(loss): (str(loss.name), _source_lines.user_line(_tf1_graph.stack_of(loss.op)))
        for loss in (*penalties, *step.additional.values(), *step.targets)
        if hasattr(loss, "op")
    }


def _scalar(value: Any) -> Any:
    value = tf.cast(value, tf.float32)
    return value if value.shape.rank == 0 else tf.reduce_sum(value)


def _outermost_graph() -> Any:
    if tf.executing_eagerly():
        return None
    graph: Any = tf.compat.v1.get_default_graph()
    while hasattr(getattr(graph, "outer_graph", None), "captures"):
        graph = graph.outer_graph
    return graph
