# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: cells and layers with regularizers, and unusual penalties."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tf_keras.src.layers.rnn import legacy_cells
from tf_keras.src.legacy_tf_layers import convolutional, core, normalization

from tests.zoo.tf1_layers import images
from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _finish(p: Program, data: Any, mutation: str, optimizer: Any = None) -> None:
    p.minimize(p.combine(data, mutation, "add_n"), optimizer or v1.train.AdamOptimizer(0.01))


def _cell(p: Program, mutation: str, make: Any, old: bool) -> None:
    p.running.numeric = True
    x = v1.placeholder(tf.float32, [2, 4, 3], name="sequence")
    y = v1.placeholder(tf.int64, [2], name="labels")
    p.feed(x, p.random.normal(size=(2, 4, 3)).astype(np.float32))
    p.feed(y, np.array([0, 1]))
    strength = p.strength("w", 0.01)
    if old:
        v1.disable_control_flow_v2()
    try:
        scope = v1.variable_scope(
            "rnn_net",
            regularizer=lambda v: strength * tf.nn.l2_loss(v),
            use_resource=p.resource,
            initializer=v1.random_normal_initializer(0.1, 0.5, seed=5),
        )
        with scope:
            outputs, _ = v1.nn.dynamic_rnn(make(), x, dtype=tf.float32)
            out = v1.get_variable("out", [outputs.shape[-1], 3])
            data = p.data(cross_entropy(y, tf.matmul(outputs[:, -1], out)))
        losses = v1.get_collection(REGULARIZATION)
        for index, (loss, v) in enumerate(zip(losses, v1.trainable_variables(), strict=True)):
            # The collection's own tensor stands in the loop; each use makes a twin outside of it.
            p.penalty(f"w:{index}", tf.identity(loss), v)
        _finish(p, data, mutation)
    finally:
        v1.enable_control_flow_v2()


def lstm_cell(p: Program, mutation: str, old: bool = True) -> None:
    """dynamic_rnn over a BasicLSTMCell in a scope with a regularizer: kernel and bias."""
    _cell(p, mutation, lambda: legacy_cells.BasicLSTMCell(3), old)


def gru_cell(p: Program, mutation: str, old: bool = True) -> None:
    """dynamic_rnn over a GRUCell in a scope with a regularizer."""
    _cell(p, mutation, lambda: legacy_cells.GRUCell(3), old)


def separable(p: Program, mutation: str) -> None:
    """separable_conv2d, conv2d_transpose and batch norm with regularizers of their own."""
    x, y = images(p)
    s = p.strength("w", 0.01)

    def l2(v: Any) -> Any:
        return s * tf.nn.l2_loss(v)

    with v1.variable_scope("net", use_resource=p.resource):
        h = convolutional.separable_conv2d(
            x, 3, 3, padding="same", depthwise_regularizer=l2, pointwise_regularizer=l2
        )
        h = normalization.batch_normalization(
            h, training=True, beta_regularizer=l2, gamma_regularizer=l2
        )
        h = convolutional.conv2d_transpose(h, 2, 2, kernel_regularizer=l2, bias_regularizer=l2)
        logits = core.dense(tf.reduce_mean(h, [1, 2]), 3)
    data = p.data(v1.losses.sparse_softmax_cross_entropy(y, logits))
    variables = {v.op.name: v for v in v1.trainable_variables()}
    for index, loss in enumerate(v1.get_collection(REGULARIZATION)):
        owner = variables[loss.op.name.split("/Regularizer")[0]]
        p.penalty(f"w:{index}", loss, owner)
    with tf.control_dependencies(v1.get_collection(v1.GraphKeys.UPDATE_OPS)):
        _finish(p, data, mutation)


