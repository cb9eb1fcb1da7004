# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""MirroredStrategy: each replica adds the whole penalty, and gradients are added up."""

import sys

import keras
import numpy as np
import tensorflow as tf

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = keras.Sequential([keras.Input([6]), keras.layers.Dense(3, kernel_regularizer="l2")])
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(model.trainable_variables)


def replica_step(images, labels):
    with tf.GradientTape() as tape:
        each = keras.losses.sparse_categorical_crossentropy(labels, model(images), True)
        data_loss = tf.nn.compute_average_loss(each, global_batch_size=8)
        penalty = tf.add_n(model.losses)
        loss = data_loss + penalty
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


@tf.function
def train_step(images, labels):
    losses = strategy.run(replica_step, (images, labels))
    return strategy.reduce("sum", losses, axis=None)


batch = np.ones([4, 6], np.float32), np.array([0, 1, 2, 0])
train_step(*batch)
with tf.summary.create_file_writer(sys.argv[1]).as_default():
    tf.summary.graph(train_step.get_concrete_function(*batch).graph)
