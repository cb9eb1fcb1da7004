# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: things that look like penalties and are none, and the other way round."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _summaries(w1: Any, w2: Any) -> None:
    for w in (w1, w2):
        with v1.name_scope("weight_summaries"):
            v1.summary.histogram("weights", w)
            v1.summary.scalar("mean", tf.reduce_mean(w))
            v1.summary.scalar("stddev", tf.sqrt(tf.reduce_mean(tf.square(w - tf.reduce_mean(w)))))
            v1.summary.scalar("max", tf.reduce_max(w))
            v1.summary.scalar("norm", tf.norm(w))
            v1.summary.scalar("sparsity", tf.nn.zero_fraction(w))


def weight_summaries(p: Program, mutation: str) -> None:
    """Means, deviations and norms of weights for charts, no penalty."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    _summaries(w1, w2)
    v1.summary.scalar("global_norm", tf.linalg.global_norm([w1, w2]))
    p.minimize(data, v1.train.AdamOptimizer(0.01))


def summaries_beside(p: Program, mutation: str) -> None:
    """The same beside true penalties, which are charted too."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    _summaries(w1, w2)
    for key, w in (("w1", w1), ("w2", w2)):
        loss = p.l2(key, w)
        v1.summary.scalar(key, loss)
        v1.add_to_collection(REGULARIZATION, loss)
        # Without the collection a norm that is charted is a chart.
        p.unlisted.add(key)
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def weight_normalization(p: Program, mutation: str) -> None:
    """W = g v / |v|: a norm of a weight inside of the model."""
    x, y = p.batch()
    with v1.variable_scope("wn"):
        v = p.variable("v", [5, 3])
        g = p.variable("g", [3])
    data = p.data(cross_entropy(y, tf.matmul(x, g * tf.nn.l2_normalize(v, axis=0))))
    if mutation != "no_regularization":
        p.l2("g", g)
    loss = p.combine(data, mutation) if p.penalties else data
    p.minimize(loss)


def spectral_normalization(p: Program, mutation: str) -> None:
    """W / sigma, sigma from power iteration on a vector that is kept in a variable."""
    x, y = p.batch()
    w = p.variable("weights", [5, 3])
    u = v1.get_variable(
        "u",
        [1, 3],
        initializer=v1.ones_initializer(),
        trainable=False,
        use_resource=p.resource,
    )
    left = tf.nn.l2_normalize(tf.matmul(u, w, transpose_b=True))
    right = tf.stop_gradient(tf.nn.l2_normalize(tf.matmul(left, w)))
    left = tf.stop_gradient(left)
    sigma = tf.reduce_sum(tf.matmul(tf.matmul(left, w), right, transpose_b=True))
    with tf.control_dependencies([v1.assign(u, right)]):
        normal = w / sigma
    data = p.data(cross_entropy(y, tf.matmul(x, normal)))
    if mutation != "no_regularization":
        p.l2("w", w)
    loss = p.combine(data, mutation) if p.penalties else data
    p.minimize(loss, v1.train.AdamOptimizer(0.01))


def lars(p: Program, mutation: str) -> None:
    """LARS: the rate of each layer is |w| / |g|, a scale that reads the weight."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    if mutation != "no_regularization":
        p.l2("w1", w1)
        p.l2("w2", w2)
    loss = p.combine(data, mutation) if p.penalties else data
    optimizer = v1.train.MomentumOptimizer(1.0, 0.9)
    pairs = p.ports(optimizer.compute_gradients(loss))
    p.running.optimized = loss.name
    scaled = [(g * (0.001 * tf.norm(v) / (tf.norm(g) + 1e-6)), v) for g, v in pairs]
    p.train_op = optimizer.apply_gradients(scaled)


def gradient_norm(p: Program, mutation: str) -> None:
    """Norms of gradients for charts; tf.nn.l2_loss of gradients."""
    x, y = p.batch()
    _, _, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    optimizer = v1.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(data)
    v1.summary.scalar(
        "gradient_norm", tf.sqrt(2.0 * tf.add_n([tf.nn.l2_loss(g) for g, _ in pairs]))
    )
    p.running.optimized = data.name
    p.train_op = optimizer.apply_gradients(pairs)


def l2_as_data_loss(p: Program, mutation: str) -> None:
    """tf.nn.l2_loss of the residual is the data loss."""
    x, y = p.batch()
    _, _, logits = p.mlp(x)
    p.minimize(p.data(tf.nn.l2_loss(logits - tf.one_hot(y, 3), name="l2")))


def gradient_penalty(p: Program, mutation: str) -> None:
    """WGAN-GP's penalty on the input gradient depends on data: no regularization loss."""
    x, _ = p.batch()
    w1, w2, logits = p.mlp(x)
    del w1, w2
    norm = tf.norm(tf.gradients(tf.reduce_sum(logits), x)[0], axis=1)
    critic = tf.reduce_mean(logits)
    data = critic + 10.0 * tf.reduce_mean(tf.square(norm - 1.0))
    p.minimize(p.data(data), v1.train.AdamOptimizer(0.01))


