# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: Keras 3 models, custom loops and train steps, every optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tests.zoo.tf2_program import Program, register

optimizers = keras.optimizers
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.004),
    "sgd_decay": lambda: optimizers.SGD(0.01, weight_decay=0.004),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adadelta": lambda: optimizers.Adadelta(0.1),
    "adafactor": lambda: optimizers.Adafactor(0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.9),
    "rmsprop_centered": lambda: optimizers.RMSprop(0.01, centered=True),
    "ftrl": lambda: optimizers.Ftrl(0.1, l2_regularization_strength=0.01),
    "lion": lambda: optimizers.Lion(0.01),
    "lamb": lambda: optimizers.Lamb(0.01),
    "clipnorm": lambda: optimizers.Adam(0.01, clipnorm=0.1),
    "clipvalue": lambda: optimizers.Adam(0.01, clipvalue=0.1),
    "global_clipnorm": lambda: optimizers.SGD(0.01, global_clipnorm=0.1),
    "accumulate": lambda: optimizers.SGD(0.01, gradient_accumulation_steps=2),
    "ema": lambda: optimizers.Adam(0.01, use_ema=True, ema_overwrite_frequency=3),
    "loss_scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=8.0),
    "loss_scale_clipped": lambda: optimizers.LossScaleOptimizer(
        optimizers.SGD(0.01, global_clipnorm=0.1), initial_scale=8.0
    ),
}
DECAYING = ("adamw", "sgd_decay")


def spied(p: Program, optimizer: Any, variables: Any) -> Any:
    """Lets the oracle see what an optimizer receives."""
    optimizer.build(variables)
    apply = optimizer.apply

    def noting(gradients: Any, trainable_variables: Any = None) -> Any:
        gradients = list(gradients)
        p.ports(gradients, trainable_variables or variables)
        return apply(gradients, trainable_variables)

    optimizer.apply = noting
    return optimizer


def dense_model(p: Program, model_class: Any = keras.Sequential, **kwargs: Any) -> Any:
    """Two dense layers, L2 on the first, L1L2 on the second."""
    r = keras.regularizers
    layers = [
        keras.Input([5]),
        keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("first")), **kwargs),
        keras.layers.Dense(
            3, kernel_regularizer=r.L1L2(p.strength("second"), p.strength("second")), **kwargs
        ),
    ]
    return model_class(layers)


def cross_entropy(y: Any, logits: Any) -> Any:
    """A scalar: Keras's own reduction then changes nothing."""
    labels = tf.cast(tf.reshape(y, [-1]), tf.int64)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    return tf.reduce_mean(each)


def declare(p: Program, losses: Any, variables: Any, keys: Any = ("first", "second")) -> None:
    """Declares `model.losses`; Keras's forms are no proof of a penalty where they are dead."""
    for key, loss, variable in zip(keys, losses, variables, strict=True):
        p.penalty(key, loss, *(variable if isinstance(variable, tuple) else (variable,)))
        p.unlisted.add(key)
    p.framework = "keras"


def kernels(model: Any) -> list[Any]:
    """The kernels in the order of `model.losses`."""
    return [v for v in model.trainable_variables if "kernel" in v.path]


def custom_loop(make: Callable[[], Any], decay: float | None = None) -> Any:
    """GradientTape with model.losses, as the guides have it."""

    def family(p: Program, mutation: str) -> None:
        model = dense_model(p)
        p.optimizer_weight_decay = decay
        optimizer = spied(p, make(), model.trainable_variables)
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(cross_entropy(y, model(x, training=True)))
                declare(p, model.losses, kernels(model))
                loss = p.combine(data, mutation)
                scaled = getattr(optimizer, "scale_loss", lambda value: value)(loss)
            gradients = tape.gradient(scaled, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            return loss

        p.trace(step, x, y)

    return family


def twins(p: Program, mutation: str) -> None:
    """`model.losses` is read twice: once for the log, once for the loss."""
    model = dense_model(p)
    optimizer = spied(p, optimizers.Adam(0.01), model.trainable_variables)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            logged = model.losses
            declare(p, logged, kernels(model))
            state = "included" if mutation == "included" else "missing"
            loss = p.combine(data, state, model.losses)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss, tf.add_n(logged)

    p.trace(step, x, y)


def twice_read(p: Program, mutation: str) -> None:
    """`model.losses` is read twice and both are added: two identical penalties, both used."""
    model = dense_model(p)
    optimizer = spied(p, optimizers.Adam(0.01), model.trainable_variables)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            losses = model.losses
            declare(p, losses, kernels(model))
            loss = p.optimized(data + tf.add_n(losses) + tf.add_n(model.losses))
            p.expect_all("double_counted", 2.0)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    p.trace(step, x, y)


def _train_step_model(p: Program, mutation: str) -> Any:
    class Spied(keras.Sequential):
        """The model's own train_step, with the oracle's eyes."""

        @property
        def losses(self) -> Any:
            found = super().losses
            if found and hasattr(found[0], "graph") and not p.penalties:
                declare(p, found, kernels(self))
            return found

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            loss = super().compute_loss(*args, **kwargs)
            if mutation == "twice":
                loss += tf.add_n(self.losses)
            return p.optimized(loss)

    class Forgetful(Spied):
        """A train_step of the user's own that forgets the losses."""

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = p.optimized(cross_entropy_noted(y, self(x, training=True)))
            if mutation == "missing":
                total = loss + tf.add_n(self.losses)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables))
            return {"loss": loss if mutation == "absent" else total}

    def cross_entropy_noted(y: Any, logits: Any) -> Any:
        return p.data(cross_entropy(y, logits))

    forgetful = mutation in ("missing", "absent")
    model = dense_model(p, Forgetful if forgetful else Spied)
    optimizer = spied(p, optimizers.Adam(0.01), model.trainable_variables)
    model.compile(optimizer, cross_entropy_noted, jit_compile=False)
    return model


