# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Summaries of losses for TF1 graphs: an op, a hook, and the graph itself.

    loss = tf.compat.v1.losses.get_total_loss()
    train_op = slim.learning.create_train_op(loss, optimizer)
    summary = tb_regloss.summary.v1.op(loss, train_op=train_op)

The op is evaluated and written like any other summary and merges with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tb_regloss import errors, metadata
from tb_regloss.summary import _source_lines, _tf1_losses, _tf_summaries, pb
from tb_regloss.summary._tf1_hook import LossesHook, write_graph

__all__ = ["RegLossHook", "op", "write_graph"]

# How many runs of the op came before those that carry the declaration: the
# first run and a few later ones. A program that evaluates its summaries at
# each step but writes those of steps 100, 200, ... only would lose the first.
_DECLARING_RUNS = (0, 9, 99, 999, 9_999, 99_999)


def op(
    optimized_loss: Any,
    data_loss: Any = None,
    regularization_losses: Any = None,
    collections: Sequence[str] = (),
    train_op: Any = None,
    add_to_summaries: bool = False,
    name: str = "regloss",
) -> Any:
    """Returns a serialized summary of the losses, a scalar string tensor.

    Call it where all losses exist; the optimizer may be built before or after.
    The graph, by which the verdict is proved, is not part of a summary: a
    `tf.compat.v1.summary.FileWriter` that got the graph, `write_graph` or
    `RegLossHook` brings it into the logdir.

    Args:
      optimized_loss: the scalar that is handed to the optimizer.
      data_loss: the data loss, or a list of its terms. By default the members
        of collection `LOSSES` that depend on data.
      regularization_losses: a list of scalars. By default the members of
        `REGULARIZATION_LOSSES`. In both cases those members of `LOSSES` and
        of `collections` that read only variables and constants are added.
      collections: names of further collections of losses, each of which is
        shown as a sum of its own.
      train_op: the op that is run to train, where the graph has several.
      add_to_summaries: whether `tf.compat.v1.summary.merge_all` finds it.
      name: the name scope of the ops that are added.

    Raises:
      errors.DeclarationError: an argument cannot be logged (of another graph,
        no scalar, no tensor), or there is no data loss.
    """
    losses = _tf1_losses.find(optimized_loss, data_loss, regularization_losses, collections)
    if not losses.regularization:
        _source_lines.warn(
            "No regularization losses were found: collection 'regularization_losses' is empty, "
            "as it is with weight decay 0. The data loss and the optimized loss are logged."
        )
    encoded = metadata.encode_declaration(_tf1_losses.declaration(losses, train_op))
    try:
        merged = _build(losses, encoded, name)
    except ValueError as error:  # A loss lives inside of a while loop.
        raise errors.DeclarationError(
            f"The losses cannot be summarized here: {error} Pass tensors that exist where the op "
            "is built."
        ) from error
    if add_to_summaries:
        tf.compat.v1.add_to_collection(tf.compat.v1.GraphKeys.SUMMARIES, merged)
    return merged


def _build(losses: _tf1_losses.Losses, encoded: bytes, name: str) -> Any:
    with tf.name_scope(name):
        parts = _tf_summaries.parts(
            metadata.declaration_hash(encoded),
            losses.data,
            losses.regularization,
            losses.optimized,
            losses.collections,
        )
        declaration = _declaration(pb.declaration(encoded).SerializeToString())
        return tf.compat.v1.summary.merge([declaration, *parts], collections=[], name="losses")


class RegLossHook(LossesHook):
    """Does for a `MonitoredTrainingSession` what `op` does, and writes the graph.

        hook = RegLossHook("logs/train", loss, save_steps=100)
        with tf.compat.v1.train.MonitoredTrainingSession(hooks=[hook]) as session:
            while not session.should_stop():
                session.run(train_op)

    Under a distributed strategy hand it to the chief only.
    """

    def __init__(
        self,
        logdir: Any,
        optimized_loss: Any,
        data_loss: Any = None,
        regularization_losses: Any = None,
        collections: Sequence[str] = (),
        train_op: Any = None,
        save_steps: int | None = None,
        save_secs: float | None = None,
    ) -> None:
        """Builds the op; see `op` for the losses.

        Args:
          logdir: a folder, whose `FileWriter` is shared with TensorFlow's own
            hooks, or a `tf.compat.v1.summary.FileWriter`.
          optimized_loss: the scalar that is handed to the optimizer.
          data_loss: see `op`.
          regularization_losses: see `op`.
          collections: see `op`.
          train_op: see `op`.
          save_steps: how many runs of the session lie between two summaries;
            100 if `save_secs` is not given either.
          save_secs: how many seconds lie between two summaries.

        Raises:
          errors.DeclarationError: as `op` does.
        """
        graph = getattr(optimized_loss, "graph", None) or tf.compat.v1.get_default_graph()
        with graph.as_default():
            summary = op(optimized_loss, data_loss, regularization_losses, collections, train_op)
        if save_steps is None and save_secs is None:
            save_steps = 100

        def writer() -> Any:
            if hasattr(logdir, "add_summary"):
                return logdir
            return tf.compat.v1.summary.FileWriterCache.get(str(logdir))

        super().__init__(writer, summary, save_steps, save_secs)


def _declaration(serialized: bytes) -> Any:
    """Returns the serialized declaration at a few runs, at all others an empty summary."""
    with tf.device("/device:CPU:0"):
        count, counted = _tf_summaries.earlier_runs()
        with tf.control_dependencies([counted]):
            is_due = tf.reduce_any(tf.equal(count, tf.constant(_DECLARING_RUNS, tf.int64)))
        return tf.compat.v1.where(is_due, serialized, b"", name="declaration")
