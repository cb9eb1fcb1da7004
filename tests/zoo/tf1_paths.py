# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: more ways from a penalty to the update, and more ways to get lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def penalized(p: Program) -> tuple[Any, Any, Any]:
    """Two penalized weights and the data loss."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    return w1, w2, data


def _sum(p: Program) -> Any:
    return tf.add_n([loss for loss, _ in p.penalties.values()])


def _zero_gradient(x: Any) -> Any:
    @tf.custom_gradient
    def cut(value: Any) -> Any:
        return tf.identity(value), tf.zeros_like

    return cut(x)


CUTS: dict[str, Callable[[Any], Any]] = {
    "round": lambda r: tf.round(r * 1e4) / 1e4,
    "integer": lambda r: tf.cast(tf.cast(r * 1e4, tf.int32), tf.float32) / 1e4,
    "numpy": lambda r: tf.reshape(tf.numpy_function(np.square, [r], tf.float32), []),
    "custom_gradient": _zero_gradient,
    "prevent_copy": lambda r: tf.stop_gradient(tf.identity(r)) + 0.0,
}


def cut(p: Program, mutation: str) -> None:
    """The penalty's value is in the loss; an op without a gradient stands between."""
    _, _, data = penalized(p)
    p.expect_all("blocked")
    p.minimize(data + CUTS[mutation](_sum(p)))


FINISHES: dict[str, Callable[[Any], Any]] = {
    "checked": lambda loss: v1.debugging.check_numerics(loss, "bad"),
    "printed": lambda loss: v1.Print(loss, [loss]),
    "squeezed": lambda loss: tf.squeeze(tf.expand_dims(loss, 0)),
    "mean_of_vector": lambda loss: tf.reduce_mean(tf.fill([3], loss)),
    "cast": lambda loss: tf.cast(tf.cast(loss, tf.float64), tf.float32),
    "times_tensor": lambda loss: loss * tf.ones([]),
    "divided": lambda loss: loss / tf.constant(8.0),
    "negated_twice": lambda loss: tf.negative(tf.negative(loss)),
    "subtracted": lambda loss: 0.0 - (-1.0 * loss),
    "maximum": lambda loss: tf.maximum(loss, 1e-6),
    "squared_root": lambda loss: tf.sqrt(tf.square(loss)),
}


def finished(p: Program, mutation: str) -> None:
    """The whole loss goes through ops that change nothing, or scale all of it."""
    _, _, data = penalized(p)
    p.expect_all("included")
    p.minimize(FINISHES[mutation](data + _sum(p)), v1.train.AdamOptimizer(0.01))


def several_on_one(p: Program, mutation: str) -> None:
    """L1 and L2 on the same variable; L1 never reaches the loss."""
    x, y = p.batch()
    w1, _, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    l2 = p.l2("l2", w1)
    l1 = p.strength("l1", 0.01) * tf.reduce_sum(tf.abs(w1))
    for loss in (l2, p.penalty("l1", l1, w1)):
        v1.add_to_collection(REGULARIZATION, loss)
    p.unlisted.add("l1")
    p.expect("l2", "included")
    p.expect("l1", "missing" if mutation == "partial" else "included")
    p.minimize(data + l2 if mutation == "partial" else data + l2 + l1)


