# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The summary ops that both TF1 graphs and traced functions are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tb_regloss import metadata


def vector_of(losses: Sequence[Any]) -> Any:
    """Returns the regularization losses as one float32 vector, `None` if there are none.

    What is recorded under a condition goes into the condition packed: each
    value that enters one costs an op, on the steps that are not recorded too.
    """
    return tf.stack([float32(loss) for loss in losses], name="values") if losses else None


def series(
    declaration_hash: str,
    data: Sequence[Any],
    regularization: Any,
    optimized: Any,
    collections: Mapping[str, Sequence[Any]],
) -> list[tuple[str, Any, Any]]:
    """Returns tag, value and SummaryMetadata of all that is written at a step.

    As few ops as can be: each costs some microseconds at every step.

    Args:
      declaration_hash: which names the regularization losses.
      data: the terms of the data loss.
      regularization: what `vector_of` returned.
      optimized: the optimized loss.
      collections: members of further collections by name.
    """
    scalars = {
        metadata.TAG_DATA_LOSS: sum_of(data),
        metadata.TAG_OPTIMIZED_LOSS: float32(optimized),
    }
    found = []
    if regularization is not None:
        content = metadata.loss_vector_metadata(tf.compat.v1.SummaryMetadata, declaration_hash)
        tag = metadata.TAG_REGULARIZATION_LOSSES + declaration_hash
        found.append((tag, regularization, content))
        scalars[metadata.TAG_REGULARIZATION_SUM] = tf.reduce_sum(
            regularization, name="regularization_sum"
        )
    else:
        scalars[metadata.TAG_REGULARIZATION_SUM] = tf.constant(0.0, name="regularization_sum")
    for name, members in collections.items():
        scalars[metadata.TAG_COLLECTIONS + name] = sum_of(members)
    content = metadata.scalar_metadata(tf.compat.v1.SummaryMetadata)
    return found + [(tag, value, content) for tag, value in scalars.items()]


class Memory:
    """A number that an op remembers from one run to the next, 0 at first.

    It stands in a lookup table: unlike a variable it needs no initializer, so
    that no training program has to be changed, and in TF1 it starts anew with
    each session, as most writers do. Two threads that run the op at once may
    read the same number.
    """

    def __init__(self, shared_name: str = "") -> None:
        """Adds the table.

        Args:
          shared_name: what makes the number of one function not that of another.
        """
        self._table = tf.raw_ops.MutableHashTableV2(
            key_dtype=tf.int64,
            value_dtype=tf.int64,
            shared_name=shared_name,
            use_node_name_sharing=True,
            name="memory",
        )
        self._key = tf.constant(0, tf.int64)

    def read(self) -> Any:
        """Returns the number."""
        return tf.raw_ops.LookupTableFindV2(
            table_handle=self._table, keys=self._key, default_value=tf.constant(0, tf.int64)
        )

    def write(self, number: Any) -> Any:
        """Returns the op that remembers another number."""
        return tf.raw_ops.LookupTableInsertV2(
            table_handle=self._table, keys=self._key, values=tf.cast(number, tf.int64)
        )


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
