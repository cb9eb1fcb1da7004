# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: tf-slim, tf.layers, get_variable(regularizer=)."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_slim as slim
from tf_keras.src.legacy_tf_layers import convolutional, core

from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES
SLIM_MUTATIONS = ("included", "missing", "partial", "half", "blocked", "twice")


def images(p: Program) -> tuple[Any, Any]:
    """A batch of small images and labels."""
    x = v1.placeholder(tf.float32, [None, 6, 6, 2], name="images")
    y = v1.placeholder(tf.int64, [None], name="labels")
    p.feed(x, p.random.normal(size=(3, 6, 6, 2)).astype(np.float32))
    p.feed(y, np.array([0, 2, 1]))
    return x, y


def adopt(p: Program, key: str) -> list[Any]:
    """Declares every member of REGULARIZATION_LOSSES, all of one strength."""
    losses = list(v1.get_collection(REGULARIZATION))
    weights = [v for v in v1.trainable_variables() if "weights" in v.name or "kernel" in v.name]
    assert len(losses) == len(weights), (losses, weights)
    for index, (loss, w) in enumerate(zip(losses, weights, strict=True)):
        p.penalty(f"{key}:{index}", loss, w)
    return losses


def slim_net(p: Program, x: Any, training: bool = True) -> Any:
    """Convolutions and a fully connected layer, all decayed by one arg_scope."""
    decay = slim.l2_regularizer(p.strength("decay", 0.001))
    layers_of_slim = [slim.conv2d, slim.fully_connected]
    with (
        slim.arg_scope(layers_of_slim, weights_regularizer=decay),
        v1.variable_scope("net", use_resource=p.resource),
    ):
        h = slim.conv2d(x, 3, [3, 3], scope="conv1")
        h = slim.conv2d(h, 2, [1, 1], stride=2, scope="conv2", activation_fn=tf.nn.relu6)
        h = slim.flatten(h)
        return slim.fully_connected(h, 3, activation_fn=None, scope="logits")


