# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A TF1 program around one line that adds losses up; a test puts the line in."""

import sys

import numpy as np
import tensorflow as tf

images = tf.compat.v1.placeholder(tf.float32, [None, 6])
labels = tf.compat.v1.placeholder(tf.int64, [None])
weights = tf.compat.v1.get_variable("weights", [6, 3])
data_loss = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, images @ weights)
weight_decay = 0.001
loss_scale = 128
penalty = weight_decay * tf.nn.l2_loss(weights)
tf.compat.v1.losses.add_loss(penalty, tf.compat.v1.GraphKeys.REGULARIZATION_LOSSES)
loss = ...
optimizer = tf.compat.v1.train.GradientDescentOptimizer(0.1)
train_op = optimizer.minimize(loss)

with tf.compat.v1.Session() as session:
    session.run(tf.compat.v1.global_variables_initializer())
    session.run(train_op, {images: np.ones([4, 6]), labels: [0, 1, 2, 0]})
    tf.compat.v1.summary.FileWriter(sys.argv[1], session.graph).close()
