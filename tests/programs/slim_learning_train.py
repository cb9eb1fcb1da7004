# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""tf-slim's own training loop: `python slim_learning_train.py LOGDIR`.

A process of its own, because the loop's threads need eager execution to be
off for the whole process.
"""

import sys

import numpy as np
import tensorflow as tf
import tf_slim as slim

from tb_regloss.summary import v1 as regloss_v1

v1 = tf.compat.v1
v1.disable_v2_behavior()
v1.logging.set_verbosity(v1.logging.ERROR)

images = tf.constant(np.random.default_rng(1).random([4, 6]), tf.float32)
labels = v1.placeholder_with_default([0, 1, 2, 0], [None])
net = slim.fully_connected(images, 3, weights_regularizer=slim.l2_regularizer(0.1))
v1.losses.sparse_softmax_cross_entropy(labels, net)
loss = v1.losses.get_total_loss()
train_op = slim.learning.create_train_op(loss, v1.train.GradientDescentOptimizer(0.1))
own = v1.summary.scalar("mine", loss)
slim.learning.train(
    train_op,
    sys.argv[1],
    number_of_steps=20,
    summary_op=v1.summary.merge([own, regloss_v1.op(loss, train_op=train_op)]),
    save_summaries_secs=1,
)
