# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A train_step of one's own that drops self.losses."""

import sys

import keras
import numpy as np
import tensorflow as tf

from tb_regloss.summary.keras import RegLossCallback


class Classifier(keras.Sequential):
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


model = Classifier([keras.Input([6]), keras.layers.Dense(3, kernel_regularizer="l2")])
model.compile("sgd")
callback = RegLossCallback(sys.argv[1], update_freq="batch")
model.fit(np.ones([8, 6]), np.zeros(8), 4, verbose=0, callbacks=[callback])
