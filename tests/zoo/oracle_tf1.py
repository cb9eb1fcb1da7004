# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Runs one step of a logged TF1 graph and takes gradients where the optimizer gets them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.case import BuiltCase, Case
from tests.zoo.measured import FACTOR, Array, Measured, start_value, strength_of

v1 = tf.compat.v1


def measure(case: Case, built: BuiltCase) -> tuple[Measured, dict[str, Measured]]:
    """Runs the case as built, and once with each strength multiplied by FACTOR."""
    strengths = sorted({strength_of(loss.key) for loss in built.truth.losses})
    runner = _Runner(built)
    base = runner.run({}, built.running.feeds)
    if not strengths:
        return base, {}
    # One more build tells all strengths apart: each is multiplied by a factor of its own.
    factors = {strength: FACTOR + index for index, strength in enumerate(strengths)}
    levers = _levers(built, case.build(factors), factors)
    if levers and not all(runner.can_feed(constants) for constants, _ in levers.values()):
        levers = None
    changed = {}
    for strength in strengths:
        if levers is not None:
            constants, feeds = levers[strength]
            changed[strength] = runner.run(constants, feeds)
        else:
            other = case.build({strength: FACTOR})
            changed[strength] = _Runner(other).run({}, other.running.feeds)
    return base, changed


def shrinks(built: BuiltCase) -> bool:
    """Tells whether a step with all gradients zero pulls a trained variable towards zero."""
    assert built.meta_graph is not None
    with tf.Graph().as_default() as graph:
        v1.train.import_meta_graph(v1.MetaGraphDef.FromString(built.meta_graph))
        variables = {v.op.name: v for v in v1.global_variables() + v1.trainable_variables()}
        ports = _ports(graph, built.running, variables)
        init = [v1.global_variables_initializer(), v1.local_variables_initializer()]
        step = graph.as_graph_element(built.declaration["train_op"])
        with v1.Session() as session:
            session.run(init)
            feeds = {graph.get_tensor_by_name(k): v for k, v in built.running.feeds.items()}
            before = session.run({name: variables[name] for name in ports})
            for name, port in ports.items():
                feeds[port] = np.zeros_like(before[name])
            session.run(step, feeds)
            after = session.run({name: variables[name] for name in ports})
    return any(
        np.any(after[name] != value)
        and np.all(np.abs(after[name]) <= np.abs(value))
        and np.allclose(after[name] / value, (after[name] / value).flat[0], rtol=1e-4)
        for name, value in before.items()
    )


