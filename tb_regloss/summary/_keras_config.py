# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Regularizers that stand in a layer's configuration and yield no loss.

The two known ways: the attribute was set after the layer was built, which does
nothing, or a layer takes the argument and drops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tb_regloss.analysis import facts
from tb_regloss.summary import _layer_lines

_SUFFIX = "_regularizer"


def without_loss(
    model: Any, penalty_names: Iterable[str]
) -> tuple[facts.ConfiguredRegularizer, ...]:
    """Returns what is configured but yields no loss.

    Args:
      model: a built Keras model.
      penalty_names: of the penalties that were seen in a training step.
    """
    present = set(penalty_names)
    found = []
    for layer in model._flatten_layers(include_self=False):
        configured = _configured(layer)
        missing = [
            (argument, config)
            for argument, config in configured
            if not _is_present_or_frozen(layer, argument, present)
        ]
        for argument, config in missing:
            found.append(
                facts.ConfiguredRegularizer(
                    layer=getattr(layer, "path", None) or layer.name,
                    argument=argument,
                    kind=_kind(config),
                    strength=_strength(config),
                    trainable=bool(getattr(layer, "trainable", True)),
                    created_at=_layer_lines.line_of(layer),
                )
            )
    return tuple(found)


def _configured(layer: Any) -> list[tuple[str, Any]]:
    try:
        config = layer.get_config()
    except Exception:  # A user's layer without get_config is no fault of the training.
        return []
    return [
        (argument, value)
        for argument, value in config.items()
        if argument.endswith(_SUFFIX) and value and _strength(value) != 0.0
    ]


def _is_present_or_frozen(layer: Any, argument: str, present: set[str]) -> bool:
    if argument == f"activity{_SUFFIX}":
        place = getattr(layer, "path", None) or layer.name
        return any(name.startswith(f"{place}/activity{_SUFFIX}") for name in present)
    stem = argument.removesuffix(_SUFFIX)
    own = {_path(variable): variable for variable in layer.weights}
    # Keras 3 makes no loss of what is not trained: nothing is missing there.
    settled = {p for p, v in own.items() if f"{p}{_SUFFIX}" in present or not v.trainable}
    named = {path for path in own if path.rpartition("/")[2].startswith(stem)}
    return bool(settled & (named or own.keys()))


def _path(variable: Any) -> str:
    return str(getattr(variable, "path", None) or variable.name.split(":")[0])


def _kind(config: Any) -> str:
    if isinstance(config, dict):
        return str(config.get("class_name", "unknown"))
    return str(getattr(config, "__name__", config))


def _strength(config: Any) -> float | None:
    inner = config.get("config") if isinstance(config, dict) else None
    numbers = [
        float(f"{value:.6g}")  # tf-keras rounds to float32.
        for value in (inner.values() if isinstance(inner, dict) else ())
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
    return max(numbers) if numbers else None
