# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The total loss is shown in a chart, and the cross entropy is optimized."""

import sys

import numpy as np
import tensorflow as tf
from tf_keras.src.legacy_tf_layers import core as layers  # tf.layers, as it was

images = tf.compat.v1.placeholder(tf.float32, [None, 6])
labels = tf.compat.v1.placeholder(tf.int64, [None])
logits = layers.dense(images, 3, kernel_regularizer=tf.keras.regularizers.L2(0.001))
cross_entropy = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, logits)
total_loss = tf.compat.v1.losses.get_total_loss()
tf.compat.v1.summary.scalar("total_loss", total_loss)
optimizer = tf.compat.v1.train.AdamOptimizer()
train_op = optimizer.minimize(cross_entropy)

with tf.compat.v1.Session() as session:
    session.run(tf.compat.v1.global_variables_initializer())
    session.run(train_op, {images: np.ones([4, 6]), labels: [0, 1, 2, 0]})
    tf.compat.v1.summary.FileWriter(sys.argv[1], session.graph).close()
