# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: larger Keras models, accumulation, several optimizers, further losses."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
import tf_keras

from tests.zoo.tf2_keras import cross_entropy, declare, spied
from tests.zoo.tf2_legacy import spied as spied_legacy
from tests.zoo.tf2_program import Program, register

layers, L2 = keras.layers, keras.regularizers.L2


def _loop(
    p: Program, mutation: str, model: Any, x: Any, y: Any, penalized: Any, optimizer: Any = None
) -> None:
    optimizer = spied(p, optimizer or keras.optimizers.Adam(0.01), model.trainable_variables)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            keys = [f"r{i}" for i in range(len(penalized))]
            declare(p, model.losses, penalized, keys)
            loss = p.combine(data, mutation)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    p.trace(step, x, y)


def convolutional(p: Program, mutation: str) -> None:
    """Convolution, batch norm, depthwise convolution, pooling, all decayed."""
    model = keras.Sequential(
        [
            keras.Input([6, 6, 2]),
            layers.Conv2D(3, 3, kernel_regularizer=L2(p.strength("r0"))),
            layers.BatchNormalization(gamma_regularizer=L2(p.strength("r1"))),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, depthwise_regularizer=L2(p.strength("r2"))),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, bias_regularizer=L2(p.strength("r3"))),
        ]
    )
    x = tf.constant(p.random.normal(size=(4, 6, 6, 2)).astype("float32"))
    conv, norm, depth, dense = (model.layers[i] for i in (0, 1, 3, 5))
    penalized = [conv.kernel, norm.gamma, depth.kernel, dense.bias]
    _loop(p, mutation, model, x, tf.constant([0, 1, 2, 1]), penalized)


def recurrent(p: Program, mutation: str) -> None:
    """Embedding and LSTM with regularizers: a loop and sparse gradients."""
    embedding = layers.Embedding(7, 4, embeddings_regularizer=L2(p.strength("r0")))
    lstm = layers.LSTM(
        3, kernel_regularizer=L2(p.strength("r1")), recurrent_regularizer=L2(p.strength("r2"))
    )
    model = keras.Sequential([keras.Input([4], dtype="int32"), embedding, lstm, layers.Dense(3)])
    x = tf.constant([[1, 2, 3, 4], [0, 5, 6, 1]])
    penalized = [embedding.embeddings, lstm.cell.kernel, lstm.cell.recurrent_kernel]
    _loop(p, mutation, model, x, tf.constant([0, 2]), penalized)


def shared_layer(p: Program, mutation: str) -> None:
    """One dense layer called twice in a functional model: one penalty."""
    inputs = keras.Input([4])
    dense = layers.Dense(4, "tanh", kernel_regularizer=L2(p.strength("r0")))
    model = keras.Model(inputs, layers.Dense(3)(dense(dense(inputs))))
    x, y = p.batch(features=4)
    _loop(p, mutation, model, x, y, [dense.kernel])


def nested_model(p: Program, mutation: str) -> None:
    """A model within a model, its first layer frozen: Keras 3 drops that penalty."""
    first = layers.Dense(4, kernel_regularizer=L2(p.strength("dropped")), trainable=False)
    second = layers.Dense(4, "tanh", kernel_regularizer=L2(p.strength("r0")))
    inner = keras.Sequential([keras.Input([5]), first, second])
    model = keras.Sequential([keras.Input([5]), inner, layers.Dense(3)])
    x, y = p.batch()
    _loop(p, mutation, model, x, y, [second.kernel])