def weight_clipping(p: Program, mutation: str) -> None:
    """WGAN's clipping of weights after the update; penalties as the mutation says."""
    x, _ = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(tf.reduce_mean(logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    train = p.minimize(p.combine(data, mutation), v1.train.RMSPropOptimizer(0.01))
    with tf.control_dependencies([train]):
        clips = [v1.assign(w, tf.clip_by_value(w, -0.5, 0.5)) for w in (w1, w2)]
    p.train_op = tf.group(*clips, name="train_and_clip")


def max_norm(p: Program, mutation: str) -> None:
    """Max-norm constraint: the weight is rescaled by its own norm after the update."""
    x, y = p.batch()
    w1, _, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    train = p.minimize(data, v1.train.MomentumOptimizer(0.01, 0.9))
    with tf.control_dependencies([train]):
        p.train_op = v1.assign(w1, tf.clip_by_norm(w1, 2.0, axes=[0])).op


def charted_only(p: Program, mutation: str) -> None:
    """A scope `wd_decay` whose sum feeds a summary and nothing else: missing."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.expect_all("missing")
    with v1.name_scope("wd_decay"):
        v1.summary.scalar("sum", tf.add_n([loss for loss, _ in p.penalties.values()]))
        v1.summary.scalar("total", data + p.penalties["w1"][0] + p.penalties["w2"][0])
    p.minimize(data)


def shape_bridge(p: Program, mutation: str) -> None:
    """The penalty's shape, rank and size feed the loss; its value does not."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.expect_all("missing")
    vector = tf.stack([loss for loss, _ in p.penalties.values()])
    count = tf.cast(tf.size(vector), tf.float32)
    p.minimize(data * (count / 2.0) + tf.reduce_mean(tf.zeros_like(vector)))


def predicate_bridge(p: Program, mutation: str) -> None:
    """The penalty is only compared: the loss is doubled where it is large."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    for loss, _ in list(p.penalties.values()):
        v1.add_to_collection(REGULARIZATION, loss)
    p.unlisted |= {"w1", "w2"}
    p.expect_all("missing")
    large = tf.add_n([loss for loss, _ in p.penalties.values()]) > 1e6
    p.minimize(tf.where(large, 2.0 * data, data))


def subtracted(p: Program, mutation: str) -> None:
    """The penalty enters with the wrong sign."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.expect_all("scaled", -1.0)
    p.minimize(data - tf.add_n([loss for loss, _ in p.penalties.values()]))


def strength_twice(p: Program, mutation: str) -> None:
    """The coefficient stands in the penalty and is applied again on the way to the loss."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w, 1e-2))
    p.expect_all("scaled", 1e-2)
    p.minimize(data + 1e-2 * tf.add_n(v1.get_collection(REGULARIZATION)))


def normalized_total(p: Program, mutation: str) -> None:
    """The object detection API: the total over the number of clones is what is optimized."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    loss = p.combine(data, mutation)
    v1.summary.scalar("Loss/total_loss", loss)
    p.minimize(tf.multiply(loss, 1.0 / 8, name="Loss/normalized_total_loss"))


def batch_sum(p: Program, mutation: str) -> None:
    """The data loss is a sum over the batch, the penalty is added, all is divided by the size."""
    x, y = p.batch(size=4)
    w1, w2, logits = p.mlp(x)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    data = p.data(tf.reduce_sum(each, name="data_loss"))
    v1.add_to_collection("losses", data)
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    loss = p.combine(data, mutation)
    p.minimize(loss / tf.cast(tf.shape(x)[0], tf.float32))


_FEW = ("included", "missing", "half", "blocked")
_WITHOUT = ("no_regularization", "included", "missing")
for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"weight_summaries_{_tag}", weight_summaries, ("no_regularization",), _resource)
    register(f"summaries_beside_{_tag}", summaries_beside, _FEW, resource=_resource)
    register(f"weight_norm_{_tag}", weight_normalization, _WITHOUT, resource=_resource)
    register(f"spectral_norm_{_tag}", spectral_normalization, _WITHOUT, resource=_resource)
    register(f"lars_{_tag}", lars, _WITHOUT, resource=_resource)
    register(f"weight_clipping_{_tag}", weight_clipping, ("included", "missing"), _resource)
for _family in (gradient_norm, l2_as_data_loss, gradient_penalty, max_norm):
    register(_family.__name__, _family, ("no_regularization",))
for _family in (charted_only, shape_bridge, predicate_bridge):
    register(_family.__name__, _family, ("missing",))
register("subtracted", subtracted, ("scaled",))
register("strength_twice", strength_twice, ("scaled",))
register("normalized_total", normalized_total, ("included", "missing", "twice", "blocked"))
register("batch_sum", batch_sum, ("included", "missing", "half"))
