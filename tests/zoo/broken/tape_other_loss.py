# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The loss that has the penalty is computed, and the data loss is differentiated."""

import sys

import keras
import numpy as np
import tensorflow as tf

model = keras.Sequential([keras.Input([6]), keras.layers.Dense(3, kernel_regularizer="l2")])
optimizer = keras.optimizers.SGD(0.1)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        data_loss = loss_fn(labels, model(images, training=True))
        loss = data_loss + tf.add_n(model.losses)
    gradients = tape.gradient(data_loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


batch = np.ones([4, 6], np.float32), np.array([0, 1, 2, 0])
train_step(*batch)
with tf.summary.create_file_writer(sys.argv[1]).as_default():
    tf.summary.graph(train_step.get_concrete_function(*batch).graph)
