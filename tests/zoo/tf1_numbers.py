# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: penalties divided by sizes, reshaped, or beside a total; an old mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Family, Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES

# A penalty of one weight, from its strength.
_EACH: dict[str, Callable[[float, Any], Any]] = {
    "by_its_size": lambda s, w: s * (tf.nn.l2_loss(w) / tf.cast(tf.size(w), tf.float32)),
    "by_its_shape": lambda s, w: s * tf.nn.l2_loss(w) / float(np.prod(w.shape)),
    "twice_scaled": lambda s, w: 0.5 * (s * tf.nn.l2_loss(w)),
    "turned_twice": lambda s, w: -s * -tf.nn.l2_loss(w),
    "powered": lambda s, w: tf.pow(tf.norm(w), 2) * 0.5 * s,
    "squeezed": lambda s, w: tf.squeeze(tf.expand_dims(s * tf.nn.l2_loss(w), 0)),
    "mean_of_one": lambda s, w: tf.reduce_mean(tf.stack([s * tf.nn.l2_loss(w)])),
}
# Whether the outer of two factors is the penalty's own, no bare graph tells where it is added.
_FEWER = {"twice_scaled": ("missing",)}


def each(form: str) -> Family:
    """A penalty for each weight, in no collection."""

    def family(p: Program, mutation: str) -> None:
        x, y = p.batch()
        w1, w2, logits = p.mlp(x)
        data = p.data(cross_entropy(y, logits))
        for key, w in (("w1", w1), ("w2", w2)):
            p.penalty(key, _EACH[form](p.strength(key, 0.02), w), w)
        p.minimize(p.combine(data, mutation, "grouped"), v1.train.AdamOptimizer(0.01))

    return family


def summed_by_python(p: Program, mutation: str) -> None:
    """`sum()` begins with 0, so that the first of the scaled penalties is added to a constant."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    factor = 0.5 if mutation == "half" else 1.0
    times = 2 if mutation == "twice" else 1
    terms = [factor * p.l2(key, w) for key, w in (("w1", w1), ("w2", w2)) for _ in range(times)]
    status = {"included": "included", "half": "scaled", "twice": "double_counted"}[mutation]
    p.expect_all(status, factor * times)
    p.minimize(data + sum(terms), v1.train.RMSPropOptimizer(0.01))


def against_one(p: Program, mutation: str) -> None:
    """Least squares against the number 1, as in some GANs, with a penalty on the last bias."""
    x, _ = p.batch()
    w1, w2, out = p.mlp(x, classes=1)
    data = p.data(tf.reduce_mean(tf.square(out - 1.0)))
    biases = [v for v in v1.trainable_variables() if v.op.name == "fc2/biases"]
    for key, w in zip(("w1", "w2", "b2"), (w1, w2, *biases), strict=True):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    p.minimize(p.combine(data, mutation))


def polynomial(p: Program, mutation: str) -> None:
    """Powers of a number are stacked to features, beside each other."""
    x, y = (v1.placeholder(tf.float32, [None], name=name) for name in ("x", "y"))
    p.feed(x, p.random.normal(size=6))
    p.feed(y, p.random.normal(size=6))
    w, b = p.variable("weights", [4]), p.variable("bias", [2])
    features = tf.stack([tf.pow(x, power) for power in range(4)], 1)
    told = tf.reduce_sum(features * w, 1) + tf.reduce_sum(tf.stack([x, y], 1) * b, 1)
    data = p.data(tf.reduce_sum(tf.pow(y - told, 2)) / 8.0)
    for key, variable in (("w", w), ("b", b)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, variable, 0.1))
    p.minimize(p.combine(data, mutation))


def total_in_losses(p: Program, mutation: str) -> None:
    """One sum of norms, one of them with a factor; the total is put beside its own terms."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    norms = [tf.nn.l2_loss(w1), 0.1 * tf.nn.l2_loss(w2)]
    p.penalty("decay", p.strength("decay", 5e-4) * tf.add_n(norms), w1, w2)
    total = p.combine(data, mutation)
    v1.losses.add_loss(total)
    p.minimize(total, v1.train.MomentumOptimizer(0.1, 0.9))


@tf.RegisterGradient("MeanOfTensorFlow1")
def _mean_gradient(op: Any, gradient: Any) -> Any:
    # The number of elements is a quotient of whole numbers; TensorFlow 2 has another form.
    shape = tf.shape(op.inputs[0])
    spread = tf.tile(tf.reshape(gradient, [1] * op.inputs[0].shape.ndims), shape)
    ones = tf.maximum(tf.reduce_prod(tf.constant([], tf.int32)), 1)
    number = tf.math.floordiv(tf.reduce_prod(shape), ones)
    return tf.truediv(spread, tf.cast(number, tf.float32)), None


def old_mean(p: Program, mutation: str) -> None:
    """A mean over a batch of unknown size, differentiated as TensorFlow 1 did."""
    x, y = p.batch(classes=2)
    w1, w2, logits = p.mlp(x, classes=2)
    label = tf.one_hot(y, 2)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=label, logits=logits)
    with v1.get_default_graph().gradient_override_map({"Mean": "MeanOfTensorFlow1"}):
        data = p.data(tf.reduce_mean(losses))
    biases = [v for v in v1.trainable_variables() if v.op.name == "fc2/biases"]
    for key, w in zip(("w1", "w2", "b2"), (w1, w2, *biases), strict=True):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    p.minimize(p.combine(data, mutation))


for _form in _EACH:
    register(f"number_{_form}", each(_form), _FEWER.get(_form, ("included", "half", "missing")))
register("number_summed_by_python", summed_by_python, ("included", "half", "twice"))
register("number_polynomial", polynomial, ("included", "half", "missing", "partial"))
register("number_against_one", against_one, ("included", "half", "missing"))
register("number_in_losses", total_in_losses, ("included", "half", "missing"))
register("number_old_mean", old_mean, ("included", "missing"))
