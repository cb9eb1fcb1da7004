# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Regularizers in Keras model JSON of all generations, and in what is none."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from tb_regloss import errors
from tb_regloss.analysis.facts import ConfiguredRegularizer
from tb_regloss.formats import event_file
from tb_regloss.formats.keras_config import parse


def _layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": config}


def _l2(strength: float) -> dict[str, Any]:
    return _layer("L2", l2=strength)


def _parse(model: Any) -> tuple[ConfiguredRegularizer, ...]:
    return parse(json.dumps(model).encode())


def test_layers_are_told_in_order_with_kind_and_strength() -> None:
    model = _layer(
        "Sequential",
        name="net",
        layers=[
            _layer("Dense", name="a", kernel_regularizer=_l2(0.01), bias_regularizer=None),
            _layer("Dense", name="b", kernel_regularizer=_layer("L1L2", l1=0.5, l2=0.0)),
            _layer("Dense", name="c", bias_regularizer=_l2(0.0)),
            _layer("Dense", name="d", kernel_regularizer=None),
        ],
    )
    assert _parse(model) == (
        ConfiguredRegularizer("a", "kernel_regularizer", "L2", 0.01),
        ConfiguredRegularizer("b", "kernel_regularizer", "L1L2", 0.5),
        ConfiguredRegularizer("c", "bias_regularizer", "L2", 0.0),
    )


def test_models_in_models_give_their_names() -> None:
    head = _layer("Dense", name="head", kernel_regularizer=_l2(1.0))
    inner = _layer("Functional", name="body", layers=[head])
    outer = _layer("Model", name="net", layers=[inner, head])
    assert [found.layer for found in _parse(outer)] == ["body/head", "head"]


def test_a_layer_in_a_frozen_model_is_frozen() -> None:
    dense = _layer("Dense", name="dense", trainable=True, kernel_regularizer=_l2(1.0))
    body = _layer("Functional", name="body", trainable=False, layers=[dense])
    last = _layer("Dense", name="last", trainable=False, kernel_regularizer=_l2(1.0))
    model = _layer("Functional", name="net", layers=[body, dense, last])
    assert [found.trainable for found in _parse(model)] == [False, True, False]


def test_wrappers_and_cells() -> None:
    cell = _layer("LSTMCell", name="cell", recurrent_regularizer=_l2(0.1))
    stacked = _layer("StackedRNNCells", name="cells", cells=[cell, cell])
    model = _layer(
        "Sequential",
        name="net",
        layers=[
            _layer(
                "TimeDistributed",
                name="each",
                layer=_layer("Dense", name="dense", kernel_regularizer=_l2(0.2)),
            ),
            _layer("RNN", name="rnn", cell=stacked),
        ],
    )
    assert [found.layer for found in _parse(model)] == [
        "each/dense",
        "rnn/cells/cell",
        "rnn/cells/cell",
    ]


def test_bidirectional_makes_two_layers_of_one() -> None:
    lstm = _layer("LSTM", name="lstm", kernel_regularizer=_l2(0.1))
    model = _layer("Sequential", layers=[_layer("Bidirectional", name="both", layer=lstm)])
    assert [found.layer for found in _parse(model)] == ["both/forward_lstm", "both/backward_lstm"]


def test_bidirectional_with_both_layers_stored() -> None:
    layers = {
        "layer": _layer("LSTM", name="forward", kernel_regularizer=_l2(0.1)),
        "backward_layer": _layer("LSTM", name="backward", kernel_regularizer=_l2(0.1)),
    }
    model = _layer("Sequential", layers=[_layer("Bidirectional", name="both", **layers)])
    assert [found.layer for found in _parse(model)] == ["both/forward", "both/backward"]


def test_keras_1() -> None:
    model = {
        "class_name": "Sequential",
        "config": [
            _layer(
                "Dense", name="dense_1", W_regularizer={"name": "WeightRegularizer", "l2": 0.01}
            ),
        ],
    }
    assert _parse(model) == (
        ConfiguredRegularizer("dense_1", "W_regularizer", "WeightRegularizer", 0.01),
    )


@pytest.mark.parametrize(
    ("value", "kind", "strength"),
    [
        ("l2", "L2", 0.01),
        ("my_penalty", "my_penalty", None),
        (_layer("Mine", k=0.5), "Mine", None),
        (_layer("L2", l2="strong"), "L2", None),
        (_layer("L2", l2=float("nan")), "L2", None),
        (_layer("L2", l2=10**400), "L2", None),
        (_layer("OrthogonalRegularizer", factor=0.02, mode="rows"), "OrthogonalRegularizer", 0.02),
        ({"class_name": "function", "config": "penalty", "module": "me"}, "penalty", None),
    ],
)
def test_ways_to_write_a_regularizer(value: Any, kind: str, strength: float | None) -> None:
    (found,) = _parse(_layer("Sequential", layers=[_layer("D", name="d", a_regularizer=value)]))
    assert (found.kind, found.strength) == (kind, strength)


def test_a_layer_that_is_an_activity_regularizer() -> None:
    model = _layer("Sequential", layers=[_layer("ActivityRegularization", name="a", l1=0.0, l2=3)])
    assert _parse(model) == (ConfiguredRegularizer("a", "activity_regularizer", "L1L2", 3.0),)


def test_json_that_was_encoded_twice() -> None:
    model = _layer("Sequential", layers=[_layer("D", name="d", a_regularizer="l1")])
    assert len(_parse(json.dumps(model))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b'{"class_name": "Sequential"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"class_name": "S", "config": ' * 900 + b"null" + b"}" * 900,
    ],
)
def test_what_is_no_model_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(errors.UnreadableError, match="is not known"):
        parse(data)


_JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(max_size=5),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(
                [
                    "class_name",
                    "config",
                    "layers",
                    "layer",
                    "name",
                    "a_regularizer",
                    "l2",
                    "trainable",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
)


@hypothesis.given(_JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    try:
        found = _parse(value)
    except errors.UnreadableError:
        return
    assert all(isinstance(one, ConfiguredRegularizer) for one in found)


def _models(path: pathlib.Path) -> list[bytes]:
    scanned = event_file.EventFile(str(path))
    scanned.scan()
    return [r.read() for r in scanned.records if r.kind == event_file.KERAS_MODEL]


def test_public_logs(wild: pathlib.Path) -> None:
    found: dict[str, list[tuple[ConfiguredRegularizer, ...]]] = {}
    for path in sorted(wild.rglob("*tfevents*")):
        for data in _models(path):
            found.setdefault(path.relative_to(wild).parts[0], []).append(parse(data))
    assert {name: len(models) for name, models in found.items()} == {
        "keras-tf20-urop": 6,
        "tensorboard-review-manyruns": 9,
        "tfkeras-emotion": 2,
    }
    assert not any(
        models for name, many in found.items() if "emotion" not in name for models in many
    )
    for regularizers in found["tfkeras-emotion"]:
        assert len(regularizers) == 2
        for one in regularizers:
            assert one.argument == "kernel_regularizer"
            assert one.kind == "L1L2"
            assert one.strength == pytest.approx(0.001)
