# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: towers, clones, accumulators, wrapped optimizers."""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _clone_losses(p: Program, count: int) -> tuple[list[Any], Any, Any]:
    x, y = p.batch(size=6)
    losses = []
    for index, (part, labels) in enumerate(
        zip(tf.split(x, count), tf.split(y, count), strict=True)
    ):
        with v1.variable_scope("model", reuse=index > 0), v1.name_scope(f"clone_{index}"):
            if index == 0:
                w1, w2, logits = p.mlp(part)
                b1, b2 = (v for v in v1.trainable_variables() if "biases" in v.name)
            else:
                h = tf.nn.relu(tf.matmul(part, w1) + b1 + 0.5)
                logits = tf.matmul(h, w2) + b2
            losses.append(cross_entropy(labels, logits))
    return losses, w1, w2


def clones(p: Program, mutation: str, count: int = 3) -> None:
    """Slim's model_deploy: losses over the number of clones, gradients summed, decay on clone 0.

    `each`: every clone adds the penalties undivided; `divided`: every clone adds them over
    the number of clones; `first_only` divided by the number too (a wrong one).
    """
    losses, w1, w2 = _clone_losses(p, count)
    penalties = [p.l2("w1", w1), p.l2("w2", w2)]
    for loss in losses:
        p.data(loss, weight=1.0 / count)
    regularization = tf.add_n(penalties, name="regularization_loss")
    totals = []
    for index, loss in enumerate(losses):
        total = tf.divide(loss, count, name=f"clone_{index}_loss")
        if mutation == "each" or (mutation == "included" and index == 0):
            total = total + regularization
        elif mutation == "divided" or (mutation == "first_divided" and index == 0):
            total = total + regularization / count
        elif mutation == "blocked" and index == 0:
            total = total + tf.stop_gradient(regularization)
        totals.append(total)
    p.expect_all(
        *{
            "included": ("included", 1.0),
            "divided": ("included", 1.0),
            "each": ("double_counted", float(count)),
            "first_divided": ("scaled", 1.0 / count),
            "missing": ("missing", 0.0),
            "blocked": ("blocked", 0.0),
        }[mutation]
    )
    optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
    pairs = []
    for per_variable in zip(*[optimizer.compute_gradients(t) for t in totals], strict=True):
        summed = tf.add_n([g for g, _ in per_variable])
        pairs.append((summed, per_variable[0][1]))
    p.running.optimized = functools.reduce(lambda a, b: a + b, totals).name
    p.train_op = optimizer.apply_gradients(p.ports(pairs))


def towers_clipped(p: Program, mutation: str) -> None:
    """Averages over three towers, clipped by the global norm, scaled rates for biases."""
    losses, w1, w2 = _clone_losses(p, 3)
    terms = [p.l2("w1", w1), p.l2("w2", w2)]
    for loss in losses:
        p.data(loss, weight=1.0 / 3.0)
    factor = {"included": 1.0, "half": 0.5, "twice": 2.0}.get(mutation)
    p.expect_all(
        *{
            "included": ("included", 1.0),
            "half": ("scaled", 0.5),
            "twice": ("double_counted", 2.0),
            "missing": ("missing", 0.0),
        }[mutation]
    )
    optimizer = v1.train.AdamOptimizer(0.01)
    totals = [loss + factor * tf.add_n(terms) if factor else loss + 0.0 for loss in losses]
    per_tower = [optimizer.compute_gradients(total) for total in totals]
    averaged = []
    for pairs in zip(*per_tower, strict=True):
        expanded = [tf.expand_dims(g, 0) for g, _ in pairs]
        averaged.append((tf.reduce_mean(tf.concat(expanded, 0), 0), pairs[0][1]))
    p.ports(averaged)
    clipped, _ = tf.clip_by_global_norm([g for g, _ in averaged], 1.0)
    received = [
        (g * (2.0 if "biases" in v.name else 1.0), v)
        for g, (_, v) in zip(clipped, averaged, strict=True)
    ]
    p.train_op = optimizer.apply_gradients(received)