def slim_create_train_op(p: Program, mutation: str) -> None:
    """The owner's case: slim.learning.create_train_op with this or that loss."""
    x, y = images(p)
    logits = slim_net(p, x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    adopt(p, "decay")
    if mutation == "included":
        p.expect_all("included")
        loss = v1.losses.get_total_loss()
    elif mutation == "twice":
        p.expect_all("double_counted", 2.0)
        loss = v1.losses.get_total_loss() + tf.add_n(v1.get_collection(REGULARIZATION))
    else:
        loss = p.combine(data, mutation)
    slim_train(p, loss)


def slim_train(p: Program, loss: Any, optimizer: Any = None, **kwargs: Any) -> None:
    """slim.learning.create_train_op on an optimizer."""
    optimizer = optimizer or v1.train.RMSPropOptimizer(0.01, momentum=0.9)
    p.running.optimized = loss.name
    p.train_op = slim.learning.create_train_op(loss, optimizer, **kwargs).op


def slim_clipped(p: Program, mutation: str) -> None:
    """create_train_op with every gradient clipped by its norm."""
    x, y = images(p)
    logits = slim_net(p, x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    adopt(p, "decay")
    loss = p.combine(data, mutation, "add_n")

    p.running.optimized = loss.name

    def clip(pairs: Any) -> Any:
        p.ports(pairs)
        return [(tf.clip_by_norm(g, 0.5), v) for g, v in pairs]

    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    p.train_op = slim.training.create_train_op(loss, optimizer, transform_grads_fn=clip).op


def slim_own_kernel_loss(p: Program, mutation: str) -> None:
    """Data loss from slim's own square form, `slim.losses`-like, with momentum."""
    x, y = images(p)
    logits = slim_net(p, x)
    target = tf.one_hot(y, 3)
    data = p.data(v1.losses.mean_squared_error(target, logits))
    adopt(p, "decay")
    slim_train(p, p.combine(data, mutation, "stack"), v1.train.MomentumOptimizer(0.01, 0.9))


def layers(p: Program, mutation: str) -> None:
    """tf.layers.conv2d and dense with kernel_regularizer."""
    x, y = images(p)
    decay = slim.l2_regularizer(p.strength("decay", 0.01))
    with v1.variable_scope("net", use_resource=p.resource):
        h = convolutional.conv2d(x, 3, 3, activation=tf.nn.relu, kernel_regularizer=decay)
        h = tf.reshape(h, [-1, 48])
        h = core.dense(h, 4, activation=tf.nn.relu, kernel_regularizer=decay)
        logits = core.dense(h, 3, kernel_regularizer=decay)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    adopt(p, "decay")
    p.minimize(p.combine(data, mutation, "grouped"), v1.train.AdamOptimizer(0.01))


def layers_activity(p: Program, mutation: str) -> None:
    """tf.layers with an activity regularizer: it stands in REGULARIZATION_LOSSES, on data."""
    x, y = p.batch()
    strength = p.strength("activity", 0.01)
    with v1.variable_scope("net", use_resource=p.resource):
        h = core.dense(
            x, 4, activation=tf.nn.tanh, activity_regularizer=lambda a: strength * tf.nn.l2_loss(a)
        )
        logits = core.dense(h, 3)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    (loss,) = v1.get_collection(REGULARIZATION)
    first = [v for v in v1.trainable_variables() if "net/dense/" in v.name]
    p.penalty("activity", loss, *first)
    p.unlisted.add("activity")
    p.bare = ("no_regularization",)
    p.minimize(p.combine(data, mutation))


def get_variable_regularizer(p: Program, mutation: str) -> None:
    """get_variable(regularizer=): each use of the collection makes copies, the first is dead."""
    x, y = p.batch()
    weights = []
    for index, (n, m) in enumerate(((5, 4), (4, 3))):
        strength = p.strength(f"w{index}", 0.01)
        with v1.variable_scope(f"fc{index}"):
            w = p.variable(
                "weights", [n, m], regularizer=lambda t, s=strength: s * tf.nn.l2_loss(t)
            )
        weights.append(w)
    logits = tf.matmul(tf.nn.tanh(tf.matmul(x, weights[0])), weights[1])
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    losses = v1.losses.get_regularization_losses()
    for index, (loss, w) in enumerate(zip(losses, weights, strict=True)):
        p.penalty(f"w{index}", tf.convert_to_tensor(loss), w)
    if mutation == "included":
        p.expect_all("included")
        loss = v1.losses.get_total_loss()
    else:
        loss = p.combine(data, mutation, "add_n")
    p.minimize(loss)


def get_variable_scope_regularizer(p: Program, mutation: str) -> None:
    """variable_scope(regularizer=) penalizes biases too."""
    x, y = p.batch()
    decay = slim.l2_regularizer(p.strength("decay", 0.01))
    with v1.variable_scope("net", regularizer=decay, use_resource=p.resource):
        logits = slim.fully_connected(x, 3, activation_fn=None, scope="fc")
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    losses = v1.losses.get_regularization_losses()
    for index, (loss, w) in enumerate(zip(losses, v1.trainable_variables(), strict=True)):
        p.penalty(f"decay:{index}", tf.convert_to_tensor(loss), w)
    p.minimize(p.combine(data, mutation, "grouped"), v1.train.AdagradOptimizer(0.1))


def shared_variable(p: Program, mutation: str) -> None:
    """Slim layers that share weights (siamese): one penalty, two uses."""
    x, y = p.batch()
    decay = slim.l1_regularizer(p.strength("decay", 0.01))
    with v1.variable_scope("net", use_resource=p.resource) as scope:
        a = slim.fully_connected(x, 3, scope="fc", weights_regularizer=decay)
        scope.reuse_variables()
        b = slim.fully_connected(x * 2.0, 3, scope="fc", weights_regularizer=decay)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, a + 0.5 * b))
    losses = v1.get_collection(REGULARIZATION)
    w = next(v for v in v1.trainable_variables() if "weights" in v.name)
    assert len(losses) == 1, losses
    p.penalty("decay", losses[0], w)
    p.unlisted.add("decay")
    p.minimize(p.combine(data, mutation))


for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"slim_{_tag}", slim_create_train_op, SLIM_MUTATIONS, resource=_resource)
    register(f"layers_{_tag}", layers, SLIM_MUTATIONS, resource=_resource)
    register(f"get_variable_{_tag}", get_variable_regularizer, SLIM_MUTATIONS, resource=_resource)
register("slim_clipped", slim_clipped, ("included", "missing", "half"))
register("slim_mse", slim_own_kernel_loss, ("included", "missing", "blocked"))
register("layers_activity", layers_activity, ("included", "missing", "blocked"))
register("scope_regularizer", get_variable_scope_regularizer, ("included", "missing", "partial"))
register("shared_variable", shared_variable, ("included", "missing", "twice"))
