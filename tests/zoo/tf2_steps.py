# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF2 programs: steps that bend data's gradient, or all of it, before the update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tests.zoo.tf2_keras import cross_entropy
from tests.zoo.tf2_program import Family, Program, register
from tests.zoo.tf2_tape import Mlp, descend

_FACTORS = {"included": 1.0, "half": 0.5, "missing": 0.0}
_Tasks = Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]


def _expect(p: Program, mutation: str) -> None:
    p.expect_all("scaled" if mutation == "half" else mutation, _FACTORS[mutation])


def apart(join: _Tasks) -> Family:
    """Gradients of two tasks are joined; those of the penalties are added as they are."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape(persistent=True) as tape:
                logits = tf.matmul(tf.nn.tanh(tf.matmul(x, m.w1) + m.b1), m.w2) + m.b2
                first = p.data(cross_entropy(y, logits))
                # Tasks that agree, so that what is measured is what is trained.
                second = p.data(cross_entropy(y, 2.0 * logits))
                penalty = p.l2("w1", m.w1) + p.l2("w2", m.w2)
            gradients = join(*(tape.gradient(task, m.all()) for task in (first, second)))
            if mutation != "missing":
                extra = tape.gradient(penalty, m.all(), unconnected_gradients="zero")
                share = _FACTORS[mutation]
                gradients = [a + share * b for a, b in zip(gradients, extra, strict=True)]
            descend(p, gradients, m.all())
            return first

        p.trace(step, x, y)
        _expect(p, mutation)

    return family


def _projected(first: Sequence[Any], second: Sequence[Any]) -> Sequence[Any]:
    """PCGrad: each task's gradient without what goes against the other one's."""
    joined = []
    for a, b in zip(first, second, strict=True):
        dot = tf.minimum(tf.reduce_sum(a * b), 0.0)
        without_b = a - dot * b / (tf.reduce_sum(b * b) + 1e-8)
        joined.append(without_b + b - dot * a / (tf.reduce_sum(a * a) + 1e-8))
    return joined


def _clipped(first: Sequence[Any], second: Sequence[Any]) -> Sequence[Any]:
    """Data's gradient alone is clipped."""
    return tf.clip_by_global_norm([a + b for a, b in zip(first, second, strict=True)], 1e6)[0]


def two_heads(p: Program, mutation: str) -> None:
    """Two heads behind batch normalization, one penalty over all weights, a common norm."""
    layers = keras.layers
    inputs = keras.Input([5])
    hidden = layers.BatchNormalization()(layers.Dense(6, "relu")(inputs))
    model = keras.Model(inputs, [layers.Dense(3)(hidden), layers.Dense(4)(hidden)])
    variables = model.trainable_variables
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            classes, boxes = model(x, training=True)
            data = p.data(cross_entropy(y, classes) + tf.reduce_sum(tf.square(boxes)))
            squares = tf.add_n([tf.nn.l2_loss(v) for v in variables])
            p.penalty("all", p.strength("all") * squares, *variables)
            loss = p.combine(data, mutation)
        pairs = p.ports(tape.gradient(loss, variables), variables)
        clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 1.0)
        for v, g in zip(variables, clipped, strict=True):
            v.assign_sub(0.1 * g)
        return loss

    p.trace(step, x, y)


def moved_and_restored(p: Program, mutation: str) -> None:
    """SAM that keeps a copy of the weights, and sets them to that before the update."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            first = m.loss(x, y)
        gradients = tape.gradient(first, m.all())
        norm = tf.linalg.global_norm(gradients)
        kept = [v.read_value() for v in m.all()]
        for v, g in zip(m.all(), gradients, strict=True):
            v.assign_add(0.05 * g / (norm + 1e-12))
        with tf.GradientTape() as tape:
            data = p.data(m.loss(x, y))
            p.l2("w1", m.w1)
            p.l2("w2", m.w2)
            loss = p.combine(data, mutation)
        gradients = tape.gradient(loss, m.all())
        for v, old in zip(m.all(), kept, strict=True):
            v.assign(old)
        descend(p, gradients, m.all())
        return loss

    p.trace(step, x, y)


def in_turn(p: Program, mutation: str) -> None:
    """One step updates the weights twice, each time on a loss of its own."""
    m = Mlp.make(p)
    x, y = p.batch()

    @tf.function
    def step(x: Any, y: Any) -> Any:
        for index, inputs in enumerate((x, -x)):
            with tf.GradientTape() as tape:
                loss = p.data(m.loss(inputs, y))
                if index == 0:
                    p.l2("w1", m.w1)
                    p.l2("w2", m.w2)
                    loss = p.combine(loss, mutation)
            # So small a step that the second gradient is taken at the same weights.
            descend(p, tape.gradient(loss, m.all()), m.all(), rate=1e-5)
        return loss

    p.trace(step, x, y)


def by_hand(update: Callable[[Any, Any, Any], None], *, clip: bool = False) -> Family:
    """An optimizer of some lines, one slot for each variable, one penalty over all of them."""

    def family(p: Program, mutation: str) -> None:
        m = Mlp.make(p)
        x, y = p.batch()
        slots = [tf.Variable(tf.zeros_like(v), trainable=False) for v in m.all()]

        @tf.function
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                data = p.data(m.loss(x, y))
                squares = tf.add_n([tf.nn.l2_loss(v) for v in m.all()])
                p.penalty("all", p.strength("all") * squares, *m.all())
                loss = p.combine(data, mutation)
            gradients = tape.gradient(loss, m.all(), unconnected_gradients="zero")
            p.ports(gradients, m.all())
            bent = tf.clip_by_global_norm(gradients, 0.3)[0] if clip else gradients
            for v, g, slot in zip(m.all(), bent, slots, strict=True):
                update(v, g, slot)
            return loss

        p.trace(step, x, y)

    return family


def _rms(v: Any, g: Any, slot: Any) -> None:
    slot.assign(0.9 * slot + 0.1 * g * g)
    v.assign_sub(0.01 * g / (tf.sqrt(slot) + 1e-8))


def _lars(v: Any, g: Any, slot: Any) -> None:
    length, own = tf.norm(v), tf.norm(g)
    ratio = tf.where(length * own > 0, 0.001 * length / (own + 1e-4 * length), 1.0)
    slot.assign(0.9 * slot + ratio * (g + 1e-4 * v))
    v.assign_sub(slot)


for _name, _join in (("projected", _projected), ("clipped", _clipped)):
    register(f"step_{_name}_data", apart(_join), ("included", "half", "missing"))
register("step_two_heads", two_heads, ("included", "half"), needs_keras_3=True)
register("step_in_turn", in_turn, ("included", "half", "missing"))
register("step_restored", moved_and_restored, ("included", "partial"))
register("step_rms", by_hand(_rms), ("included", "half", "missing"))
register("step_lars_clipped", by_hand(_lars, clip=True), ("included", "half", "missing"))