def conditional_accumulator(p: Program, mutation: str) -> None:
    """Gradients pass through a ConditionalAccumulator that averages two of them."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.GradientDescentOptimizer(0.1)
    pairs = p.ports(optimizer.compute_gradients(loss))
    received, pushes = [], []
    for g, v in pairs:
        accumulator = v1.ConditionalAccumulator(tf.float32, shape=v.shape)
        pushes.append(accumulator.apply_grad(g, 0))
        received.append((accumulator.take_grad(2), v))
    with tf.control_dependencies(pushes):
        p.train_op = optimizer.apply_gradients(received)


def stale_queue(p: Program, mutation: str) -> None:
    """Gradients travel through a FIFOQueue (a pipeline) before they are applied."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.GradientDescentOptimizer(0.1)
    pairs = p.ports(optimizer.compute_gradients(loss))
    queue = tf.queue.FIFOQueue(
        4, [tf.float32] * len(pairs), [v.shape for _, v in pairs], name="gradients_queue"
    )
    put = queue.enqueue([g for g, _ in pairs])
    with tf.control_dependencies([put]):
        taken = queue.dequeue()
    for t, (_, v) in zip(taken, pairs, strict=True):
        t.set_shape(v.shape)
    p.train_op = optimizer.apply_gradients([(t, v) for t, (_, v) in zip(taken, pairs, strict=True)])


def wrapped(p: Program, mutation: str) -> None:
    """An optimizer around an optimizer: scales the loss, unscales, sums by name (Horovod-like)."""

    class Distributed(v1.train.Optimizer):
        def __init__(self, inner: Any) -> None:
            super().__init__(False, "Distributed")
            self._inner = inner

        def compute_gradients(self, loss: Any, *args: Any, **kwargs: Any) -> Any:
            pairs = self._inner.compute_gradients(loss * 64.0, *args, **kwargs)
            with v1.name_scope("DistributedGradients"):
                reduced = [(tf.raw_ops.Identity(input=g / 64.0), v) for g, v in pairs]
            return p.ports(reduced)

        def apply_gradients(self, *args: Any, **kwargs: Any) -> Any:
            return self._inner.apply_gradients(*args, **kwargs)

    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    p.l2("w1", w1)
    p.l2("w2", w2)
    p.minimize(p.combine(data, mutation), Distributed(v1.train.AdamOptimizer(0.01)))


def wide_and_deep(p: Program, mutation: str) -> None:
    """Ftrl on the wide part, Adagrad on the deep part; embeddings averaged; L2 on both."""
    ids = v1.placeholder(tf.int64, [4, 2], name="ids")
    p.feed(ids, [[0, 1], [2, 2], [3, 0], [4, 1]])
    x, y = p.batch(features=3)
    with v1.variable_scope("linear"):
        wide = p.variable("weights", [5, 3])
    with v1.variable_scope("dnn"):
        table = p.variable("embedding", [5, 2])
        kernel = p.variable("kernel", [5, 3])
    linear = tf.reduce_sum(tf.nn.embedding_lookup(wide, ids), 1)
    deep = tf.concat([tf.reduce_mean(tf.nn.embedding_lookup(table, ids), 1), x], 1)
    data = p.data(cross_entropy(y, linear + tf.matmul(deep, kernel)))
    for key, v in (("wide", wide), ("table", table), ("kernel", kernel)):
        p.l2(key, v)
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    p.train_op = tf.group(
        v1.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01).minimize(
            loss, var_list=[wide]
        ),
        v1.train.AdagradOptimizer(0.05).minimize(loss, var_list=[table, kernel]),
        name="train",
    )


