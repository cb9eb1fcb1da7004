# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A GradientTape loop that forgets model.losses."""

import sys

import keras
import numpy as np
import tensorflow as tf

from tb_regloss.summary import v2 as regloss

model = keras.Sequential([keras.Input([6]), keras.layers.Dense(3, kernel_regularizer="l2")])
optimizer = keras.optimizers.SGD(0.1)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@regloss.export_graph
@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        predictions = model(images, training=True)
        loss = loss_fn(labels, predictions)
    regloss.losses(loss_fn(labels, predictions), model.losses, loss, step=optimizer.iterations)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))


with tf.summary.create_file_writer(sys.argv[1]).as_default():
    train_step(np.ones([4, 6], np.float32), np.array([0, 1, 2, 0]))
