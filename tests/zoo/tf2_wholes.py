# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: what is done to the whole loss, or to whole gradients, before a step is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tests.zoo.tf2_keras import cross_entropy
from tests.zoo.tf2_program import Family, Program, register
from tests.zoo.tf2_tape import Mlp, descend

_GUARDS: dict[str, Callable[[Any], Any]] = {
    "finite": lambda loss: tf.where(tf.math.is_finite(loss), loss, tf.zeros_like(loss)),
    "bounded": lambda loss: tf.maximum(loss, 1e-6),
    "clipped": lambda loss: tf.clip_by_value(loss, -1e3, 1e3),
    "flooded": lambda loss: tf.abs(loss - 0.05) + 0.05,
}


def guarded(guard: Callable[[Any], Any]) -> Family:
    """A function of the whole loss: data and penalties change by one factor."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y))
                p.l2("w1", m.w1)
                p.l2("w2", m.w2)
                loss = guard(p.combine(data, mutation))
            descend(p, tape.gradient(loss, m.all()), m.all())
            return loss

        p.trace(step, x, y)

    return family


def maximized(p: Program, mutation: str) -> None:
    """An objective less its penalties, with the sign turned for the optimizer."""
    m = Mlp.make(p)
    x, y = p.batch()
    factor = {"included": 1.0, "half": 0.5}[mutation]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.matmul(tf.nn.tanh(tf.matmul(x, m.w1) + m.b1), m.w2) + m.b2
            objective = tf.reduce_mean(tf.gather(tf.nn.log_softmax(logits), y, batch_dims=1))
            p.data(objective, weight=-1.0)
            penalties = p.l2("w1", m.w1) + p.l2("w2", m.w2)
            loss = p.optimized(-(objective - (penalties if factor == 1.0 else factor * penalties)))
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)
    p.expect_all("included" if factor == 1.0 else "scaled", factor)


def views(p: Program, mutation: str) -> None:
    """A data loss for each of three views; their mean is reported, their sum is trained on."""
    m = Mlp.make(p)
    x, y = p.batch()
    times = {"included": 1.0, "thrice": 3.0}[mutation]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.zeros([])
            for view in range(3):
                loss += p.data(m.loss(x * (1.0 + 0.1 * view), (y + view) % 3))
            penalty = p.l2("w2", m.w2)
            loss = p.optimized(loss + (penalty if times == 1.0 else times * penalty))
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss / 3.0

    p.trace(step, x, y)
    p.expect("w2", "included" if times == 1.0 else "double_counted", times)


def second_update(p: Program, mutation: str) -> None:
    """First a step down the data loss, then one down the penalties, by a tape of their own."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = p.optimized(p.data(m.loss(x, y)))
        # So small a step that the penalties' gradient is the same before and after it.
        descend(p, tape.gradient(loss, m.all()), m.all(), 1e-4)
        with tf.GradientTape() as tape:
            penalties = p.l2("w1", m.w1) + p.l2("w2", m.w2)
        if mutation == "included":
            weights = [m.w1, m.w2]
            descend(p, tape.gradient(penalties, weights), weights, 1e-4)
        return loss, penalties

    p.trace(step, x, y)
    p.expect_all(mutation)


def micro_batches(rounds: int | None = 4, model: str = "plain") -> Family:
    """Gradients of parts are averaged in a loop; the penalties' gradient is added once.

    Args:
      rounds: how many parts; `None` for as many as are fed.
      model: `"plain"`, or `"recurrent"` with a loop of its own.
    """

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        recurrent = p.variable("recurrent", [4, 4]) if model == "recurrent" else None
        weights = [*m.all(), *([] if recurrent is None else [recurrent])]
        x, y = p.batch()
        factor = {"included": 1.0, "half": 0.5, "twice": 2.0}[mutation]

        def data_loss(x: Any, y: Any) -> Any:
            if recurrent is None:
                return m.loss(x, y)
            h = tf.nn.tanh(tf.matmul(x, m.w1) + m.b1)
            for _ in tf.range(3):
                h = tf.tanh(tf.matmul(h, recurrent) + h)
            return cross_entropy(y, tf.matmul(h, m.w2) + m.b2)

        @tf.function
        def step(x: Any, y: Any, count: Any) -> Any:
            sums = [tf.zeros_like(v) for v in weights]
            for _ in tf.range(rounds or count):
                with tf.GradientTape() as tape:
                    data = p.data(data_loss(x, y))
                gradients = tape.gradient(data, weights)
                sums = [total + g / 4.0 for total, g in zip(sums, gradients, strict=True)]
            with tf.GradientTape() as tape:
                penalty = p.l2("w1", m.w1) + p.l2("w2", m.w2)
                penalty = penalty if factor == 1.0 else factor * penalty
            own = tape.gradient(penalty, weights, unconnected_gradients="zero")
            descend(p, [a + b for a, b in zip(sums, own, strict=True)], weights)
            return penalty

        p.trace(step, x, y, tf.constant(4))
        status = {1.0: "included", 2.0: "double_counted"}.get(factor, "scaled")
        p.expect_all(status, factor)

    return family


