# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: several optimizers and train ops, stale copies, evaluation graphs."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def gan(p: Program, mutation: str) -> None:
    """Two players with an optimizer each; the mutation says whose penalty goes where."""
    z = v1.placeholder(tf.float32, [4, 3], name="noise")
    real = v1.placeholder(tf.float32, [4, 5], name="real")
    p.feed(z, p.random.normal(size=(4, 3)).astype(np.float32))
    p.feed(real, p.random.normal(size=(4, 5)).astype(np.float32))
    with v1.variable_scope("generator"):
        g = p.variable("weights", [3, 5])
        fake = tf.nn.tanh(tf.matmul(z, g))
    with v1.variable_scope("discriminator"):
        d = p.variable("weights", [5, 1])
        on_real, on_fake = tf.matmul(real, d), tf.matmul(fake, d)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    d_data = tf.reduce_mean(entropy(labels=tf.ones_like(on_real), logits=on_real)) + tf.reduce_mean(
        entropy(labels=tf.zeros_like(on_fake), logits=on_fake)
    )
    g_data = tf.reduce_mean(entropy(labels=tf.ones_like(on_fake), logits=on_fake))
    p.data(d_data, of=d)
    p.data(g_data, of=g)
    r_g, r_d = p.l2("generator", g), p.l2("discriminator", d)
    for loss in (r_g, r_d):
        v1.add_to_collection(REGULARIZATION, loss)
    d_loss, g_loss = {
        "included": (d_data + r_d, g_data + r_g),
        "both": (d_data + r_d + r_g, g_data + r_g + r_d),
        "swapped": (d_data + r_g, g_data + r_d),
        "one": (d_data + r_d, g_data),
        "none": (d_data, g_data),
    }[mutation]
    states = {
        "included": ("included", "included"),
        "both": ("included", "included"),
        "swapped": ("blocked", "blocked"),
        "one": ("missing", "included"),
        "none": ("missing", "missing"),
    }[mutation]
    if mutation == "swapped":
        # In a loss, but in none whose optimizer updates the penalized variable.
        states = ("missing", "missing")
    p.expect("generator", states[0])
    p.expect("discriminator", states[1])
    first = v1.train.AdamOptimizer(0.01).minimize(d_loss, var_list=[d])
    second = v1.train.AdamOptimizer(0.01).minimize(g_loss, var_list=[g])
    v1.summary.scalar("d_loss", d_loss)
    v1.summary.scalar("g_loss", g_loss)
    p.train_op = tf.group(first, second, name="train")


def two_rates(p: Program, mutation: str) -> None:
    """One loss, two optimizers for two groups of variables."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    variables = v1.trainable_variables()
    gradients = tf.gradients(loss, variables)
    pairs = list(zip(gradients, variables, strict=True))
    slow = [(g, v) for g, v in pairs if "fc1" in v.name]
    fast = [(g, v) for g, v in pairs if "fc2" in v.name]
    p.train_op = tf.group(
        v1.train.GradientDescentOptimizer(0.01).apply_gradients(slow),
        v1.train.AdamOptimizer(0.1).apply_gradients(fast),
        name="train",
    )


def rerun_cell(p: Program, mutation: str) -> None:
    """A notebook's training cell was run twice, first without (or with) the penalties.

    The newest train op counts; the mutation is its state.
    """
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    old = {"included": "missing", "missing": "included"}[mutation]
    old_loss = data if old == "missing" else data + tf.add_n(v1.get_collection(REGULARIZATION))
    old_op = v1.train.AdamOptimizer(0.01).minimize(old_loss)
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))
    v1.get_collection_ref(v1.GraphKeys.TRAIN_OP)[:] = [old_op, p.train_op]
    # The ports of both stand in the graph; the oracle must look at the newer.
    newest(p)


def newest(p: Program) -> None:
    """Points the oracle at the last Apply op of each variable."""
    for op in v1.get_default_graph().get_operations():
        if op.type == "ResourceApplyAdam":
            handle = op.inputs[0].op.name
            p.running.ports[handle] = (op.inputs[9].name, None)


def choice_by_flag(p: Program, mutation: str) -> None:
    """Two train ops for the same variables, chosen by a flag when the session runs.

    Only the training code's declaration can tell which one runs.
    """
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w1), ("w2", w2)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    with v1.name_scope("pretrain"):
        plain = v1.train.AdamOptimizer(0.01).minimize(data)
    newest(p)
    plain_ports = dict(p.running.ports)
    with v1.name_scope("finetune"):
        decayed = v1.train.AdamOptimizer(0.001).minimize(v1.losses.get_total_loss())
    newest(p)
    if mutation == "included":
        p.train_op = decayed
        p.running.optimized = v1.losses.get_total_loss(name="total_loss_again").name
    else:
        p.running.ports = plain_ports
        p.train_op = plain
        p.running.optimized = data.name
    p.expect_all(mutation)
    p.judge_declared = True
    p.also = p.bare = ("unknown",)


def alternating(p: Program, mutation: str) -> None:
    """Two losses on the same variables, trained in turn by two optimizers that both decay."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    other = tf.reduce_mean(tf.square(logits), name="consistency")
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.expect_all(mutation)
    penalty = tf.add_n([loss for loss, _ in p.penalties.values()])
    add = penalty if mutation == "included" else 0.0
    second = v1.train.GradientDescentOptimizer(0.1).minimize(other + add)
    first = v1.train.AdamOptimizer(0.01).minimize(data + add)
    newest(p)
    p.train_op = tf.group(first, second)


