# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: steps that bend a gradient before it arrives, as layer-wise optimizers do.

One tensor holds the strength of all penalties, so that none has a part of its
own that would tell where it ends up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Family, Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES
_RATE = 0.05


def _penalized(p: Program) -> Any:
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    strength = tf.constant(p.strength("decay"))
    for name, w in (("w1", w1), ("w2", w2)):
        loss = p.penalty(f"decay:{name}", strength * tf.nn.l2_loss(w), w)
        v1.add_to_collection(REGULARIZATION, loss)
    return data


def _slot(p: Program, variable: Any, kind: str) -> Any:
    name = f"{variable.op.name}_{kind}".replace("/", "_")
    zeros = tf.zeros(variable.shape)
    return v1.get_variable(name, initializer=zeros, trainable=False, use_resource=p.resource)


def stepping(move: Callable[[Program, Any, Any], Sequence[Any]]) -> Family:
    """Assignments of each variable's own, made of its gradient."""

    def family(p: Program, mutation: str) -> None:
        loss = p.combine(_penalized(p), mutation)
        p.running.optimized = loss.name
        variables = v1.trainable_variables()
        pairs = p.ports(list(zip(tf.gradients(loss, variables), variables, strict=True)))
        p.train_op = tf.group(*(op for g, v in pairs for op in move(p, v, g)), name="train")

    return family


def receiving(bend: Callable[[list[Any], list[Any]], Sequence[Any]]) -> Family:
    """An optimizer's own Apply ops get what was made of the gradients."""

    def family(p: Program, mutation: str) -> None:
        loss = p.combine(_penalized(p), mutation)
        p.running.optimized = loss.name
        optimizer = v1.train.MomentumOptimizer(_RATE, 0.9)
        gradients, variables = map(list, zip(*optimizer.compute_gradients(loss), strict=True))
        p.ports(list(zip(gradients, variables, strict=True)))
        bent = bend(gradients, variables)
        p.train_op = optimizer.apply_gradients(zip(bent, variables, strict=True))
        v1.add_to_collection(v1.GraphKeys.TRAIN_OP, p.train_op)

    return family


def _each(bend: Callable[[Any], Any]) -> Family:
    return receiving(lambda gradients, _: [bend(g) for g in gradients])


def _lamb(p: Program, v: Any, g: Any) -> Sequence[Any]:
    """Adam's step, as long as the weights are."""
    m, s = _slot(p, v, "m"), _slot(p, v, "v")
    next_m, next_s = 0.9 * m + 0.1 * g, 0.99 * s + 0.01 * tf.square(g)
    step = next_m / (tf.sqrt(next_s) + 1e-6)
    length, own = tf.norm(v, ord=2), tf.norm(step, ord=2)
    ratio = tf.where(length > 0, tf.where(own > 0, length / own, 1.0), 1.0)
    return v1.assign(v, v - _RATE * ratio * step), v1.assign(m, next_m), v1.assign(s, next_s)


def _sm3(p: Program, v: Any, g: Any) -> Sequence[Any]:
    """AdaGrad that leaves alone what never had a gradient."""
    total = _slot(p, v, "total")
    grown = total + tf.square(g)
    step = tf.where(grown > 0, tf.math.rsqrt(grown) * g, tf.zeros_like(g))
    return v1.assign(total, grown), v1.assign_sub(v, _RATE * step)


def _sign(p: Program, v: Any, g: Any) -> Sequence[Any]:
    """Steps of one size."""
    return (v1.assign_sub(v, _RATE * tf.sign(g)),)


def _shaken(p: Program, v: Any, g: Any) -> Sequence[Any]:
    """Langevin dynamics: noise with every step."""
    noise = v1.random_normal(v.shape, stddev=1e-3, seed=5)
    return (v1.assign(v, v - _RATE * g + noise),)


def _proximal(p: Program, v: Any, g: Any) -> Sequence[Any]:
    """A step, then all weights by a constant nearer to zero."""
    moved = v - _RATE * g
    return (v1.assign(v, tf.sign(moved) * tf.nn.relu(tf.abs(moved) - 1e-4)),)


