# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: penalties whose derivatives are no arithmetic of a few ops."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Family, Program, register

v1 = tf.compat.v1


def _entropy(w: Any) -> Any:
    shares = tf.nn.softmax(w)
    return -tf.reduce_sum(shares * tf.math.log(shares + 1e-8))


def _largest(w: Any) -> Any:
    return tf.reduce_sum(tf.nn.top_k(tf.reshape(tf.abs(w), [-1]), 3).values)


_FORMS: dict[str, Callable[[Any], Any]] = {
    "entropy": _entropy,
    "nuclear": lambda w: tf.reduce_sum(tf.linalg.svd(w, compute_uv=False)),
    "rows": lambda w: tf.reduce_sum(tf.map_fn(tf.norm, w)),
    "largest": _largest,
    "squares": lambda w: tf.reduce_sum(tf.square(w)),
    "groups": lambda w: tf.reduce_sum(tf.norm(w, axis=1)),
    "rows_with_weights": lambda w: tf.reduce_sum(
        tf.reduce_sum(tf.square(w), 1) * tf.range(1.0, w.shape[0] + 1.0)
    ),
}


def _model(p: Program, form: str) -> tuple[list[Any], Any, list[Any]]:
    x, y = p.batch()
    *weights, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    losses = []
    for index, w in enumerate(weights):
        key = f"w{index}"
        losses.append(p.penalty(key, p.strength(key) * _FORMS[form](w), w))
        v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, losses[-1])
        p.unlisted.add(key)
    p.bare = ("no_regularization",)
    return weights, data, losses


def of_form(form: str) -> Family:
    """One penalty for each weight."""

    def family(p: Program, mutation: str) -> None:
        _, data, _ = _model(p, form)
        p.minimize(p.combine(data, mutation))

    return family


def charted(p: Program, mutation: str) -> None:
    """A total is shown; what is optimized may be another loss."""
    _, data, losses = _model(p, "entropy")
    v1.summary.scalar("total", tf.add_n([data, *losses]))
    p.minimize(p.combine(data, mutation))


def by_hand(p: Program, mutation: str) -> None:
    """Nothing adds the penalties to the loss, but their gradients are added to its gradient."""
    weights, data, losses = _model(p, "entropy")
    p.expect_all(mutation)
    optimizer = v1.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(data)
    own = {w.ref(): g for w, g in zip(weights, tf.gradients(losses, weights), strict=True)}
    pairs = [(g + own[w.ref()] if w.ref() in own else g, w) for g, w in pairs]
    p.train_op = optimizer.apply_gradients(p.ports(pairs))


def written_again(form: str) -> Family:
    """The collection holds copies that nothing reads; the loss has others, in double precision.

    They are in proportion to the data loss, so that their gradient depends on data.
    """

    def family(p: Program, mutation: str) -> None:
        weights, data, _ = _model(p, form)
        p.expect_all(mutation)
        again = [
            p.strength(f"w{index}") * tf.cast(_FORMS[form](tf.cast(w, tf.float64)), tf.float32)
            for index, w in enumerate(weights)
        ]
        p.minimize(data + tf.stop_gradient(data) * tf.add_n(again))

    return family


def as_large(p: Program, mutation: str) -> None:
    """What is added to the loss of an example is in proportion to that loss."""
    x, y = p.batch()
    *weights, logits = p.mlp(x)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    p.data(tf.reduce_mean(each))
    for index, w in enumerate(weights):
        key = f"w{index}"
        loss = p.penalty(key, p.strength(key) * _FORMS["squares"](w), w)
        v1.add_to_collection(v1.GraphKeys.REGULARIZATION_LOSSES, loss)
        p.unlisted.add(key)
        each += tf.stop_gradient(each) * loss
    p.expect_all(mutation)
    p.bare = ("no_regularization",)
    p.minimize(tf.reduce_mean(each))


def until(p: Program, mutation: str) -> None:
    """Penalties of the first steps only."""
    x, y = p.batch()
    *weights, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    step = v1.train.get_or_create_global_step()
    for index, w in enumerate(weights):
        norm = functools.partial(_scaled_norm, p.strength(f"w{index}"), w)
        p.penalty(f"w{index}", tf.cond(step < 100, norm, lambda: 0.0), w)
        p.unlisted.add(f"w{index}")
    p.minimize(p.combine(data, mutation))


def _scaled_norm(strength: float, w: Any) -> Any:
    return strength * tf.nn.l2_loss(w)


for _form in ("entropy", "nuclear", "rows", "largest", "rows_with_weights"):
    register(f"form_{_form}", of_form(_form), ("included", "missing", "partial", "half"))
register("form_charted", charted, ("included", "missing", "blocked"))
register("form_until", until, ("included", "half"))
register("form_by_hand", by_hand, ("included",))
register("form_as_large", as_large, ("scaled",))
for _form in ("entropy", "groups"):
    register(f"form_written_again_{_form}", written_again(_form), ("scaled",))
