# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: conditionals, loops, batch norm, dropout, queues, iterators."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import tensorflow as tf
from tf_keras.src.legacy_tf_layers import core, normalization

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, old_control_flow, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _flow(old: bool) -> Any:
    return old_control_flow() if old else contextlib.nullcontext()


def loss_in_cond(p: Program, mutation: str, old: bool) -> None:
    """The whole loss comes out of a cond on a fed flag; both branches hold the penalties."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    flag = v1.placeholder_with_default(True, [], name="use_smooth")
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    loss = p.combine(data, mutation)
    with _flow(old):
        loss = tf.cond(flag, lambda: loss, lambda: loss * 1.0)
        p.minimize(loss, v1.train.AdamOptimizer(0.01))


def penalty_in_cond(p: Program, mutation: str, old: bool) -> None:
    """The penalty is switched on by a placeholder: included where it is on."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    flag = v1.placeholder(tf.bool, [], name="use_decay")
    p.feed(flag, True)
    data = p.data(cross_entropy(y, logits))
    strength = p.strength("w", 0.01)
    with _flow(old):
        loss = tf.cond(
            flag,
            lambda: strength * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2)),
            lambda: tf.constant(0.0),
        )
        p.penalty("w", loss, w1, w2)
        v1.add_to_collection(REGULARIZATION, loss)
        p.unlisted.add("w")
        p.bare = ("no_regularization",) if mutation in ("missing", "blocked") else ()
        loss = p.combine(data, mutation)
        p.minimize(loss)
    # On or off is not a constant.
    if mutation == "included":
        p.expected["w"] = ("included", None)


def rnn(p: Program, mutation: str, old: bool) -> None:
    """A recurrent network in a while loop; penalties on its kernel and its output layer."""
    p.running.numeric = old
    x = v1.placeholder(tf.float32, [2, None, 3], name="sequence")
    y = v1.placeholder(tf.int64, [2], name="labels")
    p.feed(x, p.random.normal(size=(2, 4, 3)).astype(np.float32))
    p.feed(y, np.array([0, 1]))
    with v1.variable_scope("rnn"):
        kernel = p.variable("weights", [7, 4])
        out = p.variable("output_weights", [4, 3])
    with _flow(old):
        steps = tf.shape(x)[1]
        frames = tf.TensorArray(tf.float32, size=steps).unstack(tf.transpose(x, [1, 0, 2]))

        def body(t: Any, h: Any) -> Any:
            return t + 1, tf.tanh(tf.matmul(tf.concat([frames.read(t), h], 1), kernel))

        _, h = tf.while_loop(lambda t, h: t < steps, body, (0, tf.zeros([2, 4])))
        data = p.data(cross_entropy(y, tf.matmul(h, out)))
        p.l2("kernel", kernel)
        p.l2("out", out)
        p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def penalty_in_loop(p: Program, mutation: str, old: bool) -> None:
    """The penalty is summed inside of a while loop over the rows of the weights."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    del w2
    data = p.data(cross_entropy(y, logits))
    strength = p.strength("w1", 0.01)
    with _flow(old):

        def body(i: Any, total: Any) -> Any:
            return i + 1, total + strength * tf.reduce_sum(tf.square(tf.gather(w1, i)))

        _, loss = tf.while_loop(lambda i, total: i < 5, body, (0, 0.0))
        v1.add_to_collection(REGULARIZATION, p.penalty("w1", loss, w1))
        p.unlisted.add("w1")
        p.bare = ("no_regularization",) if mutation in ("missing", "blocked") else ()
        p.minimize(p.combine(data, mutation))


def micro_batches(p: Program, mutation: str, old: bool) -> None:
    """Gradients of four parts are averaged in a while loop; the penalties' are added once."""
    x, y = p.batch()
    weights = [p.variable("w1", [5, 4]), p.variable("w2", [4, 3])]
    factor = {"included": 1.0, "half": 0.5}[mutation]

    def data_loss() -> Any:
        return cross_entropy(y, tf.matmul(tf.nn.relu(tf.matmul(x, weights[0])), weights[1]))

    with _flow(old):

        def body(i: Any, *sums: Any) -> Any:
            gradients = tf.gradients(data_loss(), weights)
            return (i + 1, *[s + g / 4.0 for s, g in zip(sums, gradients, strict=True)])

        start = (0, *map(tf.zeros_like, weights))
        _, *sums = tf.while_loop(lambda i, *_: i < 4, body, start)
    p.data(data_loss())
    for key, w in zip(("w1", "w2"), weights, strict=True):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    own = tf.gradients(factor * tf.add_n(v1.get_collection(REGULARIZATION)), weights)
    pairs = [(s + g, w) for s, g, w in zip(sums, own, weights, strict=True)]
    p.train_op = v1.train.GradientDescentOptimizer(0.1).apply_gradients(p.ports(pairs))
    p.expect_all("included" if factor == 1.0 else "scaled", factor)


