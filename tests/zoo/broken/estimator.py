# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A model_fn that returns the data loss, and the session that an Estimator runs it in."""

import sys

import numpy as np
import tensorflow as tf
from tf_keras.src.legacy_tf_layers import core as layers  # tf.layers, as it was


def model_fn(features, labels):
    logits = layers.dense(features, 3, kernel_regularizer=tf.keras.regularizers.L2(0.001))
    loss = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, logits)
    optimizer = tf.compat.v1.train.AdamOptimizer()
    train_op = optimizer.minimize(loss, global_step=tf.compat.v1.train.get_global_step())
    return loss, train_op


tf.compat.v1.train.create_global_step()
data = tf.data.Dataset.from_tensors((np.ones([4, 6], np.float32), [0, 1, 2, 0])).repeat()
loss, train_op = model_fn(*tf.compat.v1.data.make_one_shot_iterator(data).get_next())
with tf.compat.v1.train.MonitoredTrainingSession(
    checkpoint_dir=sys.argv[1], save_checkpoint_steps=100
) as session:
    session.run(train_op)