def partitioned_regularized(p: Program, mutation: str) -> None:
    """A partitioned variable under a scope's regularizer: a penalty for each part."""
    x, y = p.batch(features=6)
    s = p.strength("w", 0.01)
    with v1.variable_scope(
        "net",
        partitioner=v1.fixed_size_partitioner(2),
        regularizer=lambda v: s * tf.nn.l2_loss(v),
        use_resource=p.resource,
    ):
        w = v1.get_variable("w", [6, 3], initializer=v1.random_normal_initializer(0.1, 0.5))
    data = p.data(cross_entropy(y, tf.matmul(x, tf.convert_to_tensor(w))))
    parts = v1.trainable_variables()
    losses = v1.get_collection(REGULARIZATION)
    if len(losses) == len(parts):
        for index, (loss, v) in enumerate(zip(losses, parts, strict=True)):
            p.penalty(f"w:{index}", loss, v)
    else:
        p.penalty("w", losses[0], *parts)
    _finish(p, data, mutation)


def on_products(p: Program, mutation: str) -> None:
    """A penalty on W1 @ W2 (path norm), one on the difference of two weights."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    tied = p.variable("tied", [5, 4])
    data = p.data(cross_entropy(y, logits) + 0.0)
    extra = tf.reduce_mean(tf.square(tf.matmul(x, tied)))
    data = p.data(data + 0.1 * extra)
    p.running.data = [(data.name, 1.0)]
    for key, loss, variables in (
        ("path", tf.nn.l2_loss(tf.matmul(w1, w2)), (w1, w2)),
        ("tie", tf.reduce_sum(tf.square(w1 - tied)), (w1, tied)),
    ):
        loss = p.penalty(key, p.strength(key) * loss, *variables)
        v1.add_to_collection(REGULARIZATION, loss)
        p.unlisted.add(key)
    _finish(p, data, mutation)


def rare_kinds(p: Program, mutation: str) -> None:
    """log(1 + w^2), entropy of softmax(w), Hoyer's ratio, max norm, smooth L0, Huber."""
    x, y = p.batch()
    h = x
    weights = []
    for index, width in enumerate((4, 4, 4, 4, 4, 3)):
        w = p.variable(f"w{index}", [int(h.shape[-1]), width])
        weights.append(w)
        h = tf.nn.tanh(tf.matmul(h, w))
    data = p.data(cross_entropy(y, h))

    def entropy(w: Any) -> Any:
        probabilities = tf.nn.softmax(w)
        return -tf.reduce_sum(probabilities * tf.math.log(probabilities))

    kinds = {
        "log": lambda w: tf.reduce_sum(tf.math.log1p(tf.square(w))),
        "entropy": entropy,
        "hoyer": lambda w: tf.square(tf.reduce_sum(tf.abs(w))) / tf.reduce_sum(tf.square(w)),
        "max": lambda w: tf.reduce_max(tf.norm(w, axis=0)),
        "l0": lambda w: tf.reduce_sum(1.0 - tf.exp(-tf.abs(w) / 0.5)),
        "huber": lambda w: tf.reduce_sum(
            tf.where(tf.abs(w) < 0.5, 0.5 * tf.square(w), 0.5 * (tf.abs(w) - 0.25))
        ),
    }
    for (key, kind), w in zip(kinds.items(), weights, strict=True):
        loss = p.penalty(key, p.strength(key) * kind(w), w)
        v1.add_to_collection(REGULARIZATION, loss)
        p.unlisted.add(key)
    _finish(p, data, mutation)


