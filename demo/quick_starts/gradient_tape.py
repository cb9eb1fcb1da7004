# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A loop with a GradientTape: `python -m demo.quick_starts.gradient_tape LOGDIR [--bug]`."""

import sys

import tensorflow as tf

from tb_regloss.summary import v2 as regloss

model = tf.keras.Sequential(
    [
        tf.keras.layers.Dense(16, activation="relu", kernel_regularizer="l2"),
        tf.keras.layers.Dense(10, kernel_regularizer="l2"),
    ]
)
optimizer = tf.keras.optimizers.Adam()
cross_entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@regloss.export_graph
@tf.function
def train_step(images, labels):
    """Trains on one batch."""
    with tf.GradientTape() as tape:
        data_loss = cross_entropy(labels, model(images, training=True))
        penalties = model.losses  # Read once: each read makes new tensors.
        loss = data_loss if "--bug" in sys.argv else data_loss + tf.add_n(penalties)
    regloss.losses(data_loss, penalties, loss, step=optimizer.iterations, tape=tape)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))


with tf.summary.create_file_writer(sys.argv[1]).as_default():
    for _ in range(100):
        train_step(tf.random.normal([8, 32]), tf.random.uniform([8], 0, 10, tf.int32))
