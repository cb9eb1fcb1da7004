# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""TF1 programs: embeddings, sparse gradients, partitioned variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.tf1_losses import cross_entropy
from tests.zoo.tf1_optimizers import OPTIMIZERS
from tests.zoo.tf1_program import Program, register

v1 = tf.compat.v1
REGULARIZATION = v1.GraphKeys.REGULARIZATION_LOSSES


def _lookup(p: Program) -> tuple[Any, Any, Any, Any, Any]:
    ids = v1.placeholder(tf.int64, [None, 3], name="ids")
    y = v1.placeholder(tf.int64, [None], name="labels")
    p.feed(ids, np.array([[0, 2, 2], [5, 1, 0]]))
    p.feed(y, np.array([1, 0]))
    table = p.variable("embeddings", [7, 4])
    rows = tf.nn.embedding_lookup(table, ids)
    out = p.variable("weights", [4, 3])
    data = p.data(cross_entropy(y, tf.matmul(tf.reduce_mean(rows, 1), out)))
    return table, rows, out, data, ids


def embedding(make: Callable[[], Any]) -> Callable[[Program, str], None]:
    """Sparse data gradient, dense L2 on the table."""

    def family(p: Program, mutation: str) -> None:
        table, _, out, data, _ = _lookup(p)
        p.l2("table", table)
        p.l2("out", out)
        _minimize(p, p.combine(data, mutation), make())

    return family


def _minimize(p: Program, loss: Any, optimizer: Any) -> None:
    # Several optimizers write rows without an Apply op: the oracle must be told the port.
    p.running.optimized = loss.name
    p.train_op = optimizer.apply_gradients(p.ports(optimizer.compute_gradients(loss)))


def embedding_untouched(p: Program, mutation: str) -> None:
    """The table has a sparse update only; the penalty stands on the output weights."""
    _, _, out, data, _ = _lookup(p)
    p.l2("out", out)
    _minimize(p, p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


def gathered_rows(p: Program, mutation: str) -> None:
    """Recommenders: L2 of the looked-up rows only. The ids are an index, not data."""
    table, rows, out, data, _ = _lookup(p)
    loss = p.strength("rows", 0.01) * tf.nn.l2_loss(rows)
    v1.add_to_collection(REGULARIZATION, p.penalty("rows", loss, table))
    v1.add_to_collection(REGULARIZATION, p.l2("out", out))
    p.unlisted.add("rows")
    _minimize(p, p.combine(data, mutation), v1.train.AdagradOptimizer(0.1))


def factorized(make: Callable[[], Any]) -> Callable[[Program, str], None]:
    """Ratings of users for items, in batches of one size, with a bias of each row.

    The biases are only added to the prediction, whose error is squared.
    """

    def family(p: Program, mutation: str) -> None:
        picks, tables, biases = [], [], []
        for name, size in (("user", 7), ("item", 5)):
            ids = v1.placeholder(tf.int32, [6], name=f"{name}_ids")
            p.feed(ids, p.random.integers(0, size, size=6))
            tables.append(p.variable(f"{name}_factors", [size, 4]))
            biases.append(p.variable(f"{name}_bias", [size]))
            picks.append(ids)
        ratings = v1.placeholder(tf.float32, [6], name="ratings")
        p.feed(ratings, p.random.normal(size=6))
        look = tf.nn.embedding_lookup
        rows = [look(table, ids) for table, ids in zip(tables, picks, strict=True)]
        told = tf.reduce_sum(rows[0] * rows[1], 1)
        for bias, ids in zip(biases, picks, strict=True):
            told += look(bias, ids)
        data = p.data(tf.nn.l2_loss(told - ratings))
        norms = tf.nn.l2_loss(rows[0]) + tf.nn.l2_loss(rows[1])
        p.penalty("rows", p.strength("rows", 0.02) * norms, *tables)
        norms = tf.nn.l2_loss(biases[0]) + tf.nn.l2_loss(biases[1])
        p.penalty("biases", p.strength("biases", 0.05) * norms, *biases)
        _minimize(p, p.combine(data, mutation), make())

    return family


def wide(p: Program, mutation: str) -> None:
    """A linear model of picked rows beside a deep one; the labels meet their sum."""
    ids = v1.placeholder(tf.int32, [4, 2], name="ids")
    y = v1.placeholder(tf.float32, [4, 1], name="labels")
    p.feed(ids, p.random.integers(0, 7, size=(4, 2)))
    p.feed(y, p.random.integers(0, 2, size=(4, 1)))
    linear, table, w = (
        p.variable("wide", [7, 1]),
        p.variable("deep", [7, 4]),
        p.variable("weights", [8, 1]),
    )
    deep = tf.matmul(tf.reshape(tf.nn.embedding_lookup(table, ids), [4, 8]), w)
    logits = tf.reduce_sum(tf.nn.embedding_lookup(linear, ids), 1) + deep
    losses = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=y)
    data = p.data(tf.reduce_mean(losses))
    for key, variable in (("wide", linear), ("deep", table), ("w", w)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, variable))
    _minimize(p, p.combine(data, mutation), v1.train.FtrlOptimizer(0.1))


