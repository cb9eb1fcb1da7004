# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: embeddings, players, accumulation, decoys, hand-written optimizers."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.zoo.tf2_program import Program, register
from tests.zoo.tf2_tape import Mlp, descend


def embedding(p: Program, mutation: str) -> None:
    """A sparse data gradient joined with the dense gradient of L2 on the table."""
    table, out = p.variable("table", [7, 4]), p.variable("out", [4, 3])
    ids, y = tf.constant([[0, 2, 2], [5, 1, 0]]), tf.constant([1, 0])

    @tf.function
    def step(ids: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = tf.matmul(tf.reduce_mean(tf.gather(table, ids), 1), out)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.reduce_mean(each))
            p.l2("table", table)
            p.l2("out", out)
            loss = p.combine(data, mutation)
        pairs = p.ports(tape.gradient(loss, [table, out]), [table, out])
        for gradient, variable in pairs:
            if isinstance(gradient, tf.IndexedSlices):
                update = tf.IndexedSlices(-0.1 * gradient.values, gradient.indices)
                variable.scatter_add(update)
            else:
                variable.assign_sub(0.1 * gradient)
        return loss

    p.trace(step, ids, y)


def accumulation(p: Program, mutation: str) -> None:
    """Gradients gather in variables; the update reads them when two are in."""
    m = Mlp.make(p)
    x, y = p.batch()
    sums = [tf.Variable(tf.zeros_like(v), trainable=False) for v in m.all()]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        for half in (0, 1):
            with tf.GradientTape() as tape:
                part = p.data(m.loss(x[half::2], y[half::2]), weight=0.5)
                if half == 0:
                    p.l2("w1", m.w1)
                    p.l2("w2", m.w2)
                    loss = p.combine(part, mutation)
                elif mutation == "missing":
                    loss = part
                else:
                    loss = part
                    for key, w in (("w1", m.w1), ("w2", m.w2)):
                        loss += p.strength(key) * tf.nn.l2_loss(w)
            for total, gradient in zip(sums, tape.gradient(loss, m.all()), strict=True):
                total.assign_add(gradient)
        descend(p, [tf.identity(total) for total in sums], m.all())
        for total in sums:
            total.assign(tf.zeros_like(total))
        return loss

    p.trace(step, x, y)


def momentum_by_hand(p: Program, mutation: str) -> None:
    """Momentum in variables of the user's own."""
    m = Mlp.make(p)
    x, y = p.batch()
    slots = [tf.Variable(tf.zeros_like(v), trainable=False) for v in m.all()]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        for (g, v), slot in zip(p.ports(tape.gradient(loss, m.all()), m.all()), slots, strict=True):
            slot.assign(0.9 * slot + g)
            v.assign_sub(0.1 * slot)
        return loss

    p.trace(step, x, y)


def decayed_by_hand(p: Program, mutation: str) -> None:
    """Decoupled decay by a separate assignment; with or without penalties."""
    m = Mlp.make(p)
    x, y = p.batch()
    if mutation == "decoupled":
        p.run = "decoupled"

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            if mutation == "decoupled":
                loss = p.optimized(data)
            else:
                p.l2("w1", m.w1)
                p.l2("w2", m.w2)
                loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        for v in (m.w1, m.w2):
            v.assign_sub(0.001 * v)
        return loss

    p.trace(step, x, y)


