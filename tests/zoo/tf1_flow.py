# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: the training step itself inside of loops and conditionals, and the like."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, old_control_flow, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _flow(old: bool) -> Any:
    return old_control_flow() if old else contextlib.nullcontext()


def _model(p: Program, collect: bool = False) -> tuple[Any, Any, Any]:
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        loss = p.l2(key, w)
        if collect:
            v1.add_to_collection(REGULARIZATION, loss)
    return w1, w2, data


def every_second_step(p: Program, mutation: str, old: bool) -> None:
    """Gradients gather in variables; a cond on the step modulo 2 applies and resets them."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.AdamOptimizer(0.01)
    step = v1.train.get_or_create_global_step()
    pairs = optimizer.compute_gradients(loss)
    sums = []
    for _, v in pairs:
        name = v.op.name.replace("/", "_") + "_sum"
        zeros = tf.zeros(v.shape)
        sums.append(
            v1.get_variable(name, initializer=zeros, trainable=False, use_resource=p.resource)
        )
    for (g, v), _ in zip(pairs, sums, strict=True):
        p.port(v, g)
    add = [v1.assign_add(s, g) for s, (g, _) in zip(sums, pairs, strict=True)]

    def apply() -> Any:
        received = [(s.read_value() / 2.0, v) for s, (_, v) in zip(sums, pairs, strict=True)]
        applied = optimizer.apply_gradients(received)
        with tf.control_dependencies([applied]):
            return tf.group(*[v1.assign(s, tf.zeros_like(s)) for s in sums])

    with tf.control_dependencies(add), _flow(old):
        due = tf.equal(tf.math.floormod(step, 2), 1)
        maybe = tf.cond(due, apply, tf.no_op)
    with tf.control_dependencies([maybe]):
        p.train_op = v1.assign_add(step, 1).op
    # It names an op of the branch, which import_meta_graph does not find.
    v1.get_default_graph().clear_collection(v1.GraphKeys.TRAIN_OP)


def step_in_cond(p: Program, mutation: str, old: bool) -> None:
    """Gradients outside, the update inside of a cond: only where the loss is finite."""
    _, _, data = _model(p)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.MomentumOptimizer(0.01, 0.9)
    pairs = optimizer.compute_gradients(loss)
    p.ports(pairs)
    with _flow(old):
        done = tf.cond(tf.math.is_finite(loss), lambda: optimizer.apply_gradients(pairs), tf.no_op)
    p.train_op = done.op if hasattr(done, "op") else done
    v1.get_default_graph().clear_collection(v1.GraphKeys.TRAIN_OP)


def training_in_loop(p: Program, mutation: str) -> None:
    """Three steps of descent in one tf.while_loop; gradients are taken in its body."""
    x, y = p.batch()
    w1, w2 = p.variable("w1", [5, 4]), p.variable("w2", [4, 3])

    def loss_of() -> Any:
        logits = tf.matmul(tf.nn.relu(tf.matmul(x, w1) + 0.5), w2)
        return cross_entropy(y, logits)

    # What the oracle looks at stands outside; the loop repeats it.
    data = p.data(loss_of())
    p.l2("w1", w1)
    p.l2("w2", w2)
    state = dict(p.penalties)
    outer = p.combine(data, mutation)
    p.ports(list(zip(tf.gradients(outer, [w1, w2]), [w1, w2], strict=True)))
    p.running.optimized = outer.name

    def body(i: Any, _: Any) -> Any:
        inner_data = loss_of()
        p.penalties = {}
        p.l2("w1", w1)
        p.l2("w2", w2)
        loss = p.combine(inner_data, mutation)
        grads = tf.gradients(loss, [w1, w2])
        updates = [v.assign_sub(0.1 * g) for v, g in zip([w1, w2], grads, strict=True)]
        with tf.control_dependencies(updates):
            return i + 1, tf.identity(loss)

    _, last = tf.while_loop(lambda i, _: i < 3, body, (0, 0.0))
    p.penalties = state
    p.train_op = last.op


def penalty_in_map(p: Program, mutation: str) -> None:
    """The penalty is a map_fn over the rows of the weights."""
    x, y = p.batch()
    w1, _, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    s = p.strength("w1", 0.01)
    rows = tf.map_fn(lambda row: tf.sqrt(tf.reduce_sum(row * row) + 1e-6), w1)
    v1.add_to_collection(REGULARIZATION, p.penalty("w1", s * tf.reduce_sum(rows), w1))
    p.unlisted.add("w1")
    p.minimize(p.combine(data, mutation))


def penalty_scanned(p: Program, mutation: str) -> None:
    """Foldl over the stacked norms of two weights."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    s = p.strength("w", 0.01)
    norms = tf.stack([tf.nn.l2_loss(w1), tf.nn.l2_loss(w2)])
    total = p.penalty("w", s * tf.foldl(lambda a, b: a + b, norms, 0.0), w1, w2)
    v1.add_to_collection(REGULARIZATION, total)
    p.unlisted.add("w")
    p.minimize(p.combine(data, mutation))