def batch_norm(p: Program, mutation: str) -> None:
    """Fused batch norm with update ops, dropout, penalties on kernels."""
    x = v1.placeholder(tf.float32, [None, 4, 4, 2], name="images")
    y = v1.placeholder(tf.int64, [None], name="labels")
    p.feed(x, p.random.normal(size=(4, 4, 4, 2)).astype(np.float32))
    p.feed(y, np.array([0, 1, 2, 0]))
    with v1.variable_scope("net", use_resource=p.resource):
        kernel = p.variable("kernel", [3, 3, 2, 3])
        h = tf.nn.conv2d(x, kernel, 1, "SAME")
        h = tf.nn.relu(normalization.batch_normalization(h, training=True, momentum=0.9))
        h = v1.nn.dropout(tf.reshape(h, [-1, 48]), keep_prob=0.9)
        out = p.variable("out", [48, 3])
        logits = tf.matmul(h, out)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("kernel", kernel), ("out", out)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    loss = p.combine(data, mutation, "add_n")
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        p.minimize(loss, v1.train.MomentumOptimizer(0.01, 0.9))


def batch_norm_gamma(p: Program, mutation: str) -> None:
    """Decay on gamma and beta too, batch norm unfused, moments tracked by hand."""
    x, y = p.batch()
    with v1.variable_scope("bn"):
        gamma, beta = p.variable("gamma", [5]), p.variable("beta", [5])
        mean, variance = tf.nn.moments(x, [0])
        moving = v1.get_variable(
            "moving_mean",
            [5],
            initializer=v1.zeros_initializer(),
            trainable=False,
            use_resource=p.resource,
        )
        update = v1.assign_sub(moving, 0.1 * (moving - mean))
        h = tf.nn.batch_normalization(x, mean, variance, beta, gamma, 1e-3)
    w = p.variable("weights", [5, 3])
    data = p.data(cross_entropy(y, tf.matmul(h, w)))
    for key, variable in (("gamma", gamma), ("beta", beta), ("w", w)):
        p.l2(key, variable)
    loss = p.combine(data, mutation)
    with tf.control_dependencies([update]):
        p.minimize(loss)


def from_dataset(p: Program, mutation: str) -> None:
    """Data from a tf.data iterator."""
    _source(p, mutation, "dataset")


def from_constant(p: Program, mutation: str) -> None:
    """Data baked into the graph as constants: the data loss reads only variables and constants."""
    _source(p, mutation, "constant")


def from_queue(p: Program, mutation: str) -> None:
    """Data from a queue that a queue runner would fill."""
    _source(p, mutation, "queue")


def _source(p: Program, mutation: str, kind: str) -> None:
    images = p.random.normal(size=(4, 5)).astype(np.float32)
    labels = np.array([0, 2, 1, 1])
    if kind == "dataset":
        dataset = tf.data.Dataset.from_tensor_slices((images, labels)).repeat().batch(4)
        iterator = v1.data.make_initializable_iterator(dataset)
        x, y = iterator.get_next()
        x = tf.reshape(x, [4, 5])
        p.running.before = [iterator.initializer.name]
    elif kind == "queue":
        queue = tf.queue.FIFOQueue(100, [tf.float32, tf.int64], [[5], []])
        fill = queue.enqueue_many((images, labels))
        x, y = queue.dequeue_many(4)
        p.running.before = [fill.name]
    else:
        x, y = tf.constant(images), tf.constant(labels)
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def dense_layer_dropout(p: Program, mutation: str) -> None:
    """tf.layers.dense beside dropout controlled by a fed training flag."""
    x, y = p.batch()
    training = v1.placeholder_with_default(False, [], name="training")
    decay = p.strength("w", 0.02)
    with v1.variable_scope("net", use_resource=p.resource):
        h = core.dense(x, 4, tf.nn.tanh, kernel_regularizer=lambda w: decay * tf.nn.l2_loss(w))
        h = core.dropout(h, 0.3, training=training)
        logits = core.dense(h, 3)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    (loss,) = v1.get_collection(REGULARIZATION)
    p.penalty("w", loss, v1.trainable_variables()[0])
    p.minimize(p.combine(data, mutation, "add_n"))


_MOST = ("included", "missing", "half", "partial", "blocked")
for _old, _flow_tag in ((True, "switch"), (False, "if")):
    for _family in (loss_in_cond, rnn):
        register(
            f"{_family.__name__}_{_flow_tag}",
            lambda p, m, f=_family, o=_old: f(p, m, o),
            _MOST,
            resource=not _old,
        )
    register(
        f"micro_batches_{_flow_tag}",
        lambda p, m, o=_old: micro_batches(p, m, o),
        ("included", "half"),
    )
    for _family in (penalty_in_cond, penalty_in_loop):
        register(
            f"{_family.__name__}_{_flow_tag}",
            lambda p, m, f=_family, o=_old: f(p, m, o),
            ("included", "missing", "blocked"),
        )
for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"batch_norm_{_tag}", batch_norm, _MOST, resource=_resource)
    register(f"batch_norm_gamma_{_tag}", batch_norm_gamma, _MOST, resource=_resource)
    register(f"dropout_{_tag}", dense_layer_dropout, ("included", "missing"), resource=_resource)
for _family in (from_dataset, from_constant, from_queue):
    register(_family.__name__, _family, ("included", "missing", "half", "blocked"))
