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


def written_again(p: Program, mutation: str) -> None:
    """The collection holds copies that nothing reads; the loss has others, in double precision.

    What is added to the loss of an example is as large as that loss, so that the
    penalties' gradient depends on data everywhere.
    """
    weights, data, _ = _model(p, "entropy")
    p.expect_all("scaled")
    again = [
        p.strength(f"w{index}") * tf.cast(_entropy(tf.cast(w, tf.float64)), tf.float32)
        for index, w in enumerate(weights)
    ]
    p.minimize(data + tf.stop_gradient(data) * tf.add_n(again))


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


for _form in _FORMS:
    register(f"form_{_form}", of_form(_form), ("included", "missing", "partial", "half"))
register("form_charted", charted, ("included", "missing", "blocked"))
register("form_until", until, ("included", "half"))
register("form_by_hand", by_hand, ("included",))
register("form_written_again", written_again, ("scaled",))