def spectral_penalty(p: Program, mutation: str) -> None:
    """The penalty is the largest singular value's square: power iteration, or svd."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    u = v1.get_variable("u", [5, 1], trainable=False, use_resource=p.resource)
    v = tf.nn.l2_normalize(tf.matmul(w1, u, transpose_a=True))
    new_u = tf.nn.l2_normalize(tf.matmul(w1, v))
    sigma = tf.reduce_sum(
        tf.matmul(tf.matmul(tf.stop_gradient(new_u), w1, transpose_a=True), tf.stop_gradient(v))
    )
    loss = p.penalty("w1", p.strength("w1") * tf.square(sigma), w1, u)
    v1.add_to_collection(REGULARIZATION, loss)
    nuclear = tf.reduce_sum(tf.linalg.trace(tf.matmul(w2, w2, transpose_a=True)))
    v1.add_to_collection(REGULARIZATION, p.penalty("w2", p.strength("w2") * nuclear, w2))
    p.unlisted |= {"w1", "w2"}
    with tf.control_dependencies([v1.assign(u, new_u)]):
        loss = p.combine(data, mutation)
    _minimize = p.minimize
    _minimize(loss)


def orthogonal(p: Program, mutation: str) -> None:
    """|W'W - I| and the SRIP form with a norm; one of cosine similarities."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    gram = tf.matmul(w1, w1, transpose_a=True) - tf.eye(4)
    v1.add_to_collection(REGULARIZATION, p.penalty("w1", p.strength("w1") * tf.norm(gram), w1))
    rows = tf.nn.l2_normalize(w2, axis=0)
    cosine = tf.matmul(rows, rows, transpose_a=True)
    off = tf.reduce_sum(tf.square(cosine - tf.linalg.diag(tf.linalg.diag_part(cosine))))
    v1.add_to_collection(REGULARIZATION, p.penalty("w2", p.strength("w2") * off, w2))
    p.unlisted |= {"w1", "w2"}
    _finish(p, data, mutation)


