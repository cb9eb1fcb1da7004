# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Keras models that are fitted with the callback, for its tests."""

from __future__ import annotations

import inspect
import pathlib

import numpy as np
import pytest

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:.*np.object"),
]

tf = pytest.importorskip("tensorflow")

from tb_regloss.summary.keras import RegLossCallback
from tests import written_logs

X = np.random.default_rng(1).random([64, 8], np.float32)


Y = np.random.default_rng(2).integers(0, 3, 64)


def is_keras_3(keras):
    """Up to TensorFlow 2.15, `keras` is Keras 2 as tf-keras is."""
    return keras.__version__.startswith("3.")


def build(keras, model_class=None, late=False):
    """Two penalties of weights, one of activities."""
    layers = keras.layers
    inputs = keras.Input((8,))
    net = layers.Dense(16, kernel_regularizer="l2", name="first")(inputs)
    net = layers.Dense(16, activity_regularizer="l2", name="second")(net)
    if late:
        plain = layers.Dense(16, name="late")
        net = plain(net)
        plain.kernel_regularizer = keras.regularizers.L2(0.1)
    outputs = layers.Dense(3, activation="softmax", kernel_regularizer="l1", name="last")(net)
    return (model_class or keras.Model)(inputs, outputs)


def fit(keras, model, folder, update_freq="batch", epochs=2, callbacks=(), **compile_arguments):
    model.compile("sgd", "sparse_categorical_crossentropy", **compile_arguments)
    callback = RegLossCallback(str(folder), update_freq=update_freq, on_missing=None)
    history = model.fit(
        X, Y, batch_size=16, epochs=epochs, verbose=0, callbacks=[callback, *callbacks]
    )
    return written_logs.read(folder), history.history


def assert_sums_up(log):
    for (_, data), (_, penalties), (_, optimized) in zip(
        log.scalars["regloss/data_loss"],
        log.scalars["regloss/regularization_sum"],
        log.scalars["regloss/optimized_loss"],
        strict=True,
    ):
        assert optimized == pytest.approx(data + penalties, rel=1e-5)


NAMES = ["first/kernel_regularizer", "last/kernel_regularizer", "second/activity_regularizer"]


def line_of(function, text):
    """Where a line with this text stands in a function, as our declarations name it."""
    lines, start = inspect.getsourcelines(function)
    offset = next(at for at, line in enumerate(lines) if text in line)
    return f"{pathlib.Path(inspect.getsourcefile(function)).name}:{start + offset}"