def stale_copy(p: Program, mutation: str) -> None:
    """A first copy of the model with its penalties stands unused in the graph."""
    x, y = p.batch()
    with v1.variable_scope("model"):
        w1, _, logits = p.mlp(x)
    v1.losses.sparse_softmax_cross_entropy(y, logits, loss_collection=None)
    v1.add_to_collection(REGULARIZATION, p.l2("stale", w1))
    p.expect("stale", "frozen")
    with v1.variable_scope("model_1"):
        w3, w4, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    for key, w in (("w1", w3), ("w2", w4)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, w))
    terms = [p.penalties[key][0] for key in ("w1", "w2")]
    p.expect_all(mutation)
    p.minimize(data + tf.add_n(terms) if mutation == "included" else data)


def evaluation(p: Program, mutation: str) -> None:
    """An evaluation graph: penalties, total loss, metrics, no training."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    v1.losses.sparse_softmax_cross_entropy(y, logits)
    for w in (w1, w2):
        v1.add_to_collection(REGULARIZATION, 0.01 * tf.nn.l2_loss(w))
    total = v1.losses.get_total_loss()
    v1.summary.scalar("total", total)
    v1.metrics.accuracy(y, tf.argmax(logits, 1))
    averages = v1.train.ExponentialMovingAverage(0.9)
    averages.apply([total])
    p.run = "not_training"


def no_penalty(p: Program, mutation: str) -> None:
    """Training without any regularization."""
    x, y = p.batch()
    _, _, logits = p.mlp(x)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    p.minimize(data, v1.train.AdamOptimizer(0.01))


def target_network(p: Program, mutation: str) -> None:
    """Q-learning: a target network is copied and averaged; its weights are not trained."""
    x, _ = p.batch()
    with v1.variable_scope("online"):
        w1, w2, q = p.mlp(x)
    with v1.variable_scope("target"):
        t1, t2, target = p.mlp(x)
    data = p.data(tf.reduce_mean(tf.square(tf.stop_gradient(0.9 * target + 1.0) - q)))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.minimize(p.combine(data, mutation), v1.train.RMSPropOptimizer(0.01))
    pairs = [(t1, w1), (t2, w2)]
    tf.group(*[v1.assign(t, w) for t, w in pairs], name="copy")
    tf.group(*[v1.assign(t, 0.99 * t + 0.01 * w) for t, w in pairs], name="average")


for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"gan_{_tag}", gan, ("included", "both", "swapped", "one", "none"), _resource)
    register(f"stale_copy_{_tag}", stale_copy, ("included", "missing"), resource=_resource)
    register(f"evaluation_{_tag}", evaluation, ("not_training",), resource=_resource)
    register(f"no_penalty_{_tag}", no_penalty, ("no_regularization",), resource=_resource)
    register(f"target_network_{_tag}", target_network, ("included", "missing"), _resource)
register("two_rates", two_rates, ("included", "missing", "partial", "blocked"))
register("rerun_cell", rerun_cell, ("included", "missing"))
register("choice_by_flag", choice_by_flag, ("included", "missing"))
register("alternating", alternating, ("included", "missing"))
