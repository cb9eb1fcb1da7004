# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: losses and training loops that people write by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tests.zoo.tf2_keras import cross_entropy, optimizers, spied
from tests.zoo.tf2_program import Program, register
from tests.zoo.tf2_tape import Mlp, descend


def _plain(loss_of: Callable[[Program, Mlp, Any, Any], Any]) -> Callable[[Program, str], None]:
    """A tape over a data loss of its own kind, L2 on both weights."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(loss_of(p, m, x, y))
                p.l2("w1", m.w1)
                p.l2("w2", m.w2, 0.02)
                loss = p.combine(data, mutation)
            descend(p, tape.gradient(loss, m.all()), m.all())
            return loss

        p.trace(step, x, y)

    return family


def _logits(m: Mlp, x: Any) -> Any:
    return tf.matmul(tf.nn.tanh(tf.matmul(x, m.w1) + m.b1), m.w2) + m.b2


def focal(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """Focal loss."""
    chosen = tf.gather(tf.nn.softmax(_logits(m, x)), y, batch_dims=1)
    return tf.reduce_mean(-tf.pow(1.0 - chosen, 2.0) * tf.math.log(chosen + 1e-7))


def smoothed(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """Label smoothing and a temperature."""
    labels = tf.one_hot(y, 3) * 0.9 + 0.1 / 3.0
    each = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=_logits(m, x) / 2.0)
    return tf.reduce_mean(each)


def triplet(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """Triplet loss on normalized embeddings."""
    h = tf.nn.l2_normalize(_logits(m, x), axis=1)
    distances = tf.reduce_sum(tf.square(h[:, None] - h[None]), axis=-1)
    return tf.reduce_mean(tf.nn.relu(distances[0, 1] - distances[0, 2] + 3.0))


def contrastive(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """NT-Xent with a matmul of embeddings with themselves."""
    h = tf.nn.l2_normalize(_logits(m, x), axis=1)
    similarity = tf.matmul(h, h, transpose_b=True) / 0.5 - 1e3 * tf.eye(4)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.constant([1, 0, 3, 2]), logits=similarity
    )
    return tf.reduce_mean(each)


def gradient_penalty(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """WGAN-GP: the norm of the gradient by the input, an inner tape."""
    with tf.GradientTape() as inner:
        inner.watch(x)
        score = tf.reduce_sum(_logits(m, x))
    slope = inner.gradient(score, x)
    norm = tf.sqrt(tf.reduce_sum(tf.square(slope), axis=1) + 1e-8)
    data = tf.reduce_mean(tf.nn.softplus(_logits(m, x)))
    return data + 10.0 * tf.reduce_mean(tf.square(norm - 1.0))


def variational(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """A VAE's reconstruction and KL."""
    h = tf.nn.tanh(tf.matmul(x, m.w1) + m.b1)
    mean, log_variance = h[:, :2], h[:, 2:]
    z = mean + tf.exp(0.5 * log_variance) * tf.random.stateless_normal([4, 2], [1, 2])
    z = tf.concat([z, z], 1)
    kl = -0.5 * tf.reduce_mean(1.0 + log_variance - tf.square(mean) - tf.exp(log_variance))
    return tf.reduce_mean(tf.square(tf.matmul(z, m.w2) + m.b2 - x[:, :3])) + 0.1 * kl


def adversarial(p: Program, m: Mlp, x: Any, y: Any) -> Any:
    """FGSM training: the input is moved along the sign of its gradient."""
    with tf.GradientTape() as inner:
        inner.watch(x)
        first = m.loss(x, y)
    moved = tf.stop_gradient(x + 0.1 * tf.sign(inner.gradient(first, x)))
    return 0.5 * (m.loss(x, y) + m.loss(moved, y))


def center(p: Program, mutation: str) -> None:
    """Center loss: class centers are variables, moved by an average of their own."""
    m = Mlp.make(p)
    centers = p.variable("centers", [3, 4], trainable=False)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            h = tf.nn.tanh(tf.matmul(x, m.w1) + m.b1)
            data = cross_entropy(y, tf.matmul(h, m.w2) + m.b2)
            distance = h - tf.gather(centers, y)
            data = p.data(data + 0.5 * tf.reduce_mean(tf.square(distance)))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        centers.scatter_add(tf.IndexedSlices(0.5 * distance, y))
        return loss

    p.trace(step, x, y)


def sharpness_aware(p: Program, mutation: str) -> None:
    """SAM: gradients at moved weights; the weights are moved back and updated."""
    m = Mlp.make(p)
    x, y = p.batch()
    held = [tf.Variable(tf.zeros_like(v), trainable=False) for v in m.all()]

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            first = m.loss(x, y)
        gradients = tape.gradient(first, m.all())
        norm = tf.linalg.global_norm(gradients)
        for v, e, g in zip(m.all(), held, gradients, strict=True):
            e.assign(0.05 * g / (norm + 1e-8))
            v.assign_add(e)
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        gradients = tape.gradient(loss, m.all())
        for v, e in zip(m.all(), held, strict=True):
            v.assign_sub(e)
        descend(p, gradients, m.all())
        return loss

    p.trace(step, x, y)