class _Runner:
    """A logged graph, imported, with the gradients of D and of each R beside it."""

    def __init__(self, built: BuiltCase) -> None:
        assert built.meta_graph is not None
        self._running = built.running
        self._truth = built.truth
        with tf.Graph().as_default() as self._graph:
            v1.train.import_meta_graph(v1.MetaGraphDef.FromString(built.meta_graph))
            variables = {v.op.name: v for v in v1.global_variables() + v1.trainable_variables()}
            self._fetches, self._trained = self._probes(variables)
            self._init = [v1.global_variables_initializer(), v1.local_variables_initializer()]
        self._graph.finalize()

    def _probes(self, variables: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        running, graph = self._running, self._graph
        ports = _ports(graph, running, variables)
        trained = {name: variables[name] for name in ports}
        fetches: dict[str, Any] = {"ports": ports}
        fetches["data"] = {}
        if not running.numeric:
            for name, v in trained.items():
                terms = running.data_of.get(name, running.data)
                fetches["data"][name] = _gradient(graph, terms, v)
        fetches["penalties"] = {
            f"{loss.key}|{name}": _gradient(graph, [(loss.tensor, 1.0)], trained[name])
            for loss in self._truth.losses
            for name in loss.variables
            if name in trained
        }
        fetches["values"] = {t.key: graph.get_tensor_by_name(t.tensor) for t in self._truth.losses}
        if running.optimized:
            fetches["optimized"] = graph.get_tensor_by_name(running.optimized)
        fetches = {
            key: {k: t for k, t in value.items() if t is not None}
            if isinstance(value, dict)
            else value
            for key, value in fetches.items()
        }
        return fetches, trained

    def can_feed(self, names: Iterable[str]) -> bool:
        """Returns whether all these tensors can be replaced (those inside of loops cannot)."""
        return all(self._graph.is_feedable(self._graph.get_tensor_by_name(n)) for n in names)

    def run(self, constants: Mapping[str, Any], feeds: Mapping[str, Any]) -> Measured:
        """Runs one step from the same initial values, with some constants replaced."""
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        # Rewriting a graph for one step costs more than the step.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        tensor = self._graph.get_tensor_by_name
        fed = {tensor(name): value for name, value in {**constants, **feeds}.items()}
        # A fresh session: random ops start anew from their seeds.
        with v1.Session(graph=self._graph, config=config) as session:
            session.run(self._init, {tensor(name): value for name, value in constants.items()})
            shapes = {}
            for name, variable in self._trained.items():
                shapes[name] = tuple(variable.shape.as_list())
                _load(session, variable, start_value(name, shapes[name]))
            for op in self._running.before:
                session.run(self._graph.get_operation_by_name(op), fed)
            got = session.run(self._fetches, fed)
            if self._running.numeric:
                got["data"] = self._differences(session, fed, shapes)
            reaches = self._reaches(session, fed, got)
        return Measured(
            ports={name: _dense(got["ports"][name], shape) for name, shape in shapes.items()},
            data={name: _dense(got["data"].get(name), shape) for name, shape in shapes.items()},
            penalties={
                (t.key, name): _dense(got["penalties"].get(f"{t.key}|{name}"), shapes[name])
                for t in self._truth.losses
                for name in t.variables
                if name in shapes
            },
            values={key: float(np.sum(value)) for key, value in got["values"].items()},
            optimized=float(got["optimized"]) if "optimized" in got else None,
            reaches=reaches,
        )

    def _reaches(self, session: Any, fed: dict[Any, Any], got: dict[str, Any]) -> dict[str, bool]:
        # Several penalties of one strength move together; feeding one alone tells it from them.
        shared = [t for t in self._truth.losses if ":" in t.key]
        if "optimized" not in got:
            return {}
        moved = {}
        for loss in shared:
            tensor = self._graph.get_tensor_by_name(loss.tensor)
            value = np.asarray(got["values"][loss.key] + 1.0, tensor.dtype.as_numpy_dtype)
            other = session.run(self._fetches["optimized"], {**fed, tensor: value})
            moved[loss.key] = bool(abs(other - got["optimized"]) > 1e-6)
        return moved

    def _differences(
        self, session: Any, fed: dict[Any, Any], shapes: Mapping[str, tuple[int, ...]]
    ) -> dict[str, Array]:
        # The gradient of an imported TF1 loop cannot be taken a second time.
        gradients = {}
        for name, shape in shapes.items():
            terms = self._running.data_of.get(name, self._running.data)
            tensors = [(self._graph.get_tensor_by_name(t), weight) for t, weight in terms]
            start = start_value(name, shape)
            gradient = np.zeros(shape)
            for index in np.ndindex(*shape):
                sides = []
                for step in (1e-2, -1e-2):
                    moved = start.copy()
                    moved[index] += step
                    _load(session, self._trained[name], moved)
                    sides.append(sum(w * float(session.run(t, fed)) for t, w in tensors))
                gradient[index] = (sides[0] - sides[1]) / 2e-2
            _load(session, self._trained[name], start)
            gradients[name] = gradient
        return gradients


def _load(session: Any, variable: Any, value: Any) -> None:
    # The initializer's own value is fed: it works for ref and resource variables alike.
    initial = variable.initializer.inputs[1]
    session.run(variable.initializer, {initial: value.astype(initial.dtype.as_numpy_dtype)})


def _levers(
    built: BuiltCase, other: BuiltCase, factors: Mapping[str, float]
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]] | None:
    """Returns constants and feeds to replace, by strength; `None` where that cannot be told.

    A constant belongs to the strength by whose factor it grew.
    """
    mine = v1.MetaGraphDef.FromString(built.meta_graph).graph_def
    theirs = v1.MetaGraphDef.FromString(other.meta_graph).graph_def
    levers: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        strength: ({}, dict(built.running.feeds)) for strength in factors
    }
    found = set()
    pairs = [("feed:" + k, v, other.running.feeds[k]) for k, v in built.running.feeds.items()]
    for a, b in zip(mine.node, theirs.node, strict=True):
        assert (a.name, a.op, list(a.input)) == (b.name, b.op, list(b.input)), (a.name, b.name)
        if a.op == "Const" and a.attr["value"] != b.attr["value"]:
            values = [tf.make_ndarray(n.attr["value"].tensor) for n in (a, b)]
            pairs.append((a.name + ":0", *values))
    for name, before, after in pairs:
        if np.array_equal(before, after) or not np.issubdtype(after.dtype, np.floating):
            continue
        for strength, factor in factors.items():
            if np.allclose(after, factor * before, rtol=1e-3):
                found.add(strength)
                scaled = (before * FACTOR).astype(after.dtype)
                if name.startswith("feed:"):
                    levers[strength][1][name[5:]] = scaled
                else:
                    levers[strength][0][name] = scaled
                break
        else:
            return None
    zero = {strength_of(t.key) for t in built.truth.losses if t.status == "zero"}
    return levers if found | zero == set(factors) else None


def _ports(graph: Any, running: Any, variables: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for op in graph.get_operations():
        if "Apply" not in op.type:
            continue
        inputs = dict(zip((a.name for a in op.op_def.input_arg), op.inputs, strict=True))
        gradient = inputs.get("grad", inputs.get("delta"))
        name = op.inputs[0].op.name
        if gradient is None or name not in variables or name in running.ports:
            continue
        assert name not in found, f"{name} is updated twice; the case must say by which"
        found[name] = (gradient, inputs["indices"]) if "indices" in inputs else gradient
    for name, (value, indices) in running.ports.items():
        port = graph.get_tensor_by_name(value)
        found[name] = (port, graph.get_tensor_by_name(indices)) if indices else port
    return found


def _gradient(graph: Any, terms: list[tuple[str, float]], variable: Any) -> Any:
    total = None
    for tensor, weight in terms:
        gradient = tf.gradients(graph.get_tensor_by_name(tensor), variable)[0]
        if gradient is None:
            continue
        gradient = weight * tf.cast(tf.convert_to_tensor(gradient), tf.float32)
        total = gradient if total is None else total + gradient
    return total


def _dense(value: Any, shape: tuple[int, ...]) -> Array:
    if value is None:
        return np.zeros(shape)
    if isinstance(value, tuple):
        rows, indices = value
        dense = np.zeros(shape)
        np.add.at(dense, indices.reshape(-1), rows.reshape(-1, *shape[1:]))
        return dense
    return np.asarray(value, np.float64)
