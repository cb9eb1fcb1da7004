# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: tf-keras models and optimizers, TF1 optimizers in a tf.function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from tests.zoo.tf2_keras import cross_entropy, declare
from tests.zoo.tf2_program import Program, register
from tests.zoo.tf2_tape import Mlp

optimizers = tf_keras.optimizers
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda: optimizers.Adam(0.01),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.004),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "lion": lambda: optimizers.Lion(0.01),
    "ftrl": lambda: optimizers.Ftrl(0.1),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "clipped": lambda: optimizers.SGD(0.1, global_clipnorm=0.1),
    "old_sgd": lambda: optimizers.legacy.SGD(0.1, momentum=0.9),
    "old_adam": lambda: optimizers.legacy.Adam(0.01, amsgrad=True),
    "old_rmsprop": lambda: optimizers.legacy.RMSprop(0.01, centered=True),
    "old_ftrl": lambda: optimizers.legacy.Ftrl(0.1),
    "old_nadam": lambda: optimizers.legacy.Nadam(0.01),
    "loss_scale": lambda: tf_keras.mixed_precision.LossScaleOptimizer(
        optimizers.Adam(0.01), initial_scale=8.0
    ),
}


def spied(p: Program, optimizer: Any, variables: Any) -> Any:
    """Lets the oracle see what an optimizer receives."""
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    else:
        optimizer.apply_gradients([(tf.zeros_like(v), v) for v in variables])
    apply = optimizer.apply_gradients

    def noting(pairs: Any, *args: Any, **kwargs: Any) -> Any:
        pairs = list(pairs)
        p.ports([g for g, _ in pairs], [v for _, v in pairs])
        return apply(pairs, *args, **kwargs)

    optimizer.apply_gradients = noting
    return optimizer


def _model(p: Program) -> Any:
    r = tf_keras.regularizers
    first, second = p.strength("first"), p.strength("second")
    return tf_keras.Sequential(
        [
            tf_keras.Input([5]),
            tf_keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(first)),
            tf_keras.layers.Dense(3, kernel_regularizer=r.L1L2(second, second)),
        ]
    )


def custom_loop(make: Callable[[], Any]) -> Any:
    """GradientTape with model.losses."""

    def family(p: Program, mutation: str) -> None:
        tf_keras.backend.clear_session()
        tf_keras.utils.set_random_seed(3)
        model = _model(p)
        p.framework = "tf-keras"
        optimizer = spied(p, make(), model.trainable_variables)
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(cross_entropy(y, model(x, training=True)))
                kernels = [v for v in model.trainable_variables if "kernel" in v.name]
                declare(p, model.losses, kernels)
                p.unlisted.discard("first")
                loss = p.combine(data, mutation)
                scale = getattr(optimizer, "get_scaled_loss", lambda value: value)
                scaled = scale(loss)
            gradients = tape.gradient(scaled, model.trainable_variables)
            unscale = getattr(optimizer, "get_unscaled_gradients", lambda value: value)
            optimizer.apply_gradients(
                zip(unscale(gradients), model.trainable_variables, strict=True)
            )
            return loss

        p.trace(step, x, y)

    return family


def tf1_optimizer(p: Program, mutation: str) -> None:
    """A TF1 optimizer inside of a tf.function: fused updates on captured variables."""
    m = Mlp.make(p)
    optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.9)
    optimizer._create_slots(m.all())
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        pairs = p.ports(tape.gradient(loss, m.all()), m.all())
        optimizer.apply_gradients(pairs)
        return loss

    p.trace(step, x, y)


for _name, _make in OPTIMIZERS.items():
    register(f"loop_{_name}", custom_loop(_make), ("included", "missing"), "tf-keras")
register("loop", custom_loop(OPTIMIZERS["adam"]), ("half", "partial", "blocked"), "tf-keras")
register("loop_old", custom_loop(OPTIMIZERS["old_adam"]), ("half", "partial", "twice"), "tf-keras")
register("tf1_optimizer", tf1_optimizer, ("included", "missing", "half", "partial", "blocked"))
