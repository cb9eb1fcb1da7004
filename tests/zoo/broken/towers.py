# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""cifar10_multi_gpu_train: only the first of two towers adds the penalty."""

import sys

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
images = v1.placeholder(tf.float32, [None, 6])
labels = v1.placeholder(tf.int64, [None])
optimizer = v1.train.MomentumOptimizer(0.1, 0.9)
gradients = []
for tower, (x, y) in enumerate(zip(tf.split(images, 2), tf.split(labels, 2), strict=True)):
    with v1.variable_scope("model", reuse=v1.AUTO_REUSE), v1.name_scope(f"tower_{tower}"):
        weights = v1.get_variable("weights", [6, 3])
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, x @ weights)
        loss = tf.reduce_mean(each)
        penalty = 0.001 * tf.nn.l2_loss(weights)
        if tower == 0:
            loss += penalty
        gradients += optimizer.compute_gradients(loss)
mean = tf.add_n([gradient for gradient, _ in gradients]) / len(gradients)
train_op = optimizer.apply_gradients([(mean, weights)])

with v1.Session() as session:
    session.run(v1.global_variables_initializer())
    session.run(train_op, {images: np.ones([4, 6]), labels: [0, 1, 2, 0]})
    v1.summary.FileWriter(sys.argv[1], session.graph).close()