def chosen_by_case(p: Program, mutation: str, old: bool) -> None:
    """switch_case picks one of three kinds of data loss; penalties stand outside of it."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    kind = v1.placeholder(tf.int32, [], name="kind")
    p.feed(kind, np.int32(1))
    with _flow(old):
        data = tf.switch_case(
            kind,
            [
                lambda: tf.reduce_mean(tf.square(logits)),
                lambda: cross_entropy(y, logits),
                lambda: tf.reduce_mean(tf.abs(logits)),
            ],
        )
        p.data(data)
        p.l2("w1", w1)
        p.l2("w2", w2)
        p.minimize(p.combine(data, mutation))


def loss_and_penalty_in_cond(p: Program, mutation: str, old: bool) -> None:
    """Warm-up: the true branch leaves the penalties out, the false one adds them."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    step = v1.train.get_or_create_global_step()
    data = p.data(cross_entropy(y, logits))
    terms = [p.l2("w1", w1), p.l2("w2", w2)]
    with _flow(old):
        loss = tf.cond(
            step > 100,
            lambda: data + 0.0,
            lambda: data + tf.add_n(terms) if mutation == "included" else data * 1.0,
        )
        for key in p.penalties:
            p.expected[key] = (mutation, None)
        p.minimize(loss)


def custom_loss_gradient(p: Program, mutation: str) -> None:
    """A custom_gradient around the data loss only; penalties as ever."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)

    @tf.custom_gradient
    def clipped(z: Any) -> Any:
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z)

        def grad(dy: Any) -> Any:
            probabilities = tf.nn.softmax(z) - tf.one_hot(y, 3)
            return dy * probabilities / 4.0

        return tf.reduce_mean(each), grad

    p.running.numeric = True
    data = p.data(clipped(logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.minimize(p.combine(data, mutation))


def custom_identity(p: Program, mutation: str) -> None:
    """A custom_gradient that hands on the gradient unchanged stands around the whole loss."""
    _, _, data = _model(p, collect=True)
    loss = p.combine(data, mutation)

    @tf.custom_gradient
    def passing(z: Any) -> Any:
        return tf.identity(z), lambda dy: dy

    p.minimize(passing(loss))


def custom_reversal(p: Program, mutation: str) -> None:
    """Gradient reversal (DANN) between features and a second head; penalties on all weights."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    head = p.variable("domain", [4, 2])
    h = tf.nn.relu(tf.matmul(x, w1))

    @tf.custom_gradient
    def reverse(z: Any) -> Any:
        return tf.identity(z), lambda dy: -0.3 * dy

    domain = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.math.floormod(y, 2), logits=tf.matmul(reverse(h), head)
        )
    )
    data = cross_entropy(y, logits) + domain
    p.data(data)
    for key, w in (("w1", w1), ("w2", w2), ("head", head)):
        p.l2(key, w)
    p.minimize(p.combine(data, mutation))


def second_order(p: Program, mutation: str) -> None:
    """A Hessian-vector product is in the data loss (MAML-like inner step)."""
    x, y = p.batch()
    w = p.variable("w", [5, 3])
    inner = cross_entropy(y, tf.matmul(x, w))
    fast = w - 0.1 * tf.gradients(inner, w)[0]
    data = p.data(cross_entropy(y, tf.matmul(x, fast)))
    p.l2("w", w)
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def maml_inner_penalty(p: Program, mutation: str) -> None:
    """The penalty also stands in the inner step's loss; only the outer one counts."""
    x, y = p.batch()
    w = p.variable("w", [5, 3])
    penalty = p.l2("w", w)
    inner = cross_entropy(y, tf.matmul(x, w))
    fast = w - 0.1 * tf.gradients(inner, w)[0]
    data = p.data(cross_entropy(y, tf.matmul(x, fast)))
    del penalty
    p.minimize(p.combine(data, mutation))


_TWO = ("included", "missing")
_THREE = ("included", "missing", "blocked")
for _old, _tag in ((True, "switch"), (False, "if")):
    for _f in (every_second_step, step_in_cond, chosen_by_case, loss_and_penalty_in_cond):
        register(f"{_f.__name__}_{_tag}", lambda p, m, f=_f, o=_old: f(p, m, o), _TWO)
register("penalty_in_map", penalty_in_map, ("included", "missing", "half"))
register("penalty_scanned", penalty_scanned, ("included", "missing", "half"))
for _f in (training_in_loop, custom_loss_gradient, custom_identity, custom_reversal):
    register(_f.__name__, _f, _THREE)
register("second_order", second_order, ("included", "missing", "twice"))
register("maml_inner_penalty", maml_inner_penalty, _TWO)
