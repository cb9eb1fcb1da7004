# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: what `Model.fit` compiles in its many ways, judged on its own train function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tests.zoo.tf2_keras import cross_entropy, declare, optimizers, spied
from tests.zoo.tf2_program import Program, register

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "ema": lambda: optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
    "clipnorm": lambda: optimizers.SGD(0.1, clipnorm=0.5),
    "global_clipnorm": lambda: optimizers.Adam(0.01, global_clipnorm=0.5),
    "clipvalue": lambda: optimizers.RMSprop(0.01, clipvalue=0.5),
    "accumulate": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "loss_scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01)),
    "accumulate_clip": lambda: optimizers.Adam(
        0.01, gradient_accumulation_steps=2, global_clipnorm=1.0
    ),
    "muon": lambda: optimizers.Muon(0.01),
    "adafactor": lambda: optimizers.Adafactor(0.01, relative_step=True),
    "adafactor_wd": lambda: optimizers.Adafactor(0.01, weight_decay=0.004),
    "lion_wd": lambda: optimizers.Lion(0.01, weight_decay=0.004),
    "lamb_wd": lambda: optimizers.Lamb(0.01, weight_decay=0.004),
    "nadam_wd": lambda: optimizers.Nadam(0.01, weight_decay=0.004),
    "ftrl_shrink": lambda: optimizers.Ftrl(
        0.1, l1_regularization_strength=0.01, l2_shrinkage_regularization_strength=0.01
    ),
    "schedule": lambda: optimizers.SGD(
        optimizers.schedules.CosineDecay(0.1, 100, warmup_steps=5, warmup_target=0.2),
        momentum=0.9,
        nesterov=True,
        weight_decay=0.001,
    ),
}


def observed(p: Program, base: Any, keys: Any, variables: Any, mutation: str) -> Any:
    """A subclass of a Keras model whose losses the oracle sees, changed as the mutation says."""

    class Observed(base):
        @property
        def losses(self) -> Any:
            found = super().losses
            if found and hasattr(found[0], "graph") and not p.penalties:
                declare(p, found, variables(self), keys)
            return found

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            if mutation == "missing":
                # Only for a look at them; the user's own loss forgets them.
                tf.add_n(self.losses)
                return p.optimized(self._compile_loss(*args[1:3]))
            loss = super().compute_loss(*args, **kwargs)
            if mutation == "twice":
                loss += tf.add_n(self.losses)
            return p.optimized(loss if mutation != "half" else _halved(loss, self.losses))

    return Observed


def _halved(loss: Any, losses: Any) -> Any:
    return loss - 0.5 * tf.add_n(losses)


def state(p: Program, mutation: str) -> None:
    """States the truth of all penalties of `observed`."""
    p.expect_all(
        *{
            "included": ("included", 1.0),
            "twice": ("double_counted", 2.0),
            "half": ("scaled", 0.5),
            "missing": ("missing", 0.0),
        }[mutation]
    )


def traced_step(p: Program, model: Any, x: Any, y: Any) -> None:
    """Traces `train_step` in a function of a function, as fit does without a strategy."""
    iterator = iter(tf.data.Dataset.from_tensors((x, y)).repeat())

    @tf.function
    def one_step_on_data(data: Any) -> Any:
        return model.train_step(data)

    @tf.function
    def step(iterator: Any) -> Any:
        return one_step_on_data(next(iterator))

    p.trace(step, iterator)


def two_dense(p: Program, mutation: str) -> Any:
    """Dense layers with L2 and L1."""
    r = keras.regularizers
    inputs = keras.Input([5])
    h = keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("first")), name="first")
    out = keras.layers.Dense(3, kernel_regularizer=r.L1(p.strength("second")), name="second")
    kind = observed(
        p,
        keras.Model,
        ("first", "second"),
        lambda m: [v for v in m.trainable_variables if "kernel" in v.path],
        mutation,
    )
    return kind(inputs, out(h(inputs)))


def with_optimizer(make: Callable[[], Any]) -> Callable[[Program, str], None]:
    """compile() with an optimizer of unusual options."""

    def family(p: Program, mutation: str) -> None:
        model = two_dense(p, mutation)
        optimizer = spied(p, make(), model.trainable_variables)
        p.optimizer_weight_decay = getattr(optimizer, "weight_decay", None)
        model.compile(optimizer, lambda y, z: p.data(cross_entropy(y, z)), jit_compile=False)
        x, y = p.batch()
        traced_step(p, model, x, y)
        state(p, mutation)

    return family


