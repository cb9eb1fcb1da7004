# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A JAX training step of the user's own: `python keras_jax_step.py LOGDIR STRENGTH`.

Penalties are added `STRENGTH` times, or, with 0, not even computed.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

from tb_regloss.summary.keras import RegLossCallback

logdir, strength = sys.argv[1], float(sys.argv[2])


class Own(keras.Sequential):
    """Leaves `compute_loss` aside."""

    def train_step(self, state, data):
        """Trains on one batch."""
        trained, others, optimizer, metrics = state
        x, y = data

        def loss_of(trained):
            predicted, updated, losses = self.stateless_call(
                trained, others, x, training=True, return_losses=bool(strength)
            ) + (() if strength else ([],))
            crossentropy = keras.losses.sparse_categorical_crossentropy(y, predicted)
            return keras.ops.mean(crossentropy) + strength * sum(losses), updated

        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained)
        trained, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trained)
        return {"loss": loss}, (trained, others, optimizer, metrics)


class Shown(keras.callbacks.Callback):
    """Says what other callbacks see."""

    def on_train_batch_end(self, batch, logs=None):
        """Called by Keras."""
        print(sorted(logs))


keras.utils.set_random_seed(1)
random = np.random.default_rng(1)
model = Own(
    [
        keras.Input((8,)),
        keras.layers.Dense(4, kernel_regularizer="l2", name="first"),
        keras.layers.Dense(3, activation="softmax", kernel_regularizer="l1", name="last"),
    ]
)
model.compile("sgd")
model.fit(
    random.random([32, 8], np.float32),
    random.integers(0, 3, 32),
    batch_size=16,
    verbose=0,
    callbacks=[RegLossCallback(logdir, update_freq="batch", on_missing=None), Shown()],
)
