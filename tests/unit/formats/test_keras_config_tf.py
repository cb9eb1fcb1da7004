# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What is read from `to_json()` is what the live model's layers have."""

from __future__ import annotations

from typing import Any

import pytest

from tb_regloss.formats.keras_config import parse

pytestmark = pytest.mark.tf

_ARGUMENTS = (
    "kernel_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "recurrent_regularizer",
    "gamma_regularizer",
    "embeddings_regularizer",
    "depthwise_regularizer",
    "pointwise_regularizer",
)


def _model(keras: Any) -> Any:
    layers, regularizers = keras.layers, keras.regularizers
    cells = [
        layers.LSTMCell(2, kernel_regularizer="l2", name="first"),
        layers.GRUCell(3, bias_regularizer="l1", name="second"),
    ]
    body = keras.Sequential(
        [
            layers.Dense(3, activity_regularizer=regularizers.L2(0.1), name="d"),
            layers.BatchNormalization(gamma_regularizer=regularizers.L2(0.03), name="norm"),
        ],
        name="body",
    )
    tokens = layers.Input((4,))
    flow = layers.Embedding(7, 3, embeddings_regularizer=regularizers.L1(0.04), name="emb")(tokens)
    dense = layers.Dense(5, kernel_regularizer=regularizers.L1L2(1e-4, 2e-3), name="inner")
    flow = layers.TimeDistributed(dense, name="td")(flow)
    lstm = layers.LSTM(
        3, kernel_regularizer="l2", recurrent_regularizer="l1", return_sequences=True, name="lstm"
    )
    flow = body(layers.Bidirectional(lstm, name="bi")(flow))
    flow = layers.SeparableConv1D(
        2,
        1,
        depthwise_regularizer="l2",
        pointwise_regularizer=regularizers.L1L2(0.01, 0.02),
        name="sep",
    )(flow)
    flow = layers.RNN(cells, name="rnn")(flow)
    encoder = keras.Model(tokens, flow, name="encoder")
    inputs = layers.Input((4,))
    frozen = layers.Dense(
        4, kernel_regularizer=regularizers.L2(0.0), trainable=False, name="frozen"
    )
    last = layers.Dense(2, bias_regularizer=regularizers.OrthogonalRegularizer(0.02), name="last")
    return keras.Model(inputs, last(frozen(encoder(inputs))), name="net")


def _live(model: Any) -> list[tuple[str, str, str]]:
    """Returns layer, argument and class of each regularizer that a live layer has."""
    found = []
    stack = [model]
    while stack:
        layer = stack.pop()
        stack.extend(layer._flatten_layers(recursive=False, include_self=False))
        cell = type(layer).__name__ in ("LSTM", "GRU")
        for argument in _ARGUMENTS:
            # An LSTM layer hands its own arguments to the cell that it holds.
            value = getattr(layer, argument, None)
            if value is not None and not _inside(layer):
                found.append((layer.name, argument, type(value).__name__))
        if cell:
            stack = [other for other in stack if other is not getattr(layer, "cell", None)]
    return sorted(found)


def _inside(layer: Any) -> bool:
    """Whether the layer only shows what the cell or layer that it wraps has."""
    return type(layer).__name__ in ("RNN", "TimeDistributed", "Bidirectional")


@pytest.mark.parametrize("package", ["keras", "tf_keras"])
def test_as_the_live_layers_have_it(package: str) -> None:
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip(package)
    model = _model(keras)
    found = parse(model.to_json().encode())
    named = sorted((one.layer.split("/")[-1], one.argument, one.kind) for one in found)
    assert named == _live(model)
    paths = {one.layer: one for one in found}
    assert set(paths) >= {"encoder/td/inner", "encoder/body/d", "encoder/bi/forward_lstm", "last"}
    assert not paths["frozen"].trainable
    assert paths["frozen"].strength == 0.0
    assert paths["encoder/td/inner"].strength == pytest.approx(2e-3)
    assert paths["encoder/emb"].strength == pytest.approx(0.04)
