# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The summary ops that both TF1 graphs and traced functions are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tb_regloss import metadata


def parts(
    declaration_hash: str,
    data: Sequence[Any],
    regularization: Sequence[Any],
    optimized: Any,
    collections: Mapping[str, Sequence[Any]],
) -> list[Any]:
    """Returns serialized summaries of the losses, for `tf.raw_ops.MergeSummary`.

    As few ops as can be: each costs a microsecond or two at every step.
    """
    series = {metadata.TAG_DATA_LOSS: sum_of(data), metadata.TAG_OPTIMIZED_LOSS: float32(optimized)}
    found = []
    if regularization:
        vector = tf.stack([float32(loss) for loss in regularization], name="values")
        content = metadata.loss_vector_metadata(tf.compat.v1.SummaryMetadata, declaration_hash)
        found.append(
            summary(metadata.TAG_REGULARIZATION_LOSSES + declaration_hash, vector, content)
        )
        series[metadata.TAG_REGULARIZATION_SUM] = tf.reduce_sum(vector, name="regularization_sum")
    else:
        series[metadata.TAG_REGULARIZATION_SUM] = tf.constant(0.0, name="regularization_sum")
    for name, members in collections.items():
        series[metadata.TAG_COLLECTIONS + name] = sum_of(members)
    content = metadata.scalar_metadata(tf.compat.v1.SummaryMetadata)
    return found + [summary(tag, value, content) for tag, value in series.items()]


def earlier_runs(shared_name: str = "") -> tuple[Any, Any]:
    """Counts how often it is run; returns the count before this run and the op that counts.

    The count stands in a lookup table: unlike a variable it needs no
    initializer, so that no training program has to be changed, and in TF1 it
    starts anew with each session, as most writers do. Two threads that run it
    at once may get the same count.

    Args:
      shared_name: what makes the count of one function not that of another.
    """
    with tf.device("/device:CPU:0"):
        table = tf.raw_ops.MutableHashTableV2(
            key_dtype=tf.int64,
            value_dtype=tf.int64,
            shared_name=shared_name,
            use_node_name_sharing=True,
            name="runs",
        )
        key, zero, one = (tf.constant(number, tf.int64) for number in (0, 0, 1))
        count = tf.raw_ops.LookupTableFindV2(table_handle=table, keys=key, default_value=zero)
        counted = tf.raw_ops.LookupTableInsertV2(
            table_handle=table, keys=key, values=tf.add(count, one)
        )
    return count, counted


def sum_of(losses: Sequence[Any]) -> Any:
    """Returns the float32 sum of scalars."""
    values = [float32(loss) for loss in losses]
    return values[0] if len(values) == 1 else tf.add_n(values, name="sum")


def float32(loss: Any) -> Any:
    """Returns a scalar as float32."""
    value = tf.cast(loss, tf.float32)
    return tf.reshape(value, []) if value.shape.rank is None else value


def summary(tag: str, value: Any, content: Any) -> Any:
    """Returns one serialized summary with its metadata, on the CPU as all of them."""
    with tf.device("/device:CPU:0"):
        return tf.raw_ops.TensorSummaryV2(
            tag=tag,
            tensor=value,
            serialized_summary_metadata=content.SerializeToString(),
            name=tag.split("/")[1],
        )