def several_outputs(p: Program, mutation: str) -> None:
    """Two outputs with loss_weights; penalties beside both."""
    r = keras.regularizers
    inputs = keras.Input([5])
    h = keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("first")))(inputs)
    a = keras.layers.Dense(3, kernel_regularizer=r.L2(p.strength("second")), name="a")(h)
    b = keras.layers.Dense(2, name="b")(h)
    kind = observed(
        p,
        keras.Model,
        ("first", "second"),
        lambda m: [v for v in m.trainable_variables if "kernel" in v.path][:2],
        mutation,
    )
    model = kind(inputs, {"a": a, "b": b})
    optimizer = spied(p, optimizers.Adam(0.01), model.trainable_variables)
    weights = {"a": 0.7, "b": 3.0}

    def noted(name: str) -> Any:
        def loss(y: Any, z: Any) -> Any:
            value = cross_entropy(y, z)
            # Keras calls a loss once more where it sets up its metrics.
            if len(p.running.data) >= len(weights):
                p.running.data.clear()
            return p.data(value, weight=weights[name])

        return loss

    model.compile(
        optimizer, {"a": noted("a"), "b": noted("b")}, loss_weights=weights, jit_compile=False
    )
    x, y = p.batch()
    traced_step(p, model, x, {"a": y, "b": tf.math.floormod(y, 2)})
    state(p, mutation)


def added_losses(p: Program, mutation: str) -> None:
    """A layer of the user's own with add_weight(regularizer=), add_loss on data, a constraint."""
    r = keras.regularizers

    class Own(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.w = self.add_weight(
                shape=(shape[-1], 3),
                regularizer=r.L2(p.strength("own")),
                constraint=keras.constraints.MaxNorm(1.5),
                name="w",
            )

        def call(self, x: Any) -> Any:
            z = tf.matmul(x, self.w)
            small = 0.01 * tf.reduce_mean(tf.square(z))
            # Keras also calls a layer to learn its shapes.
            symbolic = not tf.executing_eagerly() and "scratch" not in z.graph.name
            self.add_loss(p.data(small) if symbolic else small)
            return z

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("dense")))
            self.own = Own()

        def call(self, x: Any) -> Any:
            return self.own(self.dense(x))

        @property
        def losses(self) -> Any:
            found = super().losses
            if len(found) == 3 and hasattr(found[1], "graph") and not p.penalties:
                pairs = [(self.dense.kernel, "dense"), (self.own.w, "own")]
                declare(p, found[1:], [v for v, _ in pairs], [k for _, k in pairs])
            return found

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            losses = self.losses
            data = self._compile_loss(*args[1:3]) + losses[0]
            factor = {"included": 1.0, "half": 0.5, "missing": 0.0}[mutation]
            return p.optimized(data + factor * tf.add_n(losses[1:]) if factor else data)

    model = Net()
    x, y = p.batch()
    model(x)
    optimizer = spied(p, optimizers.SGD(0.1, momentum=0.9), model.trainable_variables)
    model.compile(optimizer, lambda y, z: p.data(cross_entropy(y, z)), jit_compile=False)
    traced_step(p, model, x, y)
    state(p, mutation)


def sample_weights(p: Program, mutation: str) -> None:
    """Fit with sample weights: the data loss is a weighted mean."""
    model = two_dense(p, mutation)
    optimizer = spied(p, optimizers.Adam(0.01), model.trainable_variables)

    class Noted(keras.losses.SparseCategoricalCrossentropy):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return p.data(super().__call__(*args, **kwargs))

    model.compile(optimizer, Noted(from_logits=True), jit_compile=False)
    x, y = p.batch()
    iterator = iter(
        tf.data.Dataset.from_tensors((x, y, tf.constant([1.0, 0.5, 2.0, 1.0]))).repeat()
    )

    @tf.function
    def step(iterator: Any) -> Any:
        return model.train_step(next(iterator))

    p.trace(step, iterator)
    state(p, mutation)


def jit_fit(p: Program, mutation: str, jit: bool = True, steps: int = 1) -> None:
    """The whole train step XLA-compiled, or several steps per execution in a loop."""
    model = two_dense(p, mutation)
    optimizer = spied(p, optimizers.Adam(0.01), model.trainable_variables)
    model.compile(optimizer, lambda y, z: p.data(cross_entropy(y, z)), jit_compile=jit)
    x, y = p.batch()
    iterator = iter(tf.data.Dataset.from_tensors((x, y)).repeat())

    @tf.function(jit_compile=jit or None)
    def one_step_on_data(data: Any) -> Any:
        return model.train_step(data)

    @tf.function
    def step(iterator: Any) -> Any:
        logs = one_step_on_data(next(iterator))
        if steps > 1:
            for _ in tf.range(steps - 1):
                logs = one_step_on_data(next(iterator))
        return logs

    p.trace(step, iterator)
    state(p, mutation)


for _name, _make in OPTIMIZERS.items():
    _mutations = ("included", "missing") if _name in ("muon", "adafactor") else ("included",)
    register(f"fit_{_name}", with_optimizer(_make), _mutations, "keras")
register("fit_outputs", several_outputs, ("included", "half"), "keras")
register("fit_added", added_losses, ("included", "missing"), "keras")
register("fit_samples", sample_weights, ("included", "twice"), "keras")
register("fit_jit", jit_fit, ("included", "missing"), "keras")
register("fit_steps", lambda p, m: jit_fit(p, m, False, 3), ("included", "missing"), "keras")
register("fit_jit_steps", lambda p, m: jit_fit(p, m, True, 3), ("half",), "keras")