def additional(p: Program, mutation: str) -> None:
    """A KL-like add_loss depends on data: no regularization loss, and part of model.losses."""

    class Noisy(layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.add_loss(0.01 * tf.reduce_mean(tf.square(inputs)))
            return inputs

    dense = layers.Dense(4, "tanh", kernel_regularizer=L2(p.strength("r0")))
    model = keras.Sequential([keras.Input([5]), dense, Noisy(), layers.Dense(3)])
    optimizer = spied(p, keras.optimizers.Adam(0.01), model.trainable_variables)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            kl, penalty = model.losses
            p.data(kl)
            declare(p, [penalty], [dense.kernel], ["r0"])
            loss = p.combine(data + kl, mutation)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    p.trace(step, x, y)


def two_optimizers(p: Program, mutation: str) -> None:
    """Wide and deep: two Keras optimizers on two halves of one loss's gradients."""
    wide = layers.Dense(3, kernel_regularizer=L2(p.strength("r0")))
    deep = layers.Dense(3, activation="tanh", kernel_regularizer=L2(p.strength("r1")))
    inputs = keras.Input([5])
    model = keras.Model(inputs, wide(inputs) + deep(inputs))
    first = spied(p, keras.optimizers.Ftrl(0.1), wide.trainable_variables)
    second = spied(p, keras.optimizers.AdamW(0.01), deep.trainable_variables)
    p.optimizer_weight_decay = 0.004
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape(persistent=True) as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            declare(p, model.losses, [wide.kernel, deep.kernel], ["r0", "r1"])
            loss = p.combine(data, mutation)
        for optimizer, layer in ((first, wide), (second, deep)):
            own = layer.trainable_variables
            optimizer.apply(tape.gradient(loss, own), own)
        return loss

    p.trace(step, x, y)


def conditional_update(p: Program, mutation: str) -> None:
    """Gradients gather in variables; every second call a tf.cond updates and resets."""
    w, b = p.variable("w", [5, 3]), p.variable("b", [3])
    sums = [tf.Variable(tf.zeros_like(v), trainable=False) for v in (w, b)]
    count = tf.Variable(0, trainable=False)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x @ w + b)
            data = p.data(tf.reduce_mean(each))
            p.l2("w", w)
            p.l2("b", b)
            loss = p.combine(data, mutation)
        for total, gradient in zip(sums, tape.gradient(loss, [w, b]), strict=True):
            total.assign_add(gradient / 2.0)
        count.assign_add(1)

        def update() -> Any:
            received = [total.read_value() for total in sums]
            for gradient, variable in p.ports(received, [w, b]):
                variable.assign_sub(0.1 * gradient)
            for total in sums:
                total.assign(tf.zeros_like(total))
            return tf.constant(True)

        tf.cond(tf.equal(count % 2, 0), update, lambda: tf.constant(False))
        return loss

    p.trace(step, x, y)
    # The oracle's run is the second call; what the first one gathered must not blur it.
    for total in sums:
        total.assign(tf.zeros_like(total))


def recomputed(p: Program, mutation: str) -> None:
    """tf.recompute_grad: the forward pass runs again in the backward function."""
    w1, w2 = p.variable("w1", [5, 4]), p.variable("w2", [4, 3])
    x, y = p.batch()

    @tf.recompute_grad
    def hidden(x: Any) -> Any:
        return tf.tanh(x @ w1)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = hidden(x) @ w2
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.reduce_mean(each))
            p.l2("w1", w1)
            p.l2("w2", w2)
            loss = p.combine(data, mutation)
        gradients = tape.gradient(loss, [w1, w2])
        for gradient, variable in p.ports(gradients, [w1, w2]):
            variable.assign_sub(0.1 * gradient)
        return loss

    p.trace(step, x, y)


def legacy_frozen(p: Program, mutation: str) -> None:
    """tf-keras keeps the penalty of a layer that is not trained: frozen, harmless."""
    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(3)
    r = tf_keras.regularizers.L2
    first = tf_keras.layers.Dense(4, "tanh", kernel_regularizer=r(p.strength("first")))
    second = tf_keras.layers.Dense(3, kernel_regularizer=r(p.strength("second")))
    model = tf_keras.Sequential([tf_keras.Input([5]), first, second])
    first.trainable = False
    p.framework = "tf-keras"
    optimizer = spied_legacy(p, tf_keras.optimizers.Adam(0.01), model.trainable_variables)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(cross_entropy(y, model(x, training=True)))
            declare(p, model.losses, [first.kernel, second.kernel])
            p.unlisted.clear()
            p.expect("first", "frozen")
            loss = p.combine(data, mutation)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    p.trace(step, x, y)


_MOST = ("included", "missing", "half", "partial", "blocked")
for _family in (convolutional, recurrent, two_optimizers):
    register(_family.__name__, _family, _MOST, "keras")
for _family in (shared_layer, nested_model, additional):
    register(_family.__name__, _family, ("included", "missing", "half", "blocked"), "keras")
for _family in (conditional_update, recomputed):
    register(_family.__name__, _family, _MOST)
register("frozen_layer", legacy_frozen, ("included", "missing"), "tf-keras")