def train_step(p: Program, mutation: str) -> None:
    """`model.train_step` in a tf.function of its own."""
    model = _train_step_model(p, mutation)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        return model.train_step((x, y))

    p.trace(step, x, y)
    _train_step_truth(p, mutation)


def _train_step_truth(p: Program, mutation: str) -> None:
    states = {"included": "included", "missing": "missing"}
    p.expect_all(*(("double_counted", 2.0) if mutation == "twice" else (states.get(mutation),)))
    if mutation == "absent":
        # No penalty is in the graph: only what was configured tells.
        p.run = "missing"
        p.bare = ("no_regularization",)
        p.judge_declared = True
        p.configured = tuple(
            {"layer": f"dense{i}", "argument": "kernel_regularizer", "kind": "L2", "strength": 0.01}
            for i in range(2)
        )


def fit(p: Program, mutation: str) -> None:
    """`model.fit` under trace_on: IteratorGetNext and a call at the top level."""
    model = _train_step_model(p, mutation)
    x, y = p.batch()
    iterator = iter(tf.data.Dataset.from_tensors((x, y)).repeat())

    @tf.function
    def one_step_on_data(data: Any) -> Any:
        return model.train_step(data)

    @tf.function
    def step(iterator: Any) -> Any:
        return one_step_on_data(next(iterator))

    p.trace(step, iterator, run=lambda: model.fit(x, y, batch_size=4, verbose=0))
    _train_step_truth(p, mutation)


def activity(p: Program, mutation: str) -> None:
    """An activity regularizer beside a kernel regularizer."""
    r = keras.regularizers
    dense = keras.layers.Dense(
        4,
        "tanh",
        kernel_regularizer=r.L2(p.strength("kernel")),
        activity_regularizer=r.L2(p.strength("activity")),
    )
    model = keras.Sequential([keras.Input([5]), dense, keras.layers.Dense(3)])
    optimizer = spied(p, optimizers.RMSprop(0.01), model.trainable_variables)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            losses = model.losses
            order = ("activity", "kernel")
            declare(p, losses, [(dense.kernel, dense.bias), (dense.kernel,)], order)
            loss = p.combine(data, mutation)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    p.trace(step, x, y)


def frozen_layer(p: Program, mutation: str) -> None:
    """Only the second layer's variables are handed to the optimizer."""
    model = dense_model(p)
    trained = model.layers[1].trainable_variables
    optimizer = spied(p, optimizers.Adam(0.01), trained)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            declare(p, model.losses, kernels(model))
            p.expect("first", "frozen")
            loss = p.combine(data, mutation)
        optimizer.apply(tape.gradient(loss, trained), trained)
        return loss

    p.trace(step, x, y)


def mixed_precision(p: Program, mutation: str) -> None:
    """float16 layers under a LossScaleOptimizer with dynamic scale."""
    model = dense_model(p, dtype="mixed_float16")
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.01), initial_scale=16.0)
    optimizer = spied(p, optimizer, model.trainable_variables)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.cast(model(x, training=True), tf.float32)
            data = p.data(cross_entropy(y, logits))
            declare(p, model.losses, kernels(model))
            loss = p.combine(data, mutation)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, model.trainable_variables))
        return loss

    p.trace(step, x, y)


def no_penalty(make: Callable[[], Any], run: str, decay: float | None) -> Any:
    """No regularization loss; the optimizer decays weights, or does not."""

    def family(p: Program, mutation: str) -> None:
        model = keras.Sequential([keras.Input([5]), keras.layers.Dense(3)])
        optimizer = spied(p, make(), model.trainable_variables)
        p.optimizer_weight_decay = decay
        p.run = run
        p.framework = "keras"
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = p.optimized(p.data(cross_entropy(y, model(x, training=True))))
            optimizer.apply(tape.gradient(loss, model.trainable_variables))
            return loss

        p.trace(step, x, y)

    return family


_FEW = ("included", "missing", "half", "blocked")
for _name, _make in OPTIMIZERS.items():
    _decay = 0.004 if _name in DECAYING else None
    register(f"loop_{_name}", custom_loop(_make, _decay), ("included", "missing"), "keras")
    if _decay:
        register(f"alone_{_name}", no_penalty(_make, "decoupled", _decay), ("decoupled",), "keras")
    else:
        register(
            f"alone_{_name}",
            no_penalty(_make, "no_regularization", None),
            ("no_regularization",),
            "keras",
        )
register("loop", custom_loop(OPTIMIZERS["adam"]), ("partial", "half", "blocked", "twice"), "keras")
register("twins", twins, ("included",), "keras")
register("twice_read", twice_read, ("twice",), "keras")
register("train_step", train_step, ("included", "twice", "missing", "absent"), "keras")
register("fit", fit, ("included", "twice", "missing", "absent"), "keras")
register("activity", activity, ("included", "missing", "half", "partial", "blocked"), "keras")
register("frozen_layer", frozen_layer, ("included", "missing"), "keras")
register("mixed_precision", mixed_precision, _FEW, "keras")