def uncertainty(p: Program, mutation: str) -> None:
    """Kendall's weighting: exp(-s) * loss + s, s trained; the strength is exp(-s) too, or not."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    s = p.variable("log_variance", [])
    data = p.data(tf.exp(-s) * cross_entropy(y, logits) + s)
    if mutation == "none":
        p.run = "no_regularization"
        p.minimize(data)
        return
    loss = p.strength("w1") * tf.exp(-s) * tf.nn.l2_loss(w1)
    v1.add_to_collection(REGULARIZATION, p.penalty("w1", loss, w1, s))
    v1.add_to_collection(REGULARIZATION, p.l2("w2", w2))
    p.unlisted.add("w1")
    p.minimize(p.combine(data, mutation))


def by_schedule(p: Program, mutation: str) -> None:
    """The strength follows a schedule of the global step (exponential, piecewise)."""
    _, y = p.batch()
    x = v1.get_default_graph().get_tensor_by_name("images:0")
    w1, w2, logits = p.mlp(x)
    step = v1.train.get_or_create_global_step()
    data = p.data(cross_entropy(y, logits))
    first = v1.train.exponential_decay(p.strength("w1"), step, 10, 0.5)
    second = p.strength("w2") * tf.minimum(1.0, tf.cast(step + 1, tf.float32) / 100.0)
    for key, w, s in (("w1", w1, first), ("w2", w2, second)):
        v1.add_to_collection(REGULARIZATION, p.penalty(key, s * tf.nn.l2_loss(w), w))
    p.minimize(p.combine(data, mutation))


def sampled_softmax(p: Program, mutation: str) -> None:
    """Sampled softmax with sparse gradients on the output table; dense L2 on it and the bias."""
    x, _ = p.batch()
    labels = v1.placeholder(tf.int64, [None, 1], name="targets")
    p.feed(labels, [[0], [3], [5], [1]])
    w = p.variable("out", [8, 5])
    b = p.variable("bias", [8])
    losses = tf.nn.sampled_softmax_loss(w, b, labels, x, 3, 8, seed=3)
    data = p.data(tf.reduce_mean(losses))
    p.l2("w", w)
    p.l2("b", b)
    v1.get_default_graph().seed = 5
    p.minimize(p.combine(data, mutation), v1.train.AdagradOptimizer(0.1))


def tagger(p: Program, mutation: str) -> None:
    """A linear-chain CRF: the forward algorithm as a scan, transitions that tags pick."""
    x = v1.placeholder(tf.float32, [2, 4, 3], name="words")
    tags = v1.placeholder(tf.int32, [2, 4], name="tags")
    p.feed(x, p.random.normal(size=(2, 4, 3)).astype(np.float32))
    p.feed(tags, np.array([[0, 1, 2, 0], [1, 1, 0, 2]]))
    weights, transitions = p.variable("weights", [3, 3]), p.variable("transitions", [3, 3])
    unary = tf.reshape(tf.matmul(tf.reshape(x, [-1, 3]), weights), [2, 4, 3])
    picked = tf.gather_nd(transitions, tf.stack([tags[:, :-1], tags[:, 1:]], -1))
    score = tf.reduce_sum(unary * tf.one_hot(tags, 3), [1, 2]) + tf.reduce_sum(picked, 1)

    def forward(alphas: Any, step: Any) -> Any:
        return step + tf.reduce_logsumexp(alphas[:, :, None] + transitions[None], 1)

    steps = tf.transpose(unary, [1, 0, 2])
    alphas = tf.scan(forward, steps[1:], initializer=steps[0])
    data = p.data(tf.reduce_mean(tf.reduce_logsumexp(alphas[-1], 1) - score))
    p.l2("transitions", transitions)
    p.l2("weights", weights)
    _finish(p, data, mutation)


def encoder(p: Program, mutation: str) -> None:
    """Words are looked up and read in a while loop; their states are kept in a TensorArray."""
    words = v1.placeholder(tf.int32, [2, 3], name="words")
    y = v1.placeholder(tf.int64, [2, 3], name="labels")
    p.feed(words, np.array([[1, 2, 3], [3, 1, 0]]))
    p.feed(y, np.array([[0, 1, 2], [2, 3, 0]]))
    table, cell = p.variable("table", [4, 3]), p.variable("cell", [3, 3])
    out = p.variable("out", [3, 4])
    rows = tf.transpose(tf.nn.embedding_lookup(table, words), [1, 0, 2])
    frames = tf.TensorArray(tf.float32, 3).unstack(rows)

    def body(t: Any, h: Any, states: Any) -> Any:
        h = tf.tanh(frames.read(t) + tf.matmul(h, cell))
        return t + 1, h, states.write(t, h)

    start = (0, tf.zeros([2, 3]), tf.TensorArray(tf.float32, 3))
    states = tf.while_loop(lambda t, *_: t < 3, body, start)[2].stack()
    logits = tf.matmul(tf.reshape(tf.transpose(states, [1, 0, 2]), [-1, 3]), out)
    data = p.data(cross_entropy(tf.reshape(y, [-1]), logits))
    for key, w in (("table", table), ("cell", cell), ("out", out)):
        p.l2(key, w)
    optimizer = v1.train.AdamOptimizer(0.01)
    pairs = optimizer.compute_gradients(p.combine(data, mutation))
    p.train_op = optimizer.apply_gradients(p.ports(pairs))


_THREE = ("included", "missing", "half")
for _name, _f in (("lstm", lstm_cell), ("gru", gru_cell)):
    _mutations = ("included", "missing", "blocked")
    register(f"{_name}_cell_switch", _f, _mutations, resource=False)
    register(f"{_name}_cell_if", lambda p, m, f=_f: f(p, m, False), _mutations)
register("separable", separable, ("included", "partial", "blocked"))
register("partitioned_regularized", partitioned_regularized, ("included", "missing"))
register("partitioned_regularized_ref", partitioned_regularized, ("included",), resource=False)
for _f in (on_products, rare_kinds, spectral_penalty, orthogonal):
    register(_f.__name__, _f, _THREE)
register("uncertainty", uncertainty, ("included", "missing", "none"))
register("by_schedule", by_schedule, ("included", "partial"))
register("sampled_softmax", sampled_softmax, ("included", "missing"))
for _f in (tagger, encoder):
    register(_f.__name__, _f, ("included", "missing", "half", "partial"))
