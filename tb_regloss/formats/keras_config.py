# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""The regularizers that a Keras model's JSON configures.

The Keras callbacks for TensorBoard log that JSON. It tells what was asked for;
whether a loss came of it, only the graph can tell. Forms: Keras 1 (a
Sequential's config is a list), Keras 2, Keras 3; models in models, wrappers.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from tb_regloss import errors
from tb_regloss.analysis.facts import ConfiguredRegularizer

_SUFFIX = "_regularizer"
# Regularizers given by name, with the strength that Keras gives them then
# (keras/src/regularizers/regularizers.py).
_BY_NAME = {
    "l1": "L1",
    "l2": "L2",
    "l1_l2": "L1L2",
    "l1l2": "L1L2",
    "orthogonal": "OrthogonalRegularizer",
    "orthogonal_regularizer": "OrthogonalRegularizer",
}
_DEFAULT_STRENGTH = 0.01
# What the classes of Keras call their coefficients; another class may call anything so.
_COEFFICIENTS = ("l1", "l2", "factor")
# Models in models in models; beyond it somebody plays tricks.
_DEEPEST = 100


def parse(data: bytes, source: str = "The logged Keras model") -> tuple[ConfiguredRegularizer, ...]:
    """Returns the configured regularizers, in the order of the layers.

    Args:
      data: what a model's `to_json()` returned.
      source: where it was found, for the message of the exception.

    Raises:
      errors.UnreadableError: it is no model's JSON.
    """
    try:
        model = json.loads(data)
        if isinstance(model, str):  # Some callbacks encode the JSON once more.
            model = json.loads(model)
    except (ValueError, RecursionError) as error:
        raise _no_model(source, f"it is no JSON ({type(error).__name__})") from error
    if not isinstance(model, dict) or not isinstance(model.get("config"), (dict, list)):
        raise _no_model(source, "it has no 'config'")
    try:
        return tuple(_walk(model["config"]))
    except _TooDeepError as error:
        raise _no_model(source, str(error)) from error


class _TooDeepError(Exception):
    """The layers are nested beyond all use; never leaves this file."""


def _no_model(source: str, reason: str) -> errors.UnreadableError:
    return errors.UnreadableError(
        f"{source} does not parse: {reason}; expected what a Keras model's to_json() returns. "
        "What its layers configure is not known."
    )


@dataclasses.dataclass(frozen=True)
class _Place:
    """Something in the JSON, the names of the layers around it, whether they are trained."""

    value: Any
    names: tuple[str, ...] = ()
    trained: bool = True
    depth: int = 0


def _walk(config: Any) -> Iterator[ConfiguredRegularizer]:
    pending = [_Place(config)]
    while pending:
        place = pending.pop()
        if place.depth > _DEEPEST:
            raise _TooDeepError(f"its layers are nested more than {_DEEPEST} deep")
        if isinstance(place.value, list):
            below = [dataclasses.replace(place, value=item) for item in place.value]
        elif not isinstance(place.value, dict):
            continue
        elif _is_object(place.value):
            inner = _inside(place)
            if isinstance(inner.value, dict):
                yield from _own(place.value["class_name"], inner)
            below = [inner]
        else:
            below = [
                dataclasses.replace(place, value=value)
                for key, value in place.value.items()
                if not key.endswith(_SUFFIX)
            ]
        pending.extend(reversed(below))


def _is_object(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("class_name"), str) and isinstance(
        value.get("config"), (dict, list)
    )


def _inside(place: _Place) -> _Place:
    """Returns the config of the layer at `place`, with that layer's name around it."""
    value = place.value
    config = value["config"]
    settings = config if isinstance(config, dict) else {}
    name = settings.get("name") or value.get("name") or value["class_name"]
    trained = place.trained and settings.get("trainable", True) is not False
    if value["class_name"] == "Bidirectional" and "backward_layer" not in settings:
        config = _both_ways(settings)
    return _Place(config, (*place.names, str(name)), trained, place.depth + 1)


def _both_ways(settings: Mapping[str, Any]) -> Any:
    """Returns a Bidirectional's config with the two layers that Keras makes of the one in it."""
    layer = settings.get("layer")
    if not isinstance(layer, dict) or not isinstance(layer.get("config"), dict):
        return settings
    plain = str(layer["config"].get("name", "")).removeprefix("forward_")
    made = {
        f"{way}layer": {**layer, "config": {**layer["config"], "name": f"{way}{plain}"}}
        for way in ("forward_", "backward_")
    }
    return {key: value for key, value in settings.items() if key != "layer"} | made


def _own(class_name: str, place: _Place) -> Iterator[ConfiguredRegularizer]:
    layer = "/".join(place.names)
    for argument, value in place.value.items():
        if argument.endswith(_SUFFIX) and value:
            kind, strength = _kind(value), _strength(value)
            yield ConfiguredRegularizer(layer, argument, kind, strength, place.trained)
    if class_name == "ActivityRegularization":
        strength = _largest(place.value)
        argument = f"activity{_SUFFIX}"
        yield ConfiguredRegularizer(layer, argument, "L1L2", strength, place.trained)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return _BY_NAME.get(value.lower(), value)
    if not isinstance(value, dict):
        return "other"
    name = value.get("class_name") or value.get("name")
    if name == "function" and isinstance(value.get("config"), str):
        name = value["config"]
    return name if isinstance(name, str) else "other"


def _strength(value: Any) -> float | None:
    if isinstance(value, str):
        return _DEFAULT_STRENGTH if value.lower() in _BY_NAME else None
    if not isinstance(value, dict):
        return None
    # Keras 1 has the coefficients beside the name, later ones below `config`.
    config = value.get("config", value)
    return _largest(config) if isinstance(config, dict) else None


def _largest(config: Mapping[str, Any]) -> float | None:
    """Returns the largest coefficient, `None` where one of them is no finite number."""
    found = [config[name] for name in _COEFFICIENTS if config.get(name) is not None]
    try:
        numbers = [abs(float(n)) for n in found if isinstance(n, (int, float))]
    except OverflowError:
        return None
    if not numbers or len(numbers) < len(found) or not all(map(math.isfinite, numbers)):
        return None
    return max(numbers)