def late_binding(p: Program, mutation: str) -> None:
    """A lambda in a loop binds late: both penalties are of the last variable."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    del w1
    data = p.data(cross_entropy(y, logits))
    strength = p.strength("w", 0.01)
    losses = [strength * tf.nn.l2_loss(w2) for _ in range(2)]
    for index, loss in enumerate(losses):
        v1.add_to_collection(REGULARIZATION, p.penalty(f"w:{index}", loss, w2))
    p.expect_all("double_counted", 2.0)
    p.minimize(data + tf.add_n(losses))


def distances(p: Program, mutation: str) -> None:
    """A norm (with its root), a mean square, the distance to a start value, tied weights."""
    x, y = p.batch(features=4)
    with v1.variable_scope("fc"):
        names = ("a", "b", "c", "d")
        a, b, c, d = (p.variable(name, [4, 4]) for name in names)
    h = tf.tanh(x @ a) @ b
    h = tf.tanh(tf.tanh(h) @ c) @ d
    data = p.data(cross_entropy(y, h))
    start = tf.constant(p.random.normal(size=(4, 4)).astype(np.float32))
    terms = {
        "norm": (p.strength("norm") * tf.norm(a), (a,)),
        "mean": (p.strength("mean") * tf.reduce_mean(tf.square(b)), (b,)),
        "start": (p.strength("start") * tf.nn.l2_loss(c - start), (c,)),
        "tied": (p.strength("tied") * tf.reduce_sum(tf.square(c - d)), (c, d)),
    }
    for key, (loss, variables) in terms.items():
        v1.add_to_collection(REGULARIZATION, p.penalty(key, loss, *variables))
        p.unlisted.add(key)
    p.minimize(p.combine(data, mutation, "add_n"), v1.train.AdamOptimizer(0.01))


def multipliers_of_gradients(p: Program, mutation: str) -> None:
    """Rates of layers as factors of gradients, noise, centralization: behind the port."""
    _, _, data = penalized(p)
    loss = p.combine(data, mutation)
    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    pairs = p.ports(optimizer.compute_gradients(loss))
    p.running.optimized = loss.name
    changed = []
    for index, (g, v) in enumerate(pairs):
        g = g * (0.1 if index < 2 else 1.0)
        g = g - tf.reduce_mean(g, axis=0, keepdims=True) if "weights" in v.name else g
        changed.append((g + v1.random_normal(g.shape, stddev=1e-5, seed=1), v))
    p.train_op = optimizer.apply_gradients(changed)


def dynamic_loss_scale(p: Program, mutation: str) -> None:
    """The loss scale is a variable that grows; an update happens where gradients are finite."""
    _, _, data = penalized(p)
    loss = p.combine(data, mutation)
    scale = v1.get_variable(
        "loss_scale", initializer=tf.constant(64.0), trainable=False, use_resource=p.resource
    )
    optimizer = v1.train.AdamOptimizer(0.01)
    pairs = [(g / scale, v) for g, v in optimizer.compute_gradients(loss * scale)]
    p.ports(pairs)
    p.running.optimized = loss.name
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g, _ in pairs])
    safe = [(tf.where(finite, g, tf.zeros_like(g)), v) for g, v in pairs]
    grow = v1.assign(scale, tf.where(finite, scale * 2.0, scale / 2.0))
    p.train_op = tf.group(optimizer.apply_gradients(safe), grow)


def sync_replicas(p: Program, mutation: str) -> None:
    """SyncReplicasOptimizer: gradients pass through accumulators."""
    _, _, data = penalized(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.SyncReplicasOptimizer(
        v1.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=2, total_num_replicas=2
    )
    pairs = p.ports(optimizer.compute_gradients(loss))
    step = v1.train.get_or_create_global_step()
    p.train_op = optimizer.apply_gradients(pairs, global_step=step)


def gradient_scope(p: Program, mutation: str) -> None:
    """Gradients in a scope of a strange name, gated, aggregated by a tree."""
    _, _, data = penalized(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    with v1.name_scope("tain_op"):
        p.train_op = v1.train.AdagradOptimizer(0.1).minimize(
            loss,
            gate_gradients=v1.train.Optimizer.GATE_GRAPH,
            aggregation_method=tf.AggregationMethod.EXPERIMENTAL_ACCUMULATE_N,
            colocate_gradients_with_ops=True,
            name="AdagradTrain",
        )


def grad_loss(p: Program, mutation: str) -> None:
    """The gradient starts from `grad_loss=` instead of ones."""
    _, _, data = penalized(p)
    loss = p.combine(data, mutation)
    p.minimize(loss, grad_loss=tf.constant(4.0))


def two_calls(p: Program, mutation: str) -> None:
    """Gradients of the data loss and of the penalties are taken apart and added."""
    _, _, data = penalized(p)
    p.expect_all("included")
    optimizer = v1.train.RMSPropOptimizer(0.01)
    variables = v1.trainable_variables()
    of_data = tf.gradients(data, variables)
    of_sum = tf.gradients(_sum(p), variables, unconnected_gradients="zero")
    merged = [tf.add(a, b) for a, b in zip(of_data, of_sum, strict=True)]
    p.running.optimized = data.name
    p.train_op = optimizer.apply_gradients(zip(merged, variables, strict=True))


_MOST = ("included", "missing", "half", "partial", "blocked")
for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"cut_{_tag}", cut, tuple(CUTS), resource=_resource)
    register(f"dynamic_loss_scale_{_tag}", dynamic_loss_scale, _MOST, resource=_resource)
    register(f"several_on_one_{_tag}", several_on_one, ("partial", "included"), _resource)
    register(f"distances_{_tag}", distances, (*_MOST, "twice"), resource=_resource)
register("finished", finished, tuple(FINISHES))
register("late_binding", late_binding, ("twice",))
register("gradient_multipliers", multipliers_of_gradients, _MOST)
register("sync_replicas", sync_replicas, _MOST, resource=False)
register("gradient_scope", gradient_scope, _MOST)
register("grad_loss", grad_loss, ("included", "missing", "half"))
register("two_calls", two_calls, ("included",))
