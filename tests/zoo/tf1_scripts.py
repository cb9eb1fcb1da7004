# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: how scripts write their penalties, and what they compute beside the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Family, Program, old_control_flow, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _model(p: Program) -> tuple[list[Any], Any]:
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    return [w1, w2], p.data(cross_entropy(y, logits))


_FORMS: dict[str, Callable[[float, list[Any]], Any]] = {
    "one_of_its_own": lambda s, ws: (
        s * tf.add_n([tf.nn.l2_loss(ws[0]), 0.1 * tf.nn.l2_loss(ws[1])])
    ),
    "weighed": lambda s, ws: (
        s
        * tf.add_n([tf.constant(f) * tf.nn.l2_loss(w) for f, w in zip((1.0, 0.5), ws, strict=True)])
    ),
    "mixed": lambda s, ws: (
        s * tf.add_n([0.9 * tf.reduce_sum(tf.abs(w)) + 0.1 * tf.nn.l2_loss(w) for w in ws])
    ),
    "mean_times_size": lambda s, ws: (
        s * (tf.reduce_mean(ws[1] ** 2) * tf.cast(tf.size(ws[1]), tf.float32))
    ),
    "listed": lambda s, ws: tf.reduce_sum([tf.nn.l2_loss(w) for w in ws]) * s,
}


def written(form: str) -> Family:
    """One penalty, in no collection."""

    def family(p: Program, mutation: str) -> None:
        weights, data = _model(p)
        loss = _FORMS[form](p.strength("decay"), weights)
        p.penalty("decay", loss, *(weights[1:] if form == "mean_times_size" else weights))
        p.minimize(p.combine(data, mutation))

    return family


def smooth(p: Program, mutation: str) -> None:
    """Total variation of a weight, by a convolution with a constant filter."""
    weights, data = _model(p)
    kernel = tf.constant(np.array([[-1.0, 1.0]], np.float32).reshape(1, 2, 1, 1))
    for index, w in enumerate(weights):
        image = tf.reshape(w, [1, *w.shape, 1])
        loss = p.strength(f"w{index}") * tf.nn.l2_loss(tf.nn.conv2d(image, kernel, 1, "VALID"))
        v1.add_to_collection(REGULARIZATION, p.penalty(f"w{index}", loss, w))
        p.unlisted.add(f"w{index}")
    p.minimize(p.combine(data, mutation))


_SPREAD = {"included": ("included", 1.0), "half": ("scaled", 0.5), "blocked": ("blocked", 0.0)}


def averaged(p: Program, mutation: str) -> None:
    """The penalty, the loss and their moving averages are charted."""
    weights, data = _model(p)
    loss = tf.add_n([p.l2(f"w{index}", w) for index, w in enumerate(weights)])
    p.expect_all(mutation)
    total = data + loss if mutation == "included" else data
    averages = v1.train.ExponentialMovingAverage(0.9)
    step = averages.apply([data, loss])
    for tensor in (data, loss):
        v1.summary.scalar(tensor.op.name + "_raw", tensor)
        v1.summary.scalar(tensor.op.name, averages.average(tensor))
    with tf.control_dependencies([step]):
        p.minimize(total)


def over_the_batch(is_known: bool) -> Family:
    """Per-example losses and a vector of as many equal penalties, one mean over both."""

    def family(p: Program, mutation: str) -> None:
        x, y = p.batch()
        if is_known:
            x = tf.ensure_shape(x, [4, 5])
        w1, w2, logits = p.mlp(x)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        p.data(tf.reduce_mean(each))
        total = tf.zeros([tf.shape(x)[0]], name="l2_loss")
        for w in (w1, w2):
            total += tf.nn.l2_loss(w)
        total = p.strength("decay") * total
        p.penalty("decay", tf.reduce_mean(total), w1, w2)
        p.expect_all(*_SPREAD[mutation])
        total = tf.stop_gradient(total) if mutation == "blocked" else total
        p.minimize(tf.reduce_mean(each + (0.5 * total if mutation == "half" else total)))

    return family


def by_batch_size(p: Program, mutation: str) -> None:
    """Divided by the number of examples, which is fed: the number of times is in no graph."""
    p.undecidable = ("scaled", "included")
    x, y = p.batch(size=4)
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    p.expect_all("scaled", 0.25)
    decay = tf.add_n([loss for loss, _ in p.penalties.values()])
    p.also = p.bare = ("included",)
    p.minimize(data + decay / tf.cast(tf.shape(x)[0], tf.float32))


