# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A train_step that drops self.losses; the log has the model's configuration and the graph."""

import sys

import numpy as np
import tensorflow as tf
import tf_keras


class Classifier(tf_keras.Model):
    loss_fn = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


inputs = tf_keras.Input([6])
model = Classifier(inputs, tf_keras.layers.Dense(3, kernel_regularizer="l2")(inputs))
model.compile("sgd")
callback = tf_keras.callbacks.TensorBoard(sys.argv[1], profile_batch=0)
tf.summary.trace_on(graph=True)
model.fit(np.ones([8, 6]), np.zeros(8), 4, verbose=0, callbacks=[callback])
with tf.summary.create_file_writer(sys.argv[1] + "/train").as_default():
    tf.summary.trace_export("training step", step=0)