def clip(p: Program, mutation: str) -> None:
    """clip_by_global_norm before hand-written descent."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        gradients = tape.gradient(loss, m.all())
        p.ports(gradients, m.all())
        clipped, _ = tf.clip_by_global_norm(gradients, 0.1)
        for gradient, variable in zip(clipped, m.all(), strict=True):
            variable.assign_sub(0.1 * gradient)
        return loss

    p.trace(step, x, y)


def gan(p: Program, mutation: str) -> None:
    """Two players, two tapes; the mutation says whose penalty goes where."""
    g, d = p.variable("generator", [3, 5]), p.variable("discriminator", [5, 1])
    z = tf.constant(p.random.normal(size=(4, 3)).astype("float32"))
    real = tf.constant(p.random.normal(size=(4, 5)).astype("float32"))

    @tf.function
    def step(z: Any, real: Any) -> Any:
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake = tf.tanh(z @ g)
            d_data = tf.reduce_mean(tf.nn.softplus(-(real @ d))) + tf.reduce_mean(
                tf.nn.softplus(fake @ d)
            )
            g_data = tf.reduce_mean(tf.nn.softplus(-(fake @ d)))
            p.data(d_data, of=d)
            p.data(g_data, of=g)
            r_g, r_d = p.l2("generator", g), p.l2("discriminator", d)
            swapped = mutation == "swapped"
            d_loss = d_data + (r_g if swapped else r_d)
            g_loss = g_data + (r_d if swapped else (r_g if mutation == "included" else 0.0))
        p.expect("generator", "included" if mutation == "included" else "missing")
        p.expect("discriminator", "missing" if swapped else "included")
        (d_gradient,), (g_gradient,) = d_tape.gradient(d_loss, [d]), g_tape.gradient(g_loss, [g])
        for gradient, variable in p.ports([d_gradient, g_gradient], [d, g]):
            variable.assign_sub(0.1 * gradient)
        return d_loss, g_loss

    p.trace(step, z, real)


def frozen(p: Program, mutation: str) -> None:
    """Only the second layer is differentiated."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            p.expect("w1", "frozen")
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, [m.w2, m.b2]), [m.w2, m.b2])
        return loss

    p.trace(step, x, y)


def zero(p: Program, mutation: str) -> None:
    """Strength 0, used or not."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1, 0.0)
            p.expect("w1", "zero")
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.bare = ("no_regularization",)
    p.trace(step, x, y)


def annealed(p: Program, mutation: str) -> None:
    """The strength is an argument of the step."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any, strength: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            norm = tf.nn.l2_loss(m.w1) + tf.nn.l2_loss(m.w2)
            p.penalty("w", strength * norm, m.w1, m.w2)
            p.unlisted.add("w")
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y, tf.constant(p.strength("w", 0.02)))


def decoys(p: Program, mutation: str) -> None:
    """Norms of weights and gradients for the log, weight normalization, averages."""
    v, g = p.variable("v", [5, 3]), p.variable("g", [3])
    average = tf.Variable(tf.zeros_like(v), trainable=False, name="average")
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = x @ (g * tf.nn.l2_normalize(v, axis=0))
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            data = p.data(tf.reduce_mean(each))
            if mutation != "no_regularization":
                p.l2("g", g)
            loss = p.combine(data, mutation) if p.penalties else p.optimized(data)
        gradients = tape.gradient(loss, [v, g])
        descend(p, gradients, [v, g])
        average.assign(0.99 * average + 0.01 * v)
        return {
            "loss": loss,
            "weight_norm": tf.norm(v),
            "gradient_norm": tf.linalg.global_norm(gradients),
            "mean": tf.reduce_mean(g),
            "square": tf.reduce_mean(tf.square(v)),
        }

    p.trace(step, x, y)


def evaluation(p: Program, mutation: str) -> None:
    """A step that only evaluates and counts."""
    m = Mlp.make(p)
    seen = tf.Variable(0, trainable=False)
    mean = tf.Variable(0.0, trainable=False)
    x, y = p.batch()
    p.run = "not_training"

    @tf.function
    def step(x: Any, y: Any) -> Any:
        loss = m.loss(x, y) + 0.01 * tf.nn.l2_loss(m.w1)
        seen.assign_add(1)
        mean.assign_add((loss - mean) / tf.cast(seen, tf.float32))
        return mean.read_value()

    p.trace(step, x, y)


_MOST = ("included", "missing", "partial", "half", "blocked")
_FEW = ("included", "missing", "half")
register("embedding", embedding, _MOST)
register("accumulation", accumulation, ("included", "missing"))
register("momentum_by_hand", momentum_by_hand, _MOST)
register("decayed_by_hand", decayed_by_hand, ("decoupled", *_FEW))
register("clip", clip, _MOST)
register("gan", gan, ("included", "swapped", "one"))
register("frozen", frozen, ("included", "missing", "half"))
register("zero", zero, ("included", "missing"))
register("annealed", annealed, ("included", "missing", "half", "blocked"))
register("decoys", decoys, ("no_regularization", "included", "missing"))
register("evaluation", evaluation, ("not_training",))
