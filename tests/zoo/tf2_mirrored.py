# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: MirroredStrategy on two logical CPUs.

The data loss is the mean over the global batch: what `compute_average_loss`
gives, summed over the replicas.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import keras
import tensorflow as tf

from tests.zoo.tf2_keras import spied
from tests.zoo.tf2_program import HAS_KERAS_3, Program, register

REPLICAS = 2


def two_devices() -> bool:
    """Tells whether there are two logical CPUs."""
    return len(tf.config.list_logical_devices("CPU")) >= REPLICAS


def prepare() -> None:
    """Asks for two logical CPUs; too late once TensorFlow has started."""
    cpus = tf.config.list_physical_devices("CPU")
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(
            cpus[0], [tf.config.LogicalDeviceConfiguration()] * REPLICAS
        )


@functools.cache
def the_strategy() -> Any:
    """One for all: a second one would count its collectives from the start again."""
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(REPLICAS)])


def _penalties(p: Program, mutation: str, w: Any, replica: int) -> Any:
    loss = p.strength("w", 0.01) * tf.nn.l2_loss(w)
    if replica == 0:
        p.penalty("w", loss, w)
    if mutation == "included":
        p.expect_all("included")
        return tf.nn.scale_regularization_loss(loss)
    if mutation == "twice":
        p.expect_all("double_counted", float(REPLICAS))
        return loss
    if mutation == "blocked":
        p.expect_all("blocked")
        return tf.stop_gradient(tf.nn.scale_regularization_loss(loss))
    p.expect_all("missing")
    return tf.constant(0.0)


def raw(p: Program, mutation: str, how: str = "summed") -> None:
    """Raw variables, gradients reduced with `all_reduce`, update by hand.

    Args:
      p: the program.
      mutation: what to do with the penalty.
      how: the losses of a step are `"summed"`, or those of all steps of an
        epoch are summed in a `"loop"`, or `"none"` is returned.
    """
    strategy = the_strategy()
    with strategy.scope():
        w = p.variable("w", [5, 3])
    x, y = p.batch()

    def replica_step(x: Any, y: Any) -> Any:
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x @ w)
            data = p.data(tf.nn.compute_average_loss(each, global_batch_size=4))
            loss = data + _penalties(p, mutation, w, int(replica))
            if int(replica) == 0:
                p.optimized(loss)
        gradient = context.all_reduce("sum", tape.gradient(loss, w))
        if int(replica) == 0:
            p.ports([gradient], [w])
        w.assign_sub(0.1 * gradient)
        return loss

    @tf.function
    def step(x: Any, y: Any) -> Any:
        total = tf.constant(0.0)
        rounds = tf.range(tf.shape(x)[0] // 4) if how == "loop" else [0]
        for _ in rounds:
            per_replica = strategy.run(replica_step, (x, y))
            if how != "none":
                total += strategy.reduce("sum", per_replica, axis=None)
        return total

    p.trace(step, x, y)


def keras_loop(p: Program, mutation: str) -> None:
    """A Keras 3 model and optimizer under the strategy."""
    strategy = the_strategy()
    with strategy.scope():
        model = keras.Sequential([keras.Input([5]), keras.layers.Dense(3)])
        optimizer = spied(p, keras.optimizers.SGD(0.1, momentum=0.9), model.trainable_variables)
    kernel = model.trainable_variables[0]
    x, y = p.batch()

    def replica_step(x: Any, y: Any) -> Any:
        replica = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.nn.compute_average_loss(each, global_batch_size=4))
            loss = data + _penalties(p, mutation, kernel.value, replica)
            if replica == 0:
                p.optimized(loss)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    @tf.function
    def step(x: Any, y: Any) -> Any:
        per_replica = strategy.run(replica_step, (x, y))
        return strategy.reduce("sum", per_replica, axis=None)

    p.trace(step, x, y)


def deep(p: Program, mutation: str) -> None:
    """Two layers with biases, each replica's gradients clipped by their norm before the sum."""
    strategy = the_strategy()
    with strategy.scope():
        layers = [keras.layers.Dense(4, "tanh"), keras.layers.Dense(3)]
        model = keras.Sequential([keras.Input([5]), *layers])
        make = functools.partial(keras.optimizers.Adam, 0.01, global_clipnorm=1.0)
        optimizer = make() if mutation == "half" else keras.optimizers.SGD(0.1)
        optimizer = spied(p, optimizer, model.trainable_variables)
    x, y = p.batch()

    def replica_step(x: Any, y: Any) -> Any:
        replica = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.nn.compute_average_loss(each, global_batch_size=4))
            losses = {}
            for key, layer in zip(("first", "second"), layers, strict=True):
                losses[key] = p.strength(key) * tf.nn.l2_loss(layer.kernel.value)
                if replica == 0:
                    p.penalty(key, losses[key], layer.kernel.value)
            kept = [losses["second"]] if mutation == "partial" else list(losses.values())
            loss = data + share_of(mutation) * tf.nn.scale_regularization_loss(tf.add_n(kept))
            if replica == 0:
                p.optimized(loss)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    @tf.function
    def step(x: Any, y: Any) -> Any:
        per_replica = strategy.run(replica_step, (x, y))
        return strategy.reduce("sum", per_replica, axis=None)

    p.trace(step, x, y)
    if mutation == "partial":
        p.expect("first", "missing")
    p.expect_all("scaled" if mutation == "half" else "included", share_of(mutation))


def share_of(mutation: str) -> float:
    """What of the penalties a mutation of `deep` keeps."""
    return 0.5 if mutation == "half" else 1.0


prepare()
if two_devices():
    for _family in (raw, keras_loop) if HAS_KERAS_3 else (raw,):
        register(
            f"mirrored_{_family.__name__}", _family, ("included", "missing", "twice", "blocked")
        )
    for _how in ("loop", "none"):
        register(f"mirrored_{_how}", functools.partial(raw, how=_how), ("included", "twice"))
    if HAS_KERAS_3:
        register("mirrored_deep", deep, ("included", "partial", "half"))
