# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: tf-keras models, train steps and optimizers of unusual options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from tests.zoo.tf2_keras import cross_entropy, declare
from tests.zoo.tf2_legacy import spied
from tests.zoo.tf2_program import Program, register

layers, regularizers = tf_keras.layers, tf_keras.regularizers
new, old = tf_keras.optimizers, tf_keras.optimizers.legacy
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "adafactor": lambda: new.Adafactor(0.01),
    "lion": lambda: new.Lion(0.01, weight_decay=0.004),
    "ema_clip": lambda: new.Adam(0.01, use_ema=True, ema_momentum=0.9, global_clipnorm=1.0),
    "loss_scale": lambda: tf_keras.mixed_precision.LossScaleOptimizer(new.SGD(0.1)),
    "old_clip": lambda: old.Adam(0.01, clipnorm=0.5),
    "old_clipvalue": lambda: old.RMSprop(0.01, clipvalue=0.5, centered=True),
    "old_global": lambda: old.SGD(0.01, momentum=0.9, global_clipnorm=0.5, nesterov=True),
    "old_amsgrad": lambda: old.Adam(0.01, amsgrad=True, decay=0.01),
    "old_ftrl": lambda: old.Ftrl(0.01, l2_shrinkage_regularization_strength=0.1),
    "old_loss_scale": lambda: tf_keras.mixed_precision.LossScaleOptimizer(old.Adam(0.01)),
}


def _model(p: Program) -> Any:
    return tf_keras.Sequential(
        [
            layers.Dense(
                4,
                "tanh",
                kernel_regularizer=regularizers.L2(p.strength("first")),
                input_shape=(5,),
            ),
            layers.Dense(3, kernel_regularizer=regularizers.L1(p.strength("second"))),
        ]
    )


def train_step(make: Callable[[], Any]) -> Callable[[Program, str], None]:
    """The model's own train_step with an optimizer."""

    def family(p: Program, mutation: str) -> None:
        class Observed(tf_keras.Sequential):
            @property
            def losses(self) -> Any:
                found = super().losses
                if found and hasattr(found[0], "graph") and not p.penalties:
                    kernels = [v for v in self.trainable_variables if "kernel" in v.name]
                    declare(p, found, kernels)
                return found

            def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
                if mutation == "missing":
                    tf.add_n(self.losses)
                    return p.optimized(p.data(cross_entropy(args[1], args[2])))
                loss = super().compute_loss(*args, **kwargs)
                if mutation == "half":
                    loss -= 0.5 * tf.add_n(self.losses)
                return p.optimized(loss)

        model = Observed(_model(p).layers)
        inner = make()
        x, y = p.batch()
        optimizer = spied(p, inner, model.trainable_variables)
        model.compile(optimizer, lambda y, z: p.data(cross_entropy(y, z)))

        @tf.function
        def step(x: Any, y: Any) -> Any:
            return model.train_step((x, y))

        p.trace(step, x, y)
        p.expect_all(
            *{
                "included": ("included", 1.0),
                "missing": ("missing", 0.0),
                "half": ("scaled", 0.5),
            }[mutation]
        )

    return family


def _loop(p: Program, mutation: str, model: Any, x: Any, y: Any, named: Any) -> None:
    variables = model.trainable_variables
    optimizer = spied(p, new.SGD(0.1, momentum=0.9), variables)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            losses = model.losses
            assert len(losses) == len(named), losses
            declare(p, losses, [v for _, v in named], [k for k, _ in named])
            loss = p.combine(data, mutation)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    p.trace(step, x, y)


def recurrent(kind: str) -> Callable[[Program, str], None]:
    """LSTM or GRU: in tf-keras the layer chooses between a standard and a cuDNN branch."""

    def family(p: Program, mutation: str) -> None:
        x = tf.constant(p.random.normal(size=(3, 4, 2)).astype("float32"))
        y = tf.constant([0, 1, 2])
        layer = getattr(layers, kind)(
            3,
            kernel_regularizer=regularizers.L2(p.strength("kernel")),
            recurrent_regularizer=regularizers.L2(p.strength("recurrent")),
            bias_regularizer=regularizers.L2(p.strength("bias")),
        )
        model = tf_keras.Sequential([layer, layers.Dense(3)])
        model(x)
        kernel, recurrent_kernel, bias = layer.trainable_variables
        named = [("kernel", kernel), ("recurrent", recurrent_kernel), ("bias", bias)]
        _loop(p, mutation, model, x, y, named)

    return family


def convolutional(p: Program, mutation: str) -> None:
    """Separable convolution, batch norm with regularizers, a nested model, a shared layer."""
    x = tf.constant(p.random.normal(size=(3, 4, 4, 2)).astype("float32"))
    y = tf.constant([0, 1, 2])
    norm = layers.BatchNormalization(
        gamma_regularizer=regularizers.L2(p.strength("gamma")),
        beta_regularizer=regularizers.L1(p.strength("beta")),
    )
    conv = layers.Conv2D(3, 2, kernel_regularizer=regularizers.L2(p.strength("conv")))
    inner = tf_keras.Sequential([conv, norm, layers.ReLU()])
    model = tf_keras.Sequential([inner, layers.Flatten(), layers.Dense(3)])
    model(x)
    named = [("conv", conv.kernel), ("gamma", norm.gamma), ("beta", norm.beta)]
    _loop(p, mutation, model, x, y, named)


for _name, _make in OPTIMIZERS.items():
    _mutations = ("included", "missing") if _name == "adafactor" else ("included",)
    register(f"step_{_name}", train_step(_make), _mutations, "tf-keras")
register("step", train_step(lambda: new.AdamW(0.01, weight_decay=0.01)), ("half",), "tf-keras")
for _kind in ("LSTM", "GRU"):
    register(f"layers_{_kind.lower()}", recurrent(_kind), ("included", "partial"), "tf-keras")
register("layers_nested", convolutional, ("included", "partial"), "tf-keras")
