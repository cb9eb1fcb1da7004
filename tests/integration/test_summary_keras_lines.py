# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Which line the callback names for a penalty of a model."""

from __future__ import annotations

import gc

import pytest

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning", "ignore:.*np.object"),
]

tf = pytest.importorskip("tensorflow")

from tb_regloss.summary import _layer_lines
from tests.integration.keras_programs import X, build, fit, line_of


def test_lines_of_layers_that_share_a_name_and_of_add_loss(keras, tmp_path):
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.left = keras.layers.Dense(3, kernel_regularizer="l2", name="same")  # left
            self.right = keras.layers.Dense(3, kernel_regularizer="l1", name="same")  # right

        def call(self, inputs):
            self.add_loss(0.1 * tf.reduce_mean(inputs))
            return tf.nn.softmax(self.left(inputs) + self.right(inputs))

    model = Twins()
    model(X)
    log, _ = fit(keras, model, tmp_path)
    left, right = log.declaration.regularization_losses
    here = test_lines_of_layers_that_share_a_name_and_of_add_loss
    assert (left.created_at, right.created_at) == (
        line_of(here, "# left"),
        line_of(here, "# right"),
    )
    assert left.name != right.name
    assert left.multiplier == right.multiplier == 1.0
    (added,) = log.declaration.additional_losses
    assert added.created_at == line_of(here, "self.add_loss")


def test_line_of_a_layer_is_the_outermost_call_that_made_it(keras):
    class Mine(keras.layers.Dense):
        def __init__(self, units, **options):
            super().__init__(units, **options)

    class Block(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = Mine(3)  # inner

    block = Block()  # block
    single = Mine(
        2,
    )
    clone = keras.models.clone_model(  # clone
        keras.Sequential([keras.Input((2,)), single])
    )
    made = [_layer_lines.line_of(each) for each in (block, block.inner, single, clone.layers[-1])]
    here = test_line_of_a_layer_is_the_outermost_call_that_made_it
    texts = ["# block", "# inner", "single = Mine", "# clone"]
    assert made == [line_of(here, text) for text in texts]
    gone = id(single)
    assert gone in _layer_lines._made
    del single, clone, block
    gc.collect()
    assert gone not in _layer_lines._made


def test_no_line_rather_than_that_of_fit(keras, tmp_path, monkeypatch):
    """For layers that were made before our import."""
    monkeypatch.setattr(_layer_lines, "_made", {})
    model = build(keras)
    monkeypatch.setattr(_layer_lines, "_made", {})
    log, _ = fit(keras, model, tmp_path)
    assert [loss.created_at for loss in log.declaration.regularization_losses] == [None] * 3
    assert log.declaration.optimized_loss.created_at.startswith("keras_programs.py:")
