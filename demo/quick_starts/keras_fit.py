# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""`model.fit`: `python -m demo.quick_starts.keras_fit LOGDIR [--bug]`.

The bug is the one of many custom training steps: it forgets `self.losses`.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from tb_regloss.summary.keras import RegLossCallback


class Forgetful(keras.Sequential):
    """A model whose own training step leaves its penalties out."""

    def train_step(self, data):
        """Trains on one batch."""
        images, labels = data
        with tf.GradientTape() as tape:
            predictions = self(images, training=True)
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, predictions))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


random = np.random.default_rng(1)
model = (Forgetful if "--bug" in sys.argv else keras.Sequential)(
    [
        keras.Input([32]),
        keras.layers.Dense(16, activation="relu", kernel_regularizer="l2", name="hidden"),
        keras.layers.Dense(10, activation="softmax", kernel_regularizer="l2", name="output"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(
    random.random([256, 32]),
    random.integers(0, 10, 256),
    batch_size=8,
    epochs=3,
    verbose=0,
    callbacks=[RegLossCallback(sys.argv[1], update_freq=10)],
)
