# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""One penalty on two variables, of which one is trained on the data loss alone."""

import sys

import numpy as np
import tensorflow as tf

images = tf.compat.v1.placeholder(tf.float32, [None, 6])
labels = tf.compat.v1.placeholder(tf.int64, [None])
encoder = tf.compat.v1.get_variable("encoder", [6, 4])
decoder = tf.compat.v1.get_variable("decoder", [4, 3])
logits = tf.tanh(images @ encoder) @ decoder
data_loss = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, logits)
penalty = 0.001 * (tf.nn.l2_loss(encoder) + tf.nn.l2_loss(decoder))
tf.compat.v1.losses.add_loss(penalty, tf.compat.v1.GraphKeys.REGULARIZATION_LOSSES)
total_loss = data_loss + penalty
optimizer = tf.compat.v1.train.GradientDescentOptimizer(0.1)
train_encoder = optimizer.minimize(total_loss, var_list=[encoder])
train_decoder = optimizer.minimize(data_loss, var_list=[decoder])

with tf.compat.v1.Session() as session:
    session.run(tf.compat.v1.global_variables_initializer())
    batch = {images: np.ones([4, 6]), labels: [0, 1, 2, 0]}
    session.run([train_encoder, train_decoder], batch)
    tf.compat.v1.summary.FileWriter(sys.argv[1], session.graph).close()
