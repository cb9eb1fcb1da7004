# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs whose norms of weights are no penalties, and penalties in places of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _decoy(p: Program, mutation: str, optimizer: Any = None) -> tuple[Any, Any, Any, Any]:
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    return x, w1, w2, p.data(cross_entropy(y, logits))


def _train(p: Program, data: Any, mutation: str, *terms: Any) -> None:
    if mutation == "none":
        p.run = "no_regularization"
        p.minimize(data, v1.train.AdamOptimizer(0.01))
    else:
        p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def _penalties(p: Program, mutation: str, *weights: Any) -> None:
    if mutation != "none":
        for index, w in enumerate(weights):
            v1.add_to_collection(REGULARIZATION, p.l2(f"w{index}", w))


def lipschitz(p: Program, mutation: str) -> None:
    """A product of the weights' norms for a chart, smoothed by a moving average."""
    _, w1, w2, data = _decoy(p, mutation)
    product = tf.norm(w1) * tf.norm(w2)
    averages = v1.train.ExponentialMovingAverage(0.9)
    update = averages.apply([product])
    v1.summary.scalar("lipschitz", averages.average(product))
    _penalties(p, mutation, w1, w2)
    with tf.control_dependencies([update]):
        data = p.data(tf.identity(data))
        p.running.data = [(data.name, 1.0)]
    _train(p, data, mutation)


def update_ratio(p: Program, mutation: str) -> None:
    """The ratio of the update's norm to the weight's, for a chart; weights before and after."""
    _, w1, w2, data = _decoy(p, mutation)
    _penalties(p, mutation, w1, w2)
    before = tf.identity(w1)
    _train(p, data, mutation)
    with tf.control_dependencies([p.train_op]):
        after = w1.read_value()
        ratio = tf.norm(after - before) / (tf.norm(before) + 1e-8)
        v1.summary.scalar("update_ratio", ratio)
        v1.summary.scalar("half_square", 0.5 * tf.reduce_sum(tf.square(after)))


def standardized(p: Program, mutation: str) -> None:
    """Weight standardization and equalized learning rates: statistics of weights in the model."""
    x, y = p.batch()
    w1, w2 = p.variable("w1", [5, 4]), p.variable("w2", [4, 3])
    mean, variance = tf.nn.moments(w1, [0], keepdims=True)
    h = tf.nn.relu(tf.matmul(x, (w1 - mean) * tf.math.rsqrt(variance + 1e-4)) + 0.3)
    data = p.data(cross_entropy(y, tf.matmul(h, w2 * 0.7)))
    _penalties(p, mutation, w1, w2)
    _train(p, data, mutation)


def distilled_to_weights(p: Program, mutation: str) -> None:
    """The data loss is a squared distance of a weight to a batch mean (prototypes, k-means)."""
    x, _ = p.batch()
    w = p.variable("prototypes", [5])
    other = p.variable("other", [5])
    data = p.data(
        tf.reduce_sum(tf.square(w - tf.reduce_mean(x, 0)))
        + tf.reduce_mean(tf.square(tf.reduce_sum(x * other, 1) - 1.0))
    )
    _penalties(p, mutation, w, other)
    _train(p, data, mutation)


def critic(p: Program, mutation: str) -> None:
    """WGAN's critic: the mean of linear scores; the gradient of a bias is a constant."""
    x, _ = p.batch()
    w1, w2, logits = p.mlp(x, classes=1)
    sign = tf.where(tf.range(tf.shape(x)[0]) < 1, 1.0, -1.0)
    data = p.data(tf.reduce_mean(logits[:, 0]) + 0.5 * tf.reduce_mean(sign * logits[:, 0]))
    _penalties(p, mutation, w1, w2)
    _train(p, data, mutation)