def penalty_each_time(p: Program, mutation: str) -> None:
    """The penalties are part of the loss of each of four parts, whose gradients are averaged."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        sums = [tf.zeros_like(v) for v in m.all()]
        for _ in tf.range(4):
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y))
                p.l2("w1", m.w1)
                p.l2("w2", m.w2)
                loss = p.combine(data, mutation)
            gradients = tape.gradient(loss, m.all())
            sums = [total + g for total, g in zip(sums, gradients, strict=True)]
        descend(p, [total / 4.0 for total in sums], m.all())
        return sums[0]

    p.trace(step, x, y)


def spread(p: Program, mutation: str) -> None:
    """The penalty is added to each example's loss; their sum is divided by their number."""
    m = Mlp.make(p)
    x, y = p.batch()
    factor = {"included": 1.0, "half": 0.5}[mutation]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.matmul(tf.nn.tanh(tf.matmul(x, m.w1) + m.b1), m.w2) + m.b2
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            p.data(tf.reduce_mean(each))
            penalty = p.l2("w1", m.w1)
            each += penalty if factor == 1.0 else factor * penalty
            loss = p.optimized(tf.reduce_sum(each) / tf.cast(tf.size(each), tf.float32))
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)
    p.expect("w1", "included" if factor == 1.0 else "scaled", factor)


def variational(p: Program, mutation: str) -> None:
    """Weights are drawn; the divergence of what they are drawn from is the penalty."""
    mean, rho = p.variable("mean", [5, 3]), p.variable("rho", [5, 3])
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            width = tf.nn.softplus(rho)
            drawn = mean + width * tf.random.stateless_normal([5, 3], [1, 2])
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x @ drawn)
            data = p.data(tf.reduce_mean(each))
            own = 0.5 * (width**2 + mean**2) - tf.math.log(width) - 0.5
            p.penalty("kl", p.strength("kl") * tf.reduce_sum(own), mean, rho)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, [mean, rho]), [mean, rho])
        return loss

    p.unlisted.add("kl")
    p.trace(step, x, y)


_SIZED: dict[str, Callable[[float, Any], Any]] = {
    "by_size": lambda s, ws: (
        s * tf.reduce_sum(tf.square(ws[1])) / tf.cast(tf.size(ws[1]), tf.float32)
    ),
    "halves": lambda s, ws: s * tf.add_n([tf.reduce_sum(w**2) / 2 for w in ws]),
    "group_lasso": lambda s, ws: s * (tf.reduce_sum(tf.norm(ws[1], axis=1)) * 2.0),
    "elastic": lambda s, ws: (
        s * (0.15 * tf.reduce_sum(tf.abs(ws[1])) + 0.425 * tf.reduce_sum(tf.square(ws[1])))
    ),
    "groups": lambda s, ws: (
        s * tf.add_n([float(w.shape[1]) ** 0.5 * tf.reduce_sum(tf.norm(w, axis=1)) for w in ws])
    ),
    "elastic_nets": lambda s, ws: (
        s * tf.add_n([0.3 * tf.reduce_sum(tf.abs(w)) + 0.35 * tf.reduce_sum(w**2) for w in ws])
    ),
}
_ON_BOTH = ("halves", "groups", "elastic_nets")


def sized(form: str) -> Family:
    """A penalty with a number of its own beside the strength."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()
        variables = [m.w1, m.w2] if form in _ON_BOTH else [m.w2]

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y))
                loss = _SIZED[form](p.strength("w", 1e-3), [m.w1, m.w2])
                p.penalty("w", loss, *variables)
                loss = p.combine(data, mutation)
            descend(p, tape.gradient(loss, m.all()), m.all())
            return loss

        p.trace(step, x, y)

    return family


def scaled_each(p: Program, mutation: str) -> None:
    """Each term of the loss is scaled for half precision, and the gradients scaled back."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = 64.0 * p.data(m.loss(x, y))
            penalties = p.l2("w1", m.w1) + p.l2("w2", m.w2)
            loss = p.optimized(data + 64.0 * penalties)
        descend(p, [g / 64.0 for g in tape.gradient(loss, m.all())], m.all())
        return loss

    p.trace(step, x, y)
    p.expect_all(mutation)


def for_strategies(p: Program, mutation: str) -> None:
    """Written for several replicas, run on one: a sum over one penalty, divided by one."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            terms = [p.l2("w1", m.w1), p.l2("w2", m.w2)]
            scaled = [tf.nn.scale_regularization_loss(term) for term in terms]
            loss = p.combine(data, mutation, scaled)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


for _name, _guard in _GUARDS.items():
    register(f"whole_{_name}", guarded(_guard), ("half",))
register("whole_clipped", guarded(_GUARDS["clipped"]), ("included",))
register("whole_maximized", maximized, ("included",))
register("whole_views", views, ("included", "thrice"))
register("whole_second_update", second_update, ("included", "missing"))
register("whole_micro_batches", micro_batches(), ("included", "half", "twice"))
register("whole_micro_batches_fed", micro_batches(None), ("included",))
register("whole_micro_batches_recurrent", micro_batches(4, "recurrent"), ("included", "half"))
register("whole_penalty_each_time", penalty_each_time, ("included", "half"))
register("whole_spread", spread, ("included", "half"))
register("whole_variational", variational, ("included", "half"))
register("whole_for_strategies", for_strategies, ("included", "missing", "partial"))
register("whole_scaled_each", scaled_each, ("included",))
for _form in _SIZED:
    register(f"whole_{_form}", sized(_form), ("included", "half", "missing"))
