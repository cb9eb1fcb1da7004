# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Logs of a real, large training program: ResNet-v2-200 on several towers.

Nothing is trained; TensorFlow builds the graph and writes it, as a GraphDef and
as a MetaGraphDef, with a few scalars beside it. Takes a minute or two.

python -m tests.benchmarks.tower_logs LOGDIR [--towers 4]
"""

from __future__ import annotations

import argparse
import os
import sys

from demo.legacy_keras import slim, tf  # has to come before other imports of TensorFlow

resnet_v2 = __import__("tf_slim.nets.resnet_v2", fromlist=["resnet_v2"])

_WEIGHT_DECAY = 1e-4
_CLASSES = 1001
_SCALARS = 200


def build(towers: int, missing: bool) -> tf.Graph:
    """Returns the training graph; each tower adds all regularization losses, or none does."""
    graph = tf.Graph()
    with graph.as_default(), tf.device("/cpu:0"):
        step = tf.train.get_or_create_global_step()
        rate = tf.train.exponential_decay(0.1, step, 30_000, 0.1, staircase=True)
        optimizer = tf.train.MomentumOptimizer(rate, 0.9)
        images = tf.placeholder(tf.float32, [None, 224, 224, 3], "images")
        labels = tf.placeholder(tf.int64, [None], "labels")
        parts = zip(tf.split(images, towers), tf.split(labels, towers), strict=True)
        gradients = []
        for number, (some_images, some_labels) in enumerate(parts):
            with (
                tf.device(f"/gpu:{number}"),
                tf.name_scope(f"tower_{number}"),
                tf.variable_scope(tf.get_variable_scope(), reuse=number > 0),
            ):
                loss = _loss(some_images, some_labels, missing)
                gradients.append(optimizer.compute_gradients(loss))
                _progress(number + 1, towers)
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS, "tower_0")
        averaged = [_mean(pairs) for pairs in zip(*gradients, strict=True)]
        with tf.control_dependencies(updates):
            train_op = optimizer.apply_gradients(averaged, global_step=step, name="train")
        tf.add_to_collection(tf.GraphKeys.TRAIN_OP, train_op)
        tf.train.Saver()
    return graph


def _loss(images: tf.Tensor, labels: tf.Tensor, missing: bool) -> tf.Tensor:
    with slim.arg_scope(resnet_v2.resnet_arg_scope(weight_decay=_WEIGHT_DECAY)):
        features, _ = resnet_v2.resnet_v2_200(images, _CLASSES, is_training=True)
    logits = tf.squeeze(features, [1, 2])
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    if missing:
        return loss
    return tf.add_n([loss, *tf.losses.get_regularization_losses()], name="total_loss")


def _mean(pairs: tuple[tuple[tf.Tensor, tf.Variable], ...]) -> tuple[tf.Tensor, tf.Variable]:
    parts = tf.concat([tf.expand_dims(gradient, 0) for gradient, _ in pairs], 0)
    return tf.reduce_mean(parts, 0), pairs[0][1]


def _progress(done: int, towers: int) -> None:
    if sys.stderr.isatty():
        print(f"\rtower {done} of {towers}", end="\n" if done == towers else "", file=sys.stderr)


def write(graph: tf.Graph, logdir: str) -> int:
    """Writes a graph and some scalars as a run; returns the size of the GraphDef."""
    with graph.as_default():
        # Writes a GraphDef, and a MetaGraphDef with it.
        writer = tf.summary.FileWriter(logdir, graph=graph)
        for step in range(_SCALARS):
            value = tf.Summary.Value(tag="losses/total_loss", simple_value=7.0 - step / _SCALARS)
            writer.add_summary(tf.Summary(value=[value]), step)
        writer.close()
    return int(graph.as_graph_def(add_shapes=True).ByteSize())


def main() -> None:
    """Writes runs `included` and `missing` below a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logdir")
    parser.add_argument("--towers", type=int, default=4)
    arguments = parser.parse_args()
    for name in ("included", "missing"):
        graph = build(arguments.towers, missing=name == "missing")
        size = write(graph, os.path.join(arguments.logdir, name))
        print(f"{name}: {len(graph.get_operations()):,} nodes, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