def lagrangian(p: Program, mutation: str) -> None:
    """A Lagrange multiplier, a trained temperature and a trained margin take part in the loss."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    multiplier, temperature, margin = (
        p.variable(name, []) for name in ("multiplier", "log_temperature", "margin")
    )
    each = cross_entropy(y, logits * tf.exp(temperature))
    constraint = tf.reduce_mean(tf.square(logits)) - 0.7
    hinge = tf.reduce_mean(tf.nn.relu(margin - logits[:, 0])) - 0.1 * margin
    data = p.data(each + tf.nn.softplus(multiplier) * constraint + hinge)
    _penalties(p, mutation, w1, w2)
    _train(p, data, mutation)


def matrix_factorization(p: Program, mutation: str) -> None:
    """Weighted lambda: L2 on all user and item factors that a batch touches, by row counts."""
    users = v1.placeholder(tf.int64, [None], name="users")
    items = v1.placeholder(tf.int64, [None], name="items")
    ratings = v1.placeholder(tf.float32, [None], name="ratings")
    p.feed(users, [0, 1, 1, 3])
    p.feed(items, [2, 0, 1, 2])
    p.feed(ratings, np.array([1.0, 3.0, 2.0, 5.0], np.float32))
    u, i = p.variable("users_factors", [4, 3]), p.variable("items_factors", [3, 3])
    bias = p.variable("bias", [4])
    a, b = tf.nn.embedding_lookup(u, users), tf.nn.embedding_lookup(i, items)
    predicted = tf.reduce_sum(a * b, 1) + tf.gather(bias, users)
    data = p.data(tf.reduce_sum(tf.square(ratings - predicted)))
    for key, rows, table in (("u", a, u), ("i", b, i)):
        loss = p.strength(key) * tf.reduce_sum(tf.square(rows))
        v1.add_to_collection(REGULARIZATION, p.penalty(key, loss, table))
        p.unlisted.add(key)
    v1.add_to_collection(REGULARIZATION, p.l2("bias", bias))
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.AdamOptimizer(0.01)
    p.train_op = optimizer.apply_gradients(p.ports(optimizer.compute_gradients(loss)))


def per_example(p: Program, mutation: str) -> None:
    """The penalty is added to the loss of each example; the mean is taken afterwards, or the sum.

    `included`: mean. `twice`: added to each example and to the mean. `half`: half of it.
    """
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    p.data(tf.reduce_mean(each))
    terms = tf.add_n([p.l2("w1", w1), p.l2("w2", w2)])
    factor = {"included": 1.0, "twice": 1.0, "half": 0.5, "missing": 0.0}[mutation]
    loss = tf.reduce_mean(each + factor * terms if factor else each)
    if mutation == "twice":
        loss += terms
    p.expect_all(
        *{
            "included": ("included", 1.0),
            "twice": ("double_counted", 2.0),
            "half": ("scaled", 0.5),
            "missing": ("missing", 0.0),
        }[mutation]
    )
    p.minimize(loss)


def masked(p: Program, mutation: str) -> None:
    """Losses of valid examples only: boolean_mask, where, division by the number of them."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    valid = tf.not_equal(y, 2)
    count = tf.maximum(tf.reduce_sum(tf.cast(valid, tf.float32)), 1.0)
    data = p.data(tf.reduce_sum(tf.where(valid, each, tf.zeros_like(each))) / count)
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.minimize(p.combine(data, mutation))


def legacy_model(p: Program, mutation: str) -> None:
    """A Keras model in a TF1 graph, trained by a TF1 optimizer: model.losses by hand."""
    x, y = p.batch()
    r = tf_keras.regularizers
    first = tf_keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("first")))
    second = tf_keras.layers.Dense(3, kernel_regularizer=r.L1L2(p.strength("second"), 0.0))
    model = tf_keras.Sequential([first, second])
    data = p.data(cross_entropy(y, model(x)))
    for key, layer, loss in zip(("first", "second"), (first, second), model.losses, strict=True):
        p.penalty(key, loss, layer.kernel)
        # No collection holds it.
        p.unlisted.add(key)
        v1.add_to_collection(REGULARIZATION, loss)
    p.minimize(p.combine(data, mutation), v1.train.RMSPropOptimizer(0.01))


def legacy_fit(p: Program, mutation: str) -> None:
    """What tf.keras's fit built in graph mode: training/Adam/gradients, plain Assign ops."""
    r = tf_keras.regularizers
    x, y = p.batch()
    first = tf_keras.layers.Dense(4, "tanh", kernel_regularizer=r.L2(p.strength("first")))
    second = tf_keras.layers.Dense(3, kernel_regularizer=r.L2(p.strength("second")))
    model = tf_keras.Sequential([first, second])
    data = p.data(cross_entropy(y, model(x)))
    for key, layer, loss in zip(("first", "second"), (first, second), model.losses, strict=True):
        p.penalty(key, loss, layer.kernel)
        v1.add_to_collection(REGULARIZATION, loss)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    variables = model.trainable_weights
    optimizer = tf_keras.optimizers.legacy.Adam(0.01, decay=1e-3)
    with v1.name_scope("training"):
        gradients = optimizer.get_gradients(loss, variables)
        pairs = p.ports(list(zip(gradients, variables, strict=True)))
        p.train_op = optimizer.apply_gradients(pairs)


DECOYS = (lipschitz, update_ratio, standardized, distilled_to_weights, critic, lagrangian)
for _f in DECOYS:
    register(f"{_f.__name__}_resource", _f, ("none", "partial"))
    register(f"{_f.__name__}_ref", _f, ("none",), resource=False)
register("factorization", matrix_factorization, ("included", "partial", "blocked"))
register("per_example", per_example, ("included", "missing", "half", "twice"))
register("masked", masked, ("included", "missing"))
register("legacy_model", legacy_model, ("included", "missing", "blocked"))
register("legacy_fit", legacy_fit, ("included", "missing", "half"))
