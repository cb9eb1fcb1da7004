# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A layer that is used twice is penalized twice."""

import sys

import keras
import numpy as np
import tensorflow as tf

from tb_regloss.summary import v2 as regloss

shared = keras.layers.Dense(6)
layers = [shared, shared]
model = keras.Sequential([keras.Input([6]), shared])
optimizer = keras.optimizers.SGD(0.1)
regularizer = keras.regularizers.L2(0.01)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@regloss.export_graph
@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        data_loss = loss_fn(labels, model(model(images)))
        penalties = [regularizer(layer.kernel) for layer in layers]
        loss = data_loss + tf.add_n(penalties)
    regloss.losses(data_loss, penalties, loss, step=optimizer.iterations)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))


with tf.summary.create_file_writer(sys.argv[1]).as_default():
    train_step(np.ones([4, 6], np.float32), np.array([0, 1, 2, 0]))
