# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Training steps of Keras models that forget penalties or count them wrong."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:.*np.object"),
]

tf = pytest.importorskip("tensorflow")

from tb_regloss.summary.keras import RegLossCallback
from tests import written_logs
from tests.integration.keras_programs import NAMES, Y, build, fit, line_of


def test_train_step_that_forgets_some_penalties(keras, tmp_path):
    class Some(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                predicted = self(x, training=True)
                crossentropy = keras.losses.sparse_categorical_crossentropy(y, predicted)
                loss = tf.reduce_mean(crossentropy) + tf.add_n(self.get_layer("first").losses)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))  # noqa: B905  # AutoGraph of 2.12 has no strict=
            return {"loss": loss}

    log, _ = fit(keras, build(keras, Some), tmp_path)
    losses = {loss.name: loss.multiplier for loss in log.declaration.regularization_losses}
    assert losses == dict(zip(NAMES, [1.0, 0.0, 0.0], strict=True))
    assert not log.declaration.configured


def forgetful(keras):
    class Forgetful(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                predicted = self(x, training=True)
                crossentropy = keras.losses.sparse_categorical_crossentropy(y, predicted)
                loss = tf.reduce_mean(crossentropy)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    return Forgetful


def test_train_step_that_forgets_the_penalties(keras, tmp_path):
    """They are in no graph but for us: named, with a multiplier of 0."""
    log, history = fit(keras, build(keras, forgetful(keras)), tmp_path)
    assert [loss.name for loss in log.declaration.regularization_losses] == NAMES
    assert [loss.multiplier for loss in log.declaration.regularization_losses] == [0.0] * 3
    assert log.scalars["regloss/regularization_sum"][0][1] > 0.1
    assert "regloss/data_loss" not in log.scalars
    last = log.scalars["regloss/optimized_loss"][-1][1]
    assert last == pytest.approx(float(np.ravel(history["loss"])[-1]), rel=1e-4) or not any(
        history["loss"]
    )


def test_layers_that_are_built_within_the_step_itself(keras, tmp_path):
    """Their penalties are computed before they can be heard: nothing is claimed of them."""

    class Late(forgetful(keras)):
        def __init__(self):
            super().__init__()
            self.only = keras.layers.Dense(3, activation="softmax", kernel_regularizer="l2")

        def call(self, inputs):
            return self.only(inputs)

    log, _ = fit(keras, Late(), tmp_path)
    (loss,) = log.declaration.regularization_losses
    assert loss.name.endswith("kernel_regularizer")
    assert loss.multiplier in (0.0, None)
    assert not log.declaration.configured


def test_train_step_that_adds_them_half(keras, tmp_path):
    class Half(keras.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                predicted = self(x, training=True)
                crossentropy = keras.losses.sparse_categorical_crossentropy(y, predicted)
                loss = tf.reduce_mean(crossentropy) + 0.5 * tf.add_n(self.losses)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    log, _ = fit(keras, build(keras, Half), tmp_path)
    multipliers = [loss.multiplier for loss in log.declaration.regularization_losses]
    assert multipliers == [0.5, 0.5, 0.5]
    losses = log.declaration.regularization_losses
    assert [loss.created_at for loss in losses] == [
        line_of(build, f'name="{name}"') for name in ("first", "last", "second")
    ]
    assert log.declaration.optimized_loss.created_at == line_of(
        test_train_step_that_adds_them_half, "0.5 * tf.add_n"
    )


def test_compute_loss_that_forgets_the_penalties(keras, tmp_path):
    class Forgetful(keras.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, y_pred))

    log, _ = fit(keras, build(keras, Forgetful), tmp_path)
    multipliers = [loss.multiplier for loss in log.declaration.regularization_losses]
    assert multipliers[:2] == [0.0, 0.0]
    assert log.scalars["regloss/optimized_loss"][0][1] > 0


def test_configured_but_without_a_loss(keras, tmp_path):
    log, _ = fit(keras, build(keras, late=True), tmp_path)
    (late,) = log.declaration.configured
    assert (late.layer, late.argument, late.kind, late.strength) == (
        "late",
        "kernel_regularizer",
        "L2",
        0.1,
    )
    assert late.created_at == line_of(build, 'name="late"')


def test_nothing_is_said_of_penalties_of_all_kinds_that_count_once(keras, tmp_path):
    """Our own vector of losses in the graph is no sum: the total is."""
    layers, regularizers = keras.layers, keras.regularizers
    tokens = keras.Input((4,))
    net = layers.Embedding(10, 6, embeddings_regularizer="l2")(tokens)
    net = layers.GlobalAveragePooling1D()(net)
    shared = layers.Dense(
        6, kernel_regularizer=regularizers.L1L2(0.1, 0.1), activity_regularizer="l2"
    )
    net = shared(shared(net))
    orthogonal = regularizers.OrthogonalRegularizer(0.1)
    outputs = layers.Dense(3, "softmax", kernel_regularizer=orthogonal, bias_regularizer="l2")(net)
    model = keras.Model(tokens, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = RegLossCallback(str(tmp_path), on_missing="raise")
    x = np.random.default_rng(1).integers(0, 10, (32, 4))
    model.fit(x, Y[:32], batch_size=16, verbose=0, callbacks=[callback])
    multipliers = [
        loss.multiplier for loss in written_logs.read(tmp_path).declaration.regularization_losses
    ]
    assert multipliers == [1.0] * 6
