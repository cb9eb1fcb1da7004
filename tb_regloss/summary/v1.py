# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Summaries of losses for TF1 graphs: an op, a hook, and the graph itself.

    loss = tf.compat.v1.losses.get_total_loss()
    train_op = slim.learning.create_train_op(loss, optimizer)
    summary = tb_regloss.summary.v1.op(loss, train_op=train_op)

The op is evaluated and written like any other summary and merges with them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tb_regloss import errors, metadata
from tb_regloss.summary import _tf1_losses, pb
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
        warnings.warn(
            "No regularization losses were found: collection 'regularization_losses' is empty, "
            "as it is with weight decay 0. The data loss and the optimized loss are logged.",
            stacklevel=2,
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
    declaration_hash = metadata.declaration_hash(encoded)
    with tf.name_scope(name):
        parts = [
            _declaration(pb.declaration(encoded).SerializeToString()),
            _scalar(metadata.TAG_DATA_LOSS, _sum(losses.data, "data_loss_sum")),
            _scalar(metadata.TAG_OPTIMIZED_LOSS, _float32(losses.optimized)),
        ]
        if losses.regularization:
            vector = tf.stack([_float32(loss) for loss in losses.regularization], name="values")
            content = metadata.loss_vector_metadata(tf.compat.v1.SummaryMetadata, declaration_hash)
            tag = metadata.TAG_REGULARIZATION_LOSSES + declaration_hash
            parts.append(_summary(tag, vector, content))
            total = tf.reduce_sum(vector, name="regularization_sum")
        else:
            total = tf.constant(0.0, name="regularization_sum")
        parts.append(_scalar(metadata.TAG_REGULARIZATION_SUM, total))
        for collection, members in losses.collections.items():
            parts.append(
                _scalar(metadata.TAG_COLLECTIONS + collection, _sum(members, "collection_sum"))
            )
        return tf.compat.v1.summary.merge(parts, collections=[], name="losses")


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
    """Returns the serialized declaration at a few runs, at all others an empty summary.

    The count of runs stands in a lookup table: unlike a variable it needs no
    initializer, so that no training program has to be changed, and it starts
    anew with each session, as most writers do. Two threads that run the op at
    once may both get the declaration, which does no harm.
    """
    with tf.device("/device:CPU:0"):
        table = tf.raw_ops.MutableHashTableV2(
            key_dtype=tf.int64, value_dtype=tf.int64, use_node_name_sharing=True, name="runs"
        )
        key, zero, one = (tf.constant(number, tf.int64) for number in (0, 0, 1))
        earlier_runs = tf.raw_ops.LookupTableFindV2(
            table_handle=table, keys=key, default_value=zero
        )
        counted = tf.raw_ops.LookupTableInsertV2(
            table_handle=table, keys=key, values=tf.add(earlier_runs, one)
        )
        with tf.control_dependencies([counted]):
            is_due = tf.reduce_any(tf.equal(earlier_runs, tf.constant(_DECLARING_RUNS, tf.int64)))
        return tf.compat.v1.where(is_due, serialized, b"", name="declaration")


def _sum(losses: Sequence[Any], name: str) -> Any:
    values = [_float32(loss) for loss in losses]
    return values[0] if len(values) == 1 else tf.add_n(values, name=name)


def _float32(loss: Any) -> Any:
    value = tf.cast(loss, tf.float32)
    return tf.reshape(value, []) if value.shape.rank is None else value


def _scalar(tag: str, value: Any) -> Any:
    return _summary(tag, value, metadata.scalar_metadata(tf.compat.v1.SummaryMetadata))


def _summary(tag: str, value: Any, content: Any) -> Any:
    with tf.device("/device:CPU:0"):
        return tf.raw_ops.TensorSummaryV2(
            tag=tag,
            tensor=value,
            serialized_summary_metadata=content.SerializeToString(),
            name=tag.split("/")[1],
        )
