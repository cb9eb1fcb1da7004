# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a traced TF2 step and takes gradients where the optimizer gets them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.case import BuiltCase, Case
from tests.zoo.interpreter import Interpreter
from tests.zoo.measured import FACTOR, Array, Measured, start_value, strength_of

Levers = dict[str, tuple[dict[tuple[str, str], Any], dict[str, Any]]]


def measure(case: Case, built: BuiltCase) -> tuple[Measured, dict[str, Measured]]:
    """Runs the case as built, and once with each strength multiplied by FACTOR."""
    strengths = sorted({strength_of(loss.key) for loss in built.truth.losses})
    base = _run(built, {}, {})
    if not strengths:
        return base, {}
    factors = {strength: FACTOR + index for index, strength in enumerate(strengths)}
    levers = _levers(built, case.build(factors), factors)
    changed = {}
    for strength in strengths:
        if levers is not None:
            changed[strength] = _run(built, *levers[strength])
        else:
            other = case.build({strength: FACTOR})
            changed[strength] = _renamed(_run(other, {}, {}), other, built)
    return base, changed


def _renamed(measured: Measured, other: BuiltCase, built: BuiltCase) -> Measured:
    # Some placeholders of captured variables are named by a counter of the process.
    names = dict(zip(other.running[0].inputs, built.running[0].inputs, strict=True))
    return dataclasses.replace(
        measured,
        ports={names[k]: v for k, v in measured.ports.items()},
        data={names[k]: v for k, v in measured.data.items()},
        penalties={(key, names[k]): v for (key, k), v in measured.penalties.items()},
    )


def _run(
    built: BuiltCase, constants: Mapping[tuple[str, str], Any], inputs: Mapping[str, Any]
) -> Measured:
    running, _ = built.running
    trained = [name for name in running.ports if name in running.variables]
    saved = _save(running)
    for name in trained:
        value = saved[id(running.variables[name][0])][1]
        start = start_value(str(list(running.inputs).index(name)), tuple(value.shape))
        for handle in running.variables[name]:
            tf.raw_ops.AssignVariableOp(resource=handle, value=tf.cast(start, value.dtype))
    graph = tf.compat.v1.GraphDef.FromString(built.graph_def)
    interpreter = Interpreter(graph, constants)
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch([h for name in trained for h in running.variables[name]])
        interpreter.run({**running.inputs, **inputs})

    def at(place: Any) -> Any:
        for (function, op), outputs in interpreter.seen.items():
            if op == place.op and _same_function(function, place.graph, running):
                return outputs[place.index]
        # An input of a function that passes through it has no op of its own.
        raise KeyError(place)

    def gradient(terms: Any, name: str) -> Array:
        total = np.zeros(shapes[name])
        for where, weight in terms:
            for g in tape.gradient(at(where), running.variables[name]):
                if g is not None:
                    total = total + weight * np.asarray(tf.convert_to_tensor(g), np.float64)
        return total

    shapes = {name: tuple(saved[id(running.variables[name][0])][1].shape) for name in trained}
    try:
        return Measured(
            ports={name: _port(name, running, at, shapes[name]) for name in trained},
            data={n: gradient(running.data_of.get(n, running.data), n) for n in trained},
            penalties={
                (loss.key, name): gradient([(running.penalties[loss.key], 1.0)], name)
                for loss in built.truth.losses
                for name in loss.variables
                if name in trained
            },
            values={t.key: float(at(running.penalties[t.key])) for t in built.truth.losses},
            optimized=float(at(running.optimized)) if running.optimized else None,
        )
    finally:
        for handle, value in saved.values():
            tf.raw_ops.AssignVariableOp(resource=handle, value=value)


def _save(running: Any) -> dict[int, tuple[Any, Any]]:
    saved = {}
    handles = list(running.inputs.values()) + [h for hs in running.variables.values() for h in hs]
    for handle in handles:
        known = getattr(handle, "_handle_data", None)
        if handle.dtype != tf.resource or known is None or not known.is_set:
            continue
        dtype = tf.as_dtype(known.shape_and_type[0].dtype)
        if dtype in (tf.variant, tf.resource):
            continue
        saved[id(handle)] = handle, tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype)
    return saved


def _same_function(function: str, graph: str, running: Any) -> bool:
    if function == "":
        return graph == running.top
    stem = re.sub(r"^__(inference|forward)_", "", function)
    return (
        stem == graph or re.fullmatch(re.escape(graph) + r"(_\d+)?(_rewritten)?", stem) is not None
    )


def _port(name: str, running: Any, at: Any, shape: tuple[int, ...]) -> Array:
    total = np.zeros(shape)
    slices = running.slices.get(name, [])
    for index, place in enumerate(running.ports[name]):
        value = np.asarray(at(place), np.float64)
        if slices:
            rows = np.asarray(at(slices[index])).reshape(-1)
            np.add.at(total, rows, value.reshape(-1, *shape[1:]))
        else:
            total = total + value
    return total


def _levers(built: BuiltCase, other: BuiltCase, factors: Mapping[str, float]) -> Levers | None:
    """Returns constants and inputs to replace, by strength; `None` where that cannot be told.

    A constant belongs to the strength by whose factor it grew.
    """
    mine, theirs = _walk(built.graph_def), _walk(other.graph_def)
    levers: Levers = {strength: ({}, {}) for strength in factors}
    pairs = []
    for (function, a), (_, b) in zip(mine, theirs, strict=False):
        if a.op != b.op or (a.name != b.name and a.op != "Placeholder"):
            return None
        if a.op == "Const" and a.attr["value"] != b.attr["value"]:
            values = [tf.make_ndarray(n.attr["value"].tensor) for n in (a, b)]
            pairs.append(((function, a.name), *values))
    fed = zip(built.running[0].inputs.items(), other.running[0].inputs.values(), strict=True)
    for (name, a), b in fed:
        if a.dtype.is_floating:
            pairs.append((name, a.numpy(), b.numpy()))
    found = set()
    for key, before, after in pairs:
        if np.array_equal(before, after) or not np.issubdtype(after.dtype, np.floating):
            continue
        for strength, factor in factors.items():
            if np.allclose(after, factor * before, rtol=1e-3):
                found.add(strength)
                scaled = (before * FACTOR).astype(after.dtype)
                if isinstance(key, tuple):
                    levers[strength][0][key] = scaled
                else:
                    levers[strength][1][key] = tf.constant(scaled)
                break
        else:
            return None
    zero = {strength_of(t.key) for t in built.truth.losses if t.status == "zero"}
    return levers if found | zero == set(factors) else None


def _walk(serialized: bytes) -> list[tuple[str, Any]]:
    """Returns all ops, functions in the order in which they are first called.

    Names of functions carry a counter, so that two builds can be matched by
    order only.
    """
    graph = tf.compat.v1.GraphDef.FromString(serialized)
    library = {f.signature.name: f for f in graph.library.function}
    order = [""]
    found = []
    for function in order:
        nodes = graph.node if function == "" else library[function].node_def
        for node in nodes:
            found.append((function, node))
            order += [f for f in _called(node) if f in library and f not in order]
    return found


def _called(node: Any) -> Iterator[str]:
    for key in sorted(node.attr):
        value = node.attr[key]
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name