def _natural(p: Program, v: Any, g: Any) -> Sequence[Any]:
    """Shampoo, natural gradients: the gradient times an inverse matrix."""
    if len(v.shape) < 2:
        return (v1.assign_sub(v, _RATE * g),)
    size = int(v.shape[0])
    seen = v1.get_variable(
        f"{v.op.name}_seen".replace("/", "_"),
        initializer=tf.zeros([size, size]),
        trainable=False,
        use_resource=p.resource,
    )
    grown = v1.assign(seen, 0.9 * seen + tf.matmul(g, g, transpose_b=True))
    return (v1.assign_sub(v, _RATE * tf.matmul(tf.linalg.inv(grown + tf.eye(size)), g)),)


def _trusted(decay: float, inside: bool) -> Callable[[list[Any], list[Any]], Sequence[Any]]:
    """LARS: steps as long as the weights are, the norm of a decay in the denominator."""

    def one(g: Any, v: Any) -> Any:
        length, own = tf.norm(v, ord=2), tf.norm(g, ord=2)
        ratio = 0.001 * length / (own + decay * length + 1e-9)
        trust = tf.where(length > 0, tf.where(own > 0, ratio, 1.0), 1.0)
        return trust * (g + decay * v if inside else g)

    return lambda gradients, variables: [
        one(*pair) for pair in zip(gradients, variables, strict=True)
    ]


def _decayed_by_hand(gradients: list[Any], variables: list[Any]) -> list[Any]:
    """A decay of its own strength beside the penalties, as a part of every gradient."""
    return [g + 1e-4 * v for g, v in zip(gradients, variables, strict=True)]


def _decayed_and_trusted(gradients: list[Any], variables: list[Any]) -> Sequence[Any]:
    """LARS whose norms see the decay."""
    pairs = zip(_decayed_by_hand(gradients, variables), variables, strict=True)
    return [g * 0.001 * tf.norm(v) / (tf.norm(g) + 1e-9) for g, v in pairs]


def _centered(g: Any) -> Any:
    """Gradient centralization."""
    return g - tf.reduce_mean(g, 0, keepdims=True) if len(g.shape) > 1 else g


def _packed(gradients: list[Any], variables: list[Any]) -> Sequence[Any]:
    """All gradients in one vector, which devices add up, and apart again."""
    flat = tf.concat([tf.reshape(g, [-1]) for g in gradients], 0)
    flat = tf.add_n([flat, flat]) * 0.5
    parts = tf.split(flat, [v.shape.num_elements() for v in variables])
    return [tf.reshape(part, v.shape) for part, v in zip(parts, variables, strict=True)]


def _noisy_and_clipped(gradients: list[Any], _: list[Any]) -> Sequence[Any]:
    """Gradient noise, then a common norm."""
    return tf.clip_by_global_norm([_noisy(g) for g in gradients], 1.0)[0]


def _clipped_and_noisy(gradients: list[Any], _: list[Any]) -> Sequence[Any]:
    """A common norm, then noise."""
    return [_noisy(g) for g in tf.clip_by_global_norm(gradients, 1.0)[0]]


def _printed(g: Any) -> Any:
    return v1.Print(g, [tf.norm(g)], "gradient")


def _noisy(g: Any) -> Any:
    return g + 0.01 * v1.random_normal(tf.shape(g), seed=5)


for _name, _move, _mutations in (
    ("lamb", _lamb, ("included", "missing", "half")),
    ("sm3", _sm3, ("included", "missing")),
    ("sign", _sign, ("included", "missing")),
    ("shaken", _shaken, ("included", "missing")),
    ("proximal", _proximal, ("included", "missing")),
    ("natural", _natural, ("included", "missing")),
):
    register(f"step_{_name}", stepping(_move), _mutations)
register("step_printed", _each(_printed), ("included", "half"))
register("step_printed_ref", _each(_printed), ("included", "missing"), resource=False)
register("step_noisy", _each(_noisy), ("included", "half"))
register("step_sign_applied", _each(tf.sign), ("included", "missing"))
register("step_trusted", receiving(_trusted(1e-4, inside=False)), ("included", "half"))
register("step_trusted_decay", receiving(_trusted(1e-4, inside=True)), ("included", "missing"))
register("step_decayed_by_hand", receiving(_decayed_by_hand), ("included", "half", "missing"))
register(
    "step_decayed_and_trusted", receiving(_decayed_and_trusted), ("included", "half", "missing")
)
register("step_centered", _each(_centered), ("included", "half"))
register("step_packed", receiving(_packed), ("included", "missing"))
register("step_noisy_and_clipped", receiving(_noisy_and_clipped), ("included", "half"))
register("step_clipped_and_noisy", receiving(_clipped_and_noisy), ("included", "half"))