def language_model(p: Program, mutation: str) -> None:
    """Words are looked up and read in a loop; the only other input are the next words."""
    words = v1.placeholder(tf.int32, [3, 4], name="words")
    following = v1.placeholder(tf.int32, [3], name="following")
    p.feed(words, p.random.integers(0, 7, size=(3, 4)))
    p.feed(following, p.random.integers(0, 7, size=3))
    table, cell, out = (
        p.variable(name, shape)
        for name, shape in (("embeddings", [7, 4]), ("cell", [9, 5]), ("weights", [5, 7]))
    )
    rows = tf.transpose(tf.nn.embedding_lookup(table, words), [1, 0, 2])
    inputs = tf.TensorArray(tf.float32, 4).unstack(rows)

    def step(time: Any, state: Any) -> tuple[Any, Any]:
        return time + 1, tf.tanh(tf.matmul(tf.concat([inputs.read(time), state], 1), cell))

    _, state = tf.while_loop(lambda time, _: time < 4, step, [0, tf.zeros([3, 5])])
    data = p.data(cross_entropy(following, tf.matmul(state, out)))
    for key, variable in (("table", table), ("cell", cell), ("out", out)):
        v1.add_to_collection(REGULARIZATION, p.l2(key, variable))
    loss = p.combine(data, mutation)
    p.running.optimized = loss.name
    optimizer = v1.train.GradientDescentOptimizer(1.0)
    pairs = p.ports(optimizer.compute_gradients(loss))
    clipped, _ = tf.clip_by_global_norm([gradient for gradient, _ in pairs], 5.0)
    kept = [variable for _, variable in pairs]
    p.train_op = optimizer.apply_gradients(zip(clipped, kept, strict=True))


def word2vec(p: Program, mutation: str) -> None:
    """Updates by scatter_sub on the looked-up rows."""
    ids = v1.placeholder(tf.int64, [None], name="ids")
    p.feed(ids, np.array([1, 4, 6]))
    table = p.variable("embeddings", [7, 4])
    target = p.variable("weights", [4, 3])
    rows = tf.nn.embedding_lookup(table, ids)
    data = p.data(tf.reduce_mean(tf.nn.softplus(-tf.matmul(rows, target))))
    loss = p.strength("rows", 0.01) * tf.nn.l2_loss(rows)
    v1.add_to_collection(REGULARIZATION, p.penalty("rows", loss, table))
    p.unlisted.add("rows")
    p.bare = ("no_regularization",) if mutation in ("missing", "blocked") else ()
    total = p.combine(data, mutation)
    p.running.optimized = total.name
    row_gradient, target_gradient = tf.gradients(total, [rows, target])
    p.port(table, tf.IndexedSlices(row_gradient, ids))
    p.port(target, target_gradient)
    p.train_op = tf.group(
        v1.scatter_sub(table, ids, 0.1 * row_gradient),
        v1.assign_sub(target, 0.1 * target_gradient),
        name="train",
    )


def partitioned(p: Program, mutation: str) -> None:
    """A variable in two parts: a penalty each, or one on the whole."""
    x, y = p.batch()
    with v1.variable_scope("fc", partitioner=v1.fixed_size_partitioner(2)):
        start = v1.random_uniform_initializer(-1, 1, seed=5)
        whole = v1.get_variable("weights", [5, 3], initializer=start, use_resource=p.resource)
    parts = list(whole)
    data = p.data(cross_entropy(y, tf.matmul(x, tf.convert_to_tensor(whole))))
    for index, part in enumerate(parts):
        v1.add_to_collection(REGULARIZATION, p.l2(f"part{index}", part))
    p.minimize(p.combine(data, mutation), v1.train.AdagradOptimizer(0.1))


def concatenated(p: Program, mutation: str) -> None:
    """One penalty on the concatenation of all flattened weights."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    flat = tf.concat([tf.reshape(w1, [-1]), tf.reshape(w2, [-1])], 0)
    loss = p.strength("flat", 0.01) * tf.reduce_sum(tf.square(flat))
    v1.add_to_collection(REGULARIZATION, p.penalty("flat", loss, w1, w2))
    p.minimize(p.combine(data, mutation))


def partial_slice(p: Program, mutation: str) -> None:
    """A penalty that leaves out the bias row of a weight."""
    x, y = p.batch()
    w1, w2, logits = p.mlp(x)
    data = p.data(cross_entropy(y, logits))
    loss = p.strength("w1", 0.01) * tf.nn.l2_loss(w1[1:, :])
    v1.add_to_collection(REGULARIZATION, p.penalty("w1", loss, w1))
    v1.add_to_collection(REGULARIZATION, p.l2("w2", w2))
    p.minimize(p.combine(data, mutation), v1.train.AdamOptimizer(0.01))


_FOUR = ("included", "missing", "half", "partial")
for _name in ("gradient_descent", "momentum", "adam", "adagrad", "rmsprop", "ftrl"):
    _make = OPTIMIZERS[_name]
    register(f"embedding_{_name}_resource", embedding(_make), _FOUR)
    register(f"embedding_{_name}_ref", embedding(_make), ("included", "missing"), resource=False)
for _resource, _tag in ((True, "resource"), (False, "ref")):
    register(f"embedding_untouched_{_tag}", embedding_untouched, ("included", "missing"), _resource)
    register(f"gathered_rows_{_tag}", gathered_rows, _FOUR, resource=_resource)
    register(f"word2vec_{_tag}", word2vec, ("included", "missing", "half"), resource=_resource)
    for _name in ("gradient_descent", "adam"):
        _family = factorized(OPTIMIZERS[_name])
        register(f"factorized_{_name}_{_tag}", _family, _FOUR, resource=_resource)
register("wide", wide, _FOUR)
register("language_model", language_model, _FOUR)
register("partitioned", partitioned, _FOUR)
register("concatenated", concatenated, ("included", "missing", "half", "blocked"))
register("partial_slice", partial_slice, _FOUR)
