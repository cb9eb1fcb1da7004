# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""tf-slim in a TF1 session: `python -m demo.quick_starts.tf1_slim LOGDIR [--bug]`."""

import sys

import numpy as np
import tensorflow.compat.v1 as tf
import tf_slim as slim

from tb_regloss.summary.v1 import RegLossHook

random = np.random.default_rng(1)
with tf.Graph().as_default():
    images = tf.placeholder(tf.float32, [None, 32])
    labels = tf.placeholder(tf.int32, [None])
    with slim.arg_scope([slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.001)):
        net = slim.fully_connected(images, 16)
        logits = slim.fully_connected(net, 10, activation_fn=None)
    cross_entropy = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    loss = cross_entropy if "--bug" in sys.argv else tf.losses.get_total_loss()
    tf.train.get_or_create_global_step()
    train_op = slim.learning.create_train_op(loss, tf.train.AdamOptimizer())
    hook = RegLossHook(sys.argv[1], loss, train_op=train_op, save_steps=10)
    with tf.train.MonitoredTrainingSession(hooks=[hook]) as session:
        for _ in range(100):
            batch = {images: random.random([8, 32]), labels: random.integers(0, 10, 8)}
            session.run(train_op, batch)
