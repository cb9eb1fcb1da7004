# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: more of MirroredStrategy: gradients averaged, the loss forgotten to be scaled."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tests.zoo.tf2_keras import spied
from tests.zoo.tf2_mirrored import REPLICAS, the_strategy, two_devices
from tests.zoo.tf2_program import Program, register


def _penalty(p: Program, w: Any, variable: Any, replica: int, key: str = "w") -> Any:
    loss = p.strength(key) * tf.nn.l2_loss(w)
    if replica == 0:
        p.penalty(key, loss, variable)
    return loss


def averaged(p: Program, mutation: str) -> None:
    """Each replica's own mean loss; gradients reduced with MEAN: penalties need no scaling.

    `quarter`: scale_regularization_loss besides, which halves what was right.
    """
    strategy = the_strategy()
    with strategy.scope():
        w = p.variable("w", [5, 3])
        b = p.variable("b", [3])
    x, y = p.batch()

    def replica_step(x: Any, y: Any) -> Any:
        context = tf.distribute.get_replica_context()
        replica = int(context.replica_id_in_sync_group)
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x @ w + b)
            data = p.data(tf.reduce_mean(each), weight=1.0 / REPLICAS)
            penalty = _penalty(p, w, w, replica)
            if mutation == "included":
                p.expect_all("included")
                loss = data + penalty
            elif mutation == "scaled":
                p.expect_all("scaled", 1.0 / REPLICAS)
                loss = data + tf.nn.scale_regularization_loss(penalty)
            elif mutation == "twice":
                p.expect_all("double_counted", 2.0)
                loss = data + 2.0 * penalty
            else:
                p.expect_all("missing")
                loss = data
            if replica == 0:
                p.optimized(loss)
        gradients = context.all_reduce("mean", tape.gradient(loss, [w, b]))
        if replica == 0:
            p.ports(gradients, [w, b])
        w.assign_sub(0.1 * gradients[0])
        b.assign_sub(0.1 * gradients[1])
        return loss

    @tf.function
    def step(x: Any, y: Any) -> Any:
        return strategy.reduce("mean", strategy.run(replica_step, (x, y)), axis=None)

    p.trace(step, x, y)


def reduced_loss(p: Program, mutation: str) -> None:
    """Keras layers with regularizers, model.losses summed as the guide has it."""
    strategy = the_strategy()
    r = keras.regularizers
    with strategy.scope():
        first = keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("first")))
        second = keras.layers.Dense(3, kernel_regularizer=r.L2(p.strength("second")))
        model = keras.Sequential([keras.Input([5]), first, second])
        optimizer = spied(p, keras.optimizers.Adam(0.01), model.trainable_variables)
    x, y = p.batch()

    def replica_step(x: Any, y: Any) -> Any:
        replica = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.nn.compute_average_loss(each, global_batch_size=4))
            losses = model.losses
            if replica == 0:
                for key, loss, layer in zip(
                    ("first", "second"), losses, (first, second), strict=True
                ):
                    p.penalty(key, loss, layer.kernel.value)
                    p.unlisted.add(key)
            if mutation == "included":
                p.expect_all("included")
                loss = data + tf.nn.scale_regularization_loss(tf.add_n(losses))
            elif mutation == "forgotten":
                p.expect_all("double_counted", float(REPLICAS))
                loss = data + tf.add_n(losses)
            elif mutation == "partial":
                p.expect("first", "included")
                p.expect("second", "missing")
                loss = data + tf.nn.scale_regularization_loss(losses[0])
            elif mutation == "blocked":
                p.expect_all("blocked")
                loss = data + tf.nn.scale_regularization_loss(tf.stop_gradient(tf.add_n(losses)))
            else:
                p.expect_all("missing")
                loss = data
            if replica == 0:
                p.optimized(loss)
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    @tf.function
    def step(x: Any, y: Any) -> Any:
        return strategy.reduce("sum", strategy.run(replica_step, (x, y)), axis=None)

    p.trace(step, x, y)


if two_devices():
    register("mirrored_averaged", averaged, ("included", "missing", "scaled", "twice"))
    register(
        "mirrored_layers",
        reduced_loss,
        ("included", "missing", "forgotten", "partial", "blocked"),
        "keras",
    )
