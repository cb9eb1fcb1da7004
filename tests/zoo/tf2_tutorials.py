# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: penalties as tutorials write them, where a log says little of their variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.tf2_program import Family, Program, register
from tests.zoo.tf2_tape import Mlp, descend


def looked_up_rows(p: Program, mutation: str) -> None:
    """Matrix factorization from ranks: L2 on the rows of a batch, each looked up once more."""
    users, items = p.variable("users", [7, 3]), p.variable("items", [9, 3])
    batch = tf.constant([0, 2, 1, 5]), tf.constant([8, 1, 0, 0]), tf.constant([1, 2, 3, 3])

    @tf.function
    def step(user: Any, good: Any, bad: Any) -> Any:
        with tf.GradientTape() as tape:
            rows = [tf.gather(users, user), tf.gather(items, good), tf.gather(items, bad)]
            margin = tf.reduce_sum(rows[0] * (rows[1] - rows[2]), 1)
            data = p.data(-tf.reduce_mean(tf.math.log_sigmoid(margin)))
            rows_of_users = tf.nn.l2_loss(tf.gather(users, user))
            p.penalty("users", p.strength("users") * rows_of_users, users)
            both = tf.nn.l2_loss(tf.gather(items, good)) + tf.nn.l2_loss(tf.gather(items, bad))
            p.penalty("items", p.strength("items") * both, items)
            loss = p.combine(data, mutation)
        pairs = p.ports(tape.gradient(loss, [users, items]), [users, items])
        for gradient, variable in pairs:
            update = tf.IndexedSlices(-0.1 * gradient.values, gradient.indices)
            variable.scatter_add(update)
        return loss

    p.trace(step, *batch)


def sparse_features(p: Program, mutation: str) -> None:
    """A graph network: the gradient of its first layer is a product with sparse features."""
    first, last = p.variable("w1", [5, 4]), p.variable("w2", [4, 3])
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            features = tf.sparse.from_dense(tf.nn.relu(x))
            hidden = tf.nn.relu(tf.sparse.sparse_dense_matmul(features, first))
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, tf.matmul(hidden, last))
            data = p.data(tf.reduce_mean(each))
            p.l2("w1", first)
            p.l2("w2", last)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, [first, last]), [first, last])
        return loss

    p.trace(step, x, y)


def factorization_machine(p: Program, mutation: str) -> None:
    """Rows are added up and squared: no op but the optimizer's own kinds is in the gradient."""
    linear, factors = p.variable("linear", [20, 1]), p.variable("factors", [20, 3])
    ids, y = tf.constant(p.random.integers(0, 20, size=(4, 6))), tf.constant([0.0, 1.0, 1.0, 0.0])

    @tf.function
    def step(ids: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            rows = tf.nn.embedding_lookup(factors, ids)
            pairs = tf.square(tf.reduce_sum(rows, 1)) - tf.reduce_sum(tf.square(rows), 1)
            first = tf.reduce_sum(tf.nn.embedding_lookup(linear, ids), [1, 2])
            logits = first + 0.5 * tf.reduce_sum(pairs, 1)
            each = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.reduce_mean(each))
            p.l2("linear", linear)
            p.l2("factors", factors)
            loss = p.combine(data, mutation)
        variables = [linear, factors]
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, variables))
        descend(p, gradients, variables)
        return loss

    p.trace(step, ids, y)


def kept_strength(p: Program, mutation: str) -> None:
    """Strengths in variables that no step writes, as Keras callbacks set them."""
    m = Mlp.make(p)
    x, y = p.batch()
    strengths = [tf.Variable(p.strength(key), trainable=False) for key in ("w1", "w2")]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.penalty("w1", strengths[0] * tf.nn.l2_loss(m.w1), m.w1)
            p.penalty("w2", tf.minimum(2.0 * strengths[1], 1.0) * tf.nn.l2_loss(m.w2), m.w2)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def counted_strength(p: Program, mutation: str) -> None:
    """A strength that grows with a count of steps."""
    m = Mlp.make(p)
    x, y = p.batch()
    count = tf.Variable(3.0, trainable=False)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        warm = tf.minimum(1.0, count / 10.0)
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.penalty("w1", warm * p.strength("w1") * tf.nn.l2_loss(m.w1), m.w1)
            p.penalty("w2", warm * p.strength("w2") * tf.nn.l2_loss(m.w2), m.w2)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        count.assign_add(1.0)
        return loss

    p.trace(step, x, y)


def in_functions(p: Program, mutation: str) -> None:
    """Each penalty is what a tf.function of its own returns."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def decay(w: Any, strength: Any) -> Any:
        return strength * tf.nn.l2_loss(w)

    @tf.function
    def loss_of(x: Any, y: Any) -> Any:
        data = p.data(m.loss(x, y))
        p.penalty("w1", decay(m.w1, tf.constant(p.strength("w1"))), m.w1)
        p.penalty("w2", decay(m.w2, tf.constant(p.strength("w2"))), m.w2)
        return p.combine(data, mutation)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(x, y)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def formed(form: Callable[[Any, Any], Any]) -> Family:
    """Two penalties of one form, a function of a strength and a matrix."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y))
                for key, w in (("w1", m.w1), ("w2", m.w2)):
                    p.penalty(key, form(p.strength(key), w), w)
                loss = p.combine(data, mutation)
            descend(p, tape.gradient(loss, m.all()), m.all())
            return loss

        p.trace(step, x, y)

    return family


def _chosen(strength: Any, w: Any) -> Any:
    return tf.cond(tf.reduce_sum(tf.abs(w)) > 0.1, lambda: strength * tf.nn.l2_loss(w), lambda: 0.0)


def _distance(strength: Any, w: Any) -> Any:
    return strength * tf.nn.l2_loss(w - tf.fill(w.shape, 0.3))


def _weighted_distance(strength: Any, w: Any) -> Any:
    start, weights = np.full(w.shape, 0.3, np.float32), np.full(w.shape, 2.0, np.float32)
    return strength / 2 * tf.reduce_sum(weights * tf.square(w - start))


register("tutorial_factorization_machine", factorization_machine, ("included", "half"))
_FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "group_lasso": lambda k, w: k * tf.reduce_sum(tf.norm(w, axis=1)),
    "norm": lambda k, w: k * tf.norm(w),
    "norm_of_norm": lambda k, w: k * tf.math.reduce_euclidean_norm(w) ** 2,
    "mean_of_rows": lambda k, w: k * tf.reduce_sum(tf.reduce_mean(tf.square(w), 1)),
    "halved": lambda k, w: k * tf.reduce_sum(tf.square(w)) / 2,
    "chosen": _chosen,
    "distance": _distance,
    "weighted_distance": _weighted_distance,
}
_FAMILIES: tuple[Family, ...] = (
    looked_up_rows,
    sparse_features,
    kept_strength,
    counted_strength,
    in_functions,
)
_MUTATIONS = ("included", "missing", "partial", "half")
for _family in _FAMILIES:
    register(f"tutorial_{_family.__name__}", _family, _MUTATIONS)
for _name, _form in _FORMS.items():
    register(f"form_{_name}", formed(_form), _MUTATIONS)


def _traced(strength: Any, w: Any) -> Any:
    return strength * tf.linalg.trace(tf.matmul(w, w, transpose_a=True))


def _product(strength: Any, w: Any) -> Any:
    return strength * tf.einsum("ij,ij->", w, w)


for _name, _form in {"trace": _traced, "einsum": _product}.items():
    # Without a declaration nothing but their place in a loss tells what they are.
    register(f"form_{_name}", formed(_form), ("included", "half"))