def two_totals(p: Program, mutation: str) -> None:
    """Two players; a total of another weight is charted beside the one that is trained on."""
    a, b = (v1.placeholder(tf.float32, [2, 4], name=name) for name in ("a", "b"))
    p.feed(a, p.random.normal(size=(2, 4)).astype(np.float32))
    p.feed(b, p.random.normal(size=(2, 4)).astype(np.float32))
    with v1.variable_scope("generator"):
        g = p.variable("weights", [4, 4])
    with v1.variable_scope("discriminator"):
        d = p.variable("weights", [8, 1])
    out = tf.tanh(tf.matmul(a, g))
    real, fake = (tf.matmul(tf.concat([a, made], 1), d) for made in (b, out))
    d_data = p.data(tf.reduce_mean(tf.nn.softplus(-real) + tf.nn.softplus(fake)), of=d)
    distance = tf.reduce_mean(tf.abs(b - out)) * 100.0
    g_data = p.data(tf.reduce_mean(tf.nn.softplus(-fake)) + distance, of=g)
    penalties = [p.l2("d", d, 0.02), p.l2("g", g, 0.02)]
    for penalty in penalties:
        v1.add_to_collection(REGULARIZATION, penalty)
    p.expect_all(mutation)
    losses = [d_data, g_data]
    if mutation == "missing":
        v1.summary.scalar("chart", d_data + tf.stop_gradient(penalties[0]))
    else:
        v1.summary.scalar("chart", d_data + 0.5 * penalties[0])
        losses = [data + penalty for data, penalty in zip(losses, penalties, strict=True)]
    updates = []
    for loss, w in zip(losses, (d, g), strict=True):
        updates.append(v1.train.AdamOptimizer(2e-4, 0.5).minimize(loss, var_list=[w]))
    p.train_op = tf.group(*updates, name="train")


def discarding(p: Program, mutation: str) -> None:
    """Accumulated gradients; the first step of four forgets the old sum, the last one applies."""
    weights, data = _model(p)
    for index, w in enumerate(weights):
        v1.add_to_collection(REGULARIZATION, p.l2(f"w{index}", w))
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    variables = v1.trainable_variables()
    local = v1.get_variable("local_step", initializer=3, trainable=False, use_resource=p.resource)
    kept = tf.cast(tf.not_equal(local % 4, 0), tf.float32)
    pairs = p.ports(list(zip(tf.gradients(loss, variables), variables, strict=True)))
    sums = [
        v1.get_variable(f"sum_{i}", initializer=tf.zeros(v.shape), trainable=False)
        for i, v in enumerate(variables)
    ]
    new = [g + kept * s.read_value() for (g, _), s in zip(pairs, sums, strict=True)]
    optimizer = v1.train.GradientDescentOptimizer(0.1)
    received = [(g / 4.0, v) for g, v in zip(new, variables, strict=True)]
    stored = [v1.assign(s, g) for s, g in zip(sums, new, strict=True)]
    with old_control_flow(), tf.control_dependencies(stored):
        p.train_op = tf.cond(
            tf.equal(local % 4, 3), lambda: optimizer.apply_gradients(received), tf.no_op
        )


def _flat(tensors: Sequence[Any]) -> Any:
    return tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], 0)


def flat_vector(p: Program, mutation: str) -> None:
    """All parameters in one vector, which a step moves; each variable gets its slice."""
    weights, data = _model(p)
    for index, w in enumerate(weights):
        v1.add_to_collection(REGULARIZATION, p.l2(f"w{index}", w))
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    variables = v1.trainable_variables()
    gradients = tf.gradients(loss, variables)
    p.ports(list(zip(gradients, variables, strict=True)))
    moved = _flat(variables) - 0.05 * _flat(gradients)
    updates, start = [], 0
    for v in variables:
        end = start + v.shape.num_elements()
        updates.append(v1.assign(v, tf.reshape(moved[start:end], v.shape)))
        start = end
    p.train_op = tf.group(*updates, name="train")


def painted(p: Program, mutation: str) -> None:
    """Style transfer: an image is trained; its differences have two numbers in front of them."""
    content = v1.placeholder(tf.float32, [1, 6, 6, 2], name="content")
    p.feed(content, p.random.normal(size=(1, 6, 6, 2)).astype(np.float32))
    image = p.variable("image", [1, 6, 6, 2])
    filters = tf.constant(p.random.normal(size=(3, 3, 2, 2)).astype(np.float32))
    seen, wanted = (tf.nn.relu(tf.nn.conv2d(t, filters, 1, "SAME")) for t in (image, content))
    data = p.data(2.0 * tf.nn.l2_loss(seen - wanted) / 72.0)
    down = tf.nn.l2_loss(image[:, 1:] - image[:, :-1]) / 60.0
    right = tf.nn.l2_loss(image[:, :, 1:] - image[:, :, :-1]) / 60.0
    p.penalty("smooth", p.strength("smooth", 0.2) * 2.0 * (down + right), image)
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


for _form in _FORMS:
    register(f"script_{_form}", written(_form), ("included", "half", "missing"))
register("script_painted", painted, ("included", "half", "missing"))
for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"script_averaged_{_tag}", averaged, ("included", "missing"), resource=_resource)
register("script_smooth", smooth, ("included", "half"))
register("script_over_the_batch", over_the_batch(False), ("included", "half", "blocked"))
register("script_over_four", over_the_batch(True), ("included", "half"))
register("script_by_batch_size", by_batch_size, ("scaled",))
register("script_two_totals", two_totals, ("included", "missing"))
register("script_discarding", discarding, ("included", "missing"))
register("script_flat_vector", flat_vector, ("included", "missing"))
