# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Keras layers in a TF1 graph never fill the collection; their penalties are only looked at."""

import sys

import numpy as np
import tensorflow as tf
import tf_keras

images = tf.compat.v1.placeholder(tf.float32, [None, 6])
labels = tf.compat.v1.placeholder(tf.int64, [None])
model = tf_keras.Sequential([tf_keras.layers.Dense(3, kernel_regularizer="l2")])
cross_entropy = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, model(images))
tf.compat.v1.summary.scalar("penalty", tf.add_n(model.losses))
optimizer = tf.compat.v1.train.AdamOptimizer()
train_op = optimizer.minimize(cross_entropy)

with tf.compat.v1.Session() as session:
    session.run(tf.compat.v1.global_variables_initializer())
    session.run(train_op, {images: np.ones([4, 6]), labels: [0, 1, 2, 0]})
    tf.compat.v1.summary.FileWriter(sys.argv[1], session.graph).close()