def gan(p: Program, mutation: str) -> None:
    """Generator and discriminator, ratio 1 to 2, both with spectral or plain decay."""
    z = v1.placeholder(tf.float32, [None, 3], name="z")
    p.feed(z, p.random.normal(size=(4, 3)))
    x, _ = p.batch(features=4)
    with v1.variable_scope("generator"):
        g = p.variable("w", [3, 4])
    with v1.variable_scope("discriminator"):
        d = p.variable("w", [4, 1])
    real, fake = tf.matmul(x, d), tf.matmul(tf.tanh(tf.matmul(z, g)), d)
    d_data = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
    g_data = tf.reduce_mean(tf.nn.softplus(-fake))
    p.data(d_data, of=d)
    p.data(g_data, of=g)
    g_term, d_term = p.l2("g", g), p.l2("d", d)
    g_loss, d_loss = {
        "included": (g_data + g_term, d_data + d_term),
        "summed": (g_data + (g_term + d_term), d_data + (g_term + d_term)),
        "swapped": (g_data + d_term, d_data + g_term),
        "g_twice": (g_data + 2.0 * g_term, d_data + d_term),
    }[mutation]
    p.expect("d", "missing" if mutation == "swapped" else "included")
    state = {"swapped": ("missing", 0.0), "g_twice": ("double_counted", 2.0)}
    p.expect("g", *state.get(mutation, ("included", 1.0)))
    d_step = v1.train.RMSPropOptimizer(0.01).minimize(d_loss, var_list=[d])
    with tf.control_dependencies([d_step]):
        g_step = v1.train.RMSPropOptimizer(0.01).minimize(g_loss, var_list=[g])
    p.train_op = g_step


def workers(p: Program, mutation: str) -> None:
    """Each worker computes with a copy of the shared network, which its gradients update."""
    shared = []
    with v1.variable_scope("shared"):
        for name, shape in (("hidden", [5, 4]), ("policy", [4, 3])):
            shared.append(p.variable(name, shape))
    updates = []
    for index in range(2):
        x, y = p.batch()
        with v1.variable_scope(f"worker_{index}"):
            own = [p.variable(v.op.name.split("/")[-1], v.shape) for v in shared]
        h = tf.nn.relu(tf.matmul(x, own[0]) + 0.5)
        data = cross_entropy(y, tf.matmul(h, own[1]))
        penalties = [p.l2(f"{w.op.name}", w) for w in own]
        for penalty, w in zip(penalties, own, strict=True):
            v1.add_to_collection(REGULARIZATION, penalty)
            p.data(data, of=w)
        kept = {"included": penalties, "missing": [], "partial": penalties[:1]}[mutation]
        for position, w in enumerate(own):
            p.expect(w.op.name, "included" if position < len(kept) else "missing")
            if index:
                p.unlisted.add(w.op.name)  # Of the same variable as the first worker's.
        gradients = tf.gradients(tf.add_n([data, *kept]), own)
        p.ports(list(zip(gradients, own, strict=True)))
        p.ports(list(zip(gradients, shared, strict=True)))
        optimizer = v1.train.RMSPropOptimizer(0.01)
        clipped = [tf.clip_by_norm(gradient, 40.0) for gradient in gradients]
        pull = [v1.assign(w, v) for w, v in zip(own, shared, strict=True)]
        updates.append(optimizer.apply_gradients(zip(clipped, shared, strict=True)))
        updates.append(tf.group(*pull, name=f"pull_{index}"))
    p.train_op = tf.group(*updates, name="train")


_THREE = ("included", "partial", "blocked")
register("workers", workers, ("included", "missing", "partial"))
register("workers_ref", workers, ("included", "missing"), resource=False)
register("clones3", clones, ("included", "missing", "each", "divided", "first_divided", "blocked"))
register("towers3_clipped", towers_clipped, ("included", "missing", "half", "twice"))
register("towers3_clipped_ref", towers_clipped, ("half",), resource=False)
register("wide_and_deep", wide_and_deep, _THREE, resource=False)
register("accumulator", conditional_accumulator, _THREE)
register("gradient_queue", stale_queue, _THREE)
register("wrapped_optimizer", wrapped, _THREE)
register("gan_rmsprop", gan, ("included", "summed", "swapped", "g_twice"))