def scaled_by_hand(p: Program, mutation: str) -> None:
    """Dynamic loss scaling by hand: a variable scale, halved on overflow, doubled else."""
    m = Mlp.make(p)
    scale = tf.Variable(8.0, trainable=False)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
            scaled = loss * scale
        gradients = [g / scale for g in tape.gradient(scaled, m.all())]
        p.ports(gradients, m.all())
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
        if finite:
            for v, g in zip(m.all(), gradients, strict=True):
                v.assign_sub(0.1 * g)
            scale.assign(scale * 2.0)
        else:
            scale.assign(tf.maximum(scale / 2.0, 1.0))
        return loss

    p.trace(step, x, y)


def accumulated_modulo(p: Program, mutation: str) -> None:
    """Gradients gather over 4 micro-batches in a loop within the step; then one Keras update."""
    m = Mlp.make(p)
    x, y = p.batch()
    optimizer = spied(p, optimizers.Adam(0.01, clipnorm=1.0), m.all())

    @tf.function
    def step(x: Any, y: Any) -> Any:
        sums = [tf.zeros_like(v) for v in m.all()]
        loss = tf.constant(0.0)
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        first = tape.gradient(loss, m.all())
        for _ in tf.range(4):
            sums = [s + g / 4.0 for s, g in zip(sums, first, strict=True)]
        optimizer.apply(sums, m.all())
        return loss

    p.trace(step, x, y)


def averaged(p: Program, mutation: str) -> None:
    """Polyak averages, a mean teacher whose consistency loss is data."""
    m, teacher = Mlp.make(p), Mlp.make(p)
    x, y = p.batch()
    optimizer = spied(p, optimizers.SGD(0.1, momentum=0.9), m.all())

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            consistency = tf.reduce_mean(tf.square(_logits(m, x) - _logits(teacher, x)))
            data = p.data(m.loss(x, y) + 0.3 * consistency)
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        optimizer.apply(tape.gradient(loss, m.all()), m.all())
        for mine, theirs in zip(m.all(), teacher.all(), strict=True):
            theirs.assign(0.99 * theirs + 0.01 * mine)
        return loss

    p.trace(step, x, y)


def proximal_distance(p: Program, mutation: str) -> None:
    """FedProx, EWC, L2-SP: distance to old values kept in variables, weighted by Fisher terms."""
    m, old = Mlp.make(p), Mlp.make(p)
    fisher = p.variable("fisher", [4, 3], trainable=False)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.penalty("prox", p.strength("prox") * tf.nn.l2_loss(m.w1 - old.w1), m.w1, old.w1)
            ewc = tf.reduce_sum(tf.abs(fisher) * tf.square(m.w2 - old.w2))
            p.penalty("ewc", p.strength("ewc") * ewc, m.w2, fisher, old.w2)
            p.unlisted |= {"prox", "ewc"}
            loss = p.combine(data, mutation)
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def custom_penalty(p: Program, mutation: str) -> None:
    """custom_gradient around a penalty: its own gradient, or none."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.custom_gradient
    def lasso(w: Any) -> Any:
        factor = 0.0 if mutation == "zero" else 1.0
        return tf.reduce_sum(tf.abs(w)), lambda dy: factor * dy * tf.sign(w)

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.penalty("w1", p.strength("w1") * lasso(m.w1), m.w1)
            p.l2("w2", m.w2)
            p.unlisted.add("w1")
            loss = p.combine(data, "included" if mutation == "zero" else mutation)
            if mutation == "zero":
                p.expect("w1", "blocked")
        descend(p, tape.gradient(loss, m.all()), m.all())
        return loss

    p.trace(step, x, y)


def many_steps(p: Program, mutation: str) -> None:
    """tf.while_loop over data; a Keras optimizer updates within the body (train_on_dataset)."""
    m = Mlp.make(p)
    x, y = p.batch()
    optimizer = spied(p, optimizers.Adam(0.01), m.all())
    dataset = tf.data.Dataset.from_tensors((x, y)).repeat(2)

    @tf.function
    def one(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        optimizer.apply(tape.gradient(loss, m.all()), m.all())
        return loss

    @tf.function
    def step(iterator: Any) -> Any:
        loss = one(*next(iterator))
        for _ in tf.range(1):
            loss = one(*next(iterator))
        return loss

    p.trace(step, iter(dataset.repeat()))


for _loss in (focal, smoothed, triplet, contrastive, gradient_penalty, variational, adversarial):
    register(f"loss_{_loss.__name__}", _plain(_loss), ("partial",))
for _family in (center, sharpness_aware, scaled_by_hand, accumulated_modulo, averaged):
    _needs_keras_3 = _family in (accumulated_modulo, averaged)
    register(
        f"loop_{_family.__name__}",
        _family,
        ("included", "partial"),
        needs_keras_3=_needs_keras_3,
    )
register("loop_proximal", proximal_distance, ("included", "missing", "blocked"))
register("loop_custom_penalty", custom_penalty, ("included", "missing", "zero"))
register("loop_many_steps", many_steps, ("included", "missing"), needs_keras_3=True)
