# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: kinds of penalties, collections, strengths."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def cross_entropy(y: Any, logits: Any) -> Any:
    """The data loss without tf.losses: no collection is filled."""
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    return tf.reduce_mean(each, name="cross_entropy")


def l2_raw(p: Program, mutation: str) -> None:
    """Two weights, L2 without any collection, plain sums."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2, 0.003)
    p.minimize(p.combine(data, mutation))


def l2_collected(p: Program, mutation: str) -> None:
    """tf.losses and a hand-filled collection REGULARIZATION_LOSSES."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    if mutation == "included":
        p.expect_all("included")
        loss = v1.losses.get_total_loss()
    elif mutation == "twice":
        p.expect_all("double_counted", 2.0)
        loss = v1.losses.get_total_loss() + v1.losses.get_regularization_loss()
    else:
        loss = p.combine(data, mutation, "grouped")
    p.minimize(loss)


def penalty_kinds(p: Program, mutation: str) -> None:
    """L1, L1L2, orthogonal, group lasso: one each."""
    x, y = p.batch(features=5)
    h = x
    weights = []
    for index, width in enumerate((4, 4, 4, 3)):
        with v1.variable_scope(f"fc{index}"):
            w = p.variable("weights", [int(h.shape[-1]), width])
            weights.append(w)
            h = tf.matmul(h, w)
            h = tf.nn.tanh(h) if index < 3 else h
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, h))
    a, b, c, d = weights
    l1 = p.strength("l1", 0.01) * tf.reduce_sum(tf.abs(a), name="l1_norm")
    s = p.strength("l1_l2", 0.005)
    l1_l2 = s * tf.reduce_sum(tf.abs(b)) + s * tf.nn.l2_loss(b)
    gram = tf.matmul(c, c, transpose_a=True) - tf.eye(4)
    orthogonal = p.strength("orthogonal", 0.02) * tf.reduce_sum(tf.square(gram))
    rows = tf.sqrt(tf.reduce_sum(tf.square(d), axis=1) + 1e-8)
    lasso = p.strength("lasso", 0.01) * tf.reduce_sum(rows)
    for key, loss, w in (("l1", l1, a), ("l1_l2", l1_l2, b), ("orthogonal", orthogonal, c)):
        v1.add_to_collection(REGULARIZATION, p.penalty(key, loss, w))
    v1.add_to_collection(REGULARIZATION, p.penalty("lasso", lasso, d))
    p.unlisted |= {"orthogonal", "lasso", "l1_l2", "l1"}
    p.bare = ("no_regularization",) if mutation in ("missing", "blocked") else ()
    p.minimize(p.combine(data, mutation, "add_n"), v1.train.AdamOptimizer(0.01))


def one_penalty_all_weights(p: Program, mutation: str) -> None:
    """One regularization loss over all weights, as hand-written code has it."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    norms = tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables() if "bias" not in v.name])
    p.penalty("all", tf.multiply(norms, p.strength("all", 0.01), name="weight_decay"), w1, w2)
    p.minimize(p.combine(data, mutation), v1.train.MomentumOptimizer(0.01, 0.9))


def frozen(p: Program, mutation: str) -> None:
    """The first layer is not trained (var_list); its penalty is harmless."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.expect("w1", "frozen")
    loss = p.combine(data, mutation)
    p.minimize(loss, var_list=[w2, *[v for v in v1.trainable_variables() if "fc2/b" in v.name]])


def frozen_one_penalty(p: Program, mutation: str) -> None:
    """One penalty on all weights where only the second is trained."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    loss = p.strength("all", 0.01) * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2))
    p.penalty("all", loss, w1, w2)
    p.minimize(p.combine(data, mutation), var_list=[w2])


def partial_on_variables(p: Program, mutation: str) -> None:
    """One penalty on both weights whose gradient is cut for one of them only."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    loss = p.strength("all", 0.01) * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(tf.stop_gradient(w2)))
    p.penalty("all", loss, w1, w2)
    p.expect("all", "partial")
    p.minimize(data + loss)


def zero_strength(p: Program, mutation: str) -> None:
    """Strength 0.0 everywhere, used or not."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1, 0.0)
    p.l2("w2", w2, 0.0)
    for key in p.penalties:
        p.expect(key, "zero")
    p.bare = ("no_regularization",)
    p.minimize(p.combine(data, mutation))


def times_zero(p: Program, mutation: str) -> None:
    """The penalty sum is multiplied by 0 before it joins the loss: connected, not included."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    p.expect_all("missing")
    p.minimize(data + 0.0 * tf.add_n(v1.get_collection(REGULARIZATION)))


