# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""tf-slim: the data loss is optimized, and the collection of penalties is forgotten."""

import sys

import numpy as np
import tensorflow as tf
import tf_slim as slim

images = tf.compat.v1.placeholder(tf.float32, [None, 6])
labels = tf.compat.v1.placeholder(tf.int64, [None])
logits = slim.fully_connected(images, 3, weights_regularizer=slim.l2_regularizer(0.001))
cross_entropy = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, logits)
optimizer = tf.compat.v1.train.AdamOptimizer()
train_op = slim.learning.create_train_op(cross_entropy, optimizer)

with tf.compat.v1.Session() as session:
    session.run(tf.compat.v1.global_variables_initializer())
    session.run(train_op, {images: np.ones([4, 6]), labels: [0, 1, 2, 0]})
    tf.compat.v1.summary.FileWriter(sys.argv[1], session.graph).close()