def annealed_placeholder(p: Program, mutation: str) -> None:
    """The strength is fed."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    beta = v1.placeholder_with_default(tf.constant(0.0), [], name="beta")
    p.feed(beta, p.strength("w", 0.02))
    p.penalty("w", tf.multiply(beta, tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2)), w1, w2)
    v1.add_to_collection(REGULARIZATION, p.penalties["w"][0])
    p.unlisted.add("w")
    p.minimize(p.combine(data, mutation))


def annealed_variable(p: Program, mutation: str) -> None:
    """The strength is an untrained variable that decays with the step."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    step = v1.train.get_or_create_global_step()
    for key, w in (("w1", w1), ("w2", w2)):
        beta = v1.get_variable(
            f"beta_{key}",
            initializer=tf.constant(p.strength(key, 0.02)),
            trainable=False,
            use_resource=p.resource,
        )
        decayed = beta * v1.train.exponential_decay(1.0, step, 100, 0.9)
        v1.add_to_collection(REGULARIZATION, p.penalty(key, decayed * tf.nn.l2_loss(w), w))
        p.unlisted.add(key)
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def custom_collection(p: Program, mutation: str) -> None:
    """Penalties in a collection of the user's own; `losses` holds data, penalties and total."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    v1.add_to_collection("losses", data)
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection("l2", p.l2(key, w))
    loss = p.combine(data, mutation, "add_n")
    if mutation == "included":
        v1.add_to_collection("losses", loss)
    p.minimize(loss)


def losses_collection(p: Program, mutation: str) -> None:
    """The CIFAR-10 tutorial: weight decay and cross entropy both in `losses`."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    for key, w in (("w1", w1), ("w2", w2)):
        decay = tf.multiply(tf.nn.l2_loss(w), p.strength(key, 0.004), name=f"weight_loss_{key}")
        v1.add_to_collection("losses", p.penalty(key, decay, w))
    data = p.data(cross_entropy(y, logits))
    v1.add_to_collection("losses", data)
    if mutation == "included":
        p.expect_all("included")
        loss = tf.add_n(v1.get_collection("losses"), name="total_loss")
        averages = v1.train.ExponentialMovingAverage(0.9)
        with tf.control_dependencies([averages.apply([*v1.get_collection("losses"), loss])]):
            loss = tf.identity(loss)
        for each in v1.get_collection("losses"):
            v1.summary.scalar(each.op.name, averages.average(each))
    else:
        loss = p.combine(data, mutation, "stack")
    p.minimize(loss)


def activity(p: Program, mutation: str) -> None:
    """A penalty on activations beside one on weights: it depends on data and stays a penalty."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    loss = p.combine(data, mutation, "add_n")
    sparsity = 0.001 * tf.reduce_sum(tf.abs(logits))
    loss = loss + sparsity
    p.data(sparsity)
    p.minimize(loss)


for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"l2_raw_{_tag}", l2_raw, resource=_resource)
    register(f"l2_collected_{_tag}", l2_collected, resource=_resource)
    register(f"penalty_kinds_{_tag}", penalty_kinds, resource=_resource)
_FOUR = ("included", "missing", "half", "blocked", "twice")
register("one_penalty_all_weights", one_penalty_all_weights, _FOUR)
register("one_penalty_all_weights_ref", one_penalty_all_weights, _FOUR, resource=False)
register("frozen", frozen, ("included", "missing", "half", "twice", "blocked"))
register("frozen_one_penalty", frozen_one_penalty, ("included", "missing"))
register("partial_on_variables", partial_on_variables, ("partial",))
register("zero_strength", zero_strength, ("included", "missing"))
register("zero_strength_ref", zero_strength, ("included", "missing"), resource=False)
register("times_zero", times_zero, ("missing",))
register("annealed_placeholder", annealed_placeholder, _FOUR)
register("annealed_variable", annealed_variable)
register("annealed_variable_ref", annealed_variable, ("included", "missing"), resource=False)
register("custom_collection", custom_collection, ("included", "missing", "partial", "blocked"))
register("losses_collection", losses_collection, ("included", "missing", "partial", "half"))
register("losses_collection_ref", losses_collection, ("included", "missing"), resource=False)
register("activity_beside", activity, ("included", "missing"))
