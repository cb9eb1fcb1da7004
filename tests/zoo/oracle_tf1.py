# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Runs one step of a logged TF1 graph and takes gradients where the optimizer gets them."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo.case import BuiltCase
from tests.zoo.oracle import Array, Measured

v1 = tf.compat.v1


def measure(built: BuiltCase, changed: BuiltCase) -> Measured:
    """Runs the logged graph of `built` with the constants and feeds of `changed`.

    Args:
      built: the case as logged.
      changed: the same program with other strengths; the two graphs may differ
        in the values of constants only.
    """
    assert built.meta_graph is not None and changed.meta_graph is not None
    meta = _patched(built.meta_graph, changed.meta_graph)
    running = built.running
    with tf.Graph().as_default() as graph:
        # Logged collections of summaries and savers are of no use to a single step.
        v1.train.import_meta_graph(meta)
        variables = {v.name.split(":")[0]: v for v in _variables()}
        ports = _ports(graph, running, variables)
        trained = {name: variables[name] for name in ports}
        data = {
            name: _gradient(graph, running.data_of.get(name, running.data), v)
            for name, v in trained.items()
        }
        penalties = {
            (loss.key, name): _gradient(graph, [(loss.tensor, 1.0)], trained[name])
            for loss in built.truth.losses
            for name in loss.variables
            if name in trained
        }
        values = {t.key: graph.get_tensor_by_name(t.tensor) for t in built.truth.losses}
        fetches: dict[str, Any] = {"ports": ports, "data": data, "values": values}
        fetches["penalties"] = {str(k): v for k, v in penalties.items()}
        fetches["shapes"] = {name: v.value() for name, v in trained.items()}
        if running.optimized:
            fetches["optimized"] = graph.get_tensor_by_name(running.optimized)
        feeds = {graph.get_tensor_by_name(k): v for k, v in changed.running.feeds.items()}
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        # Rewriting would gain nothing for one step and costs more than the step.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with v1.Session(config=config) as session:
            session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
            for op in running.before:
                session.run(graph.get_operation_by_name(op), feeds)
            got = session.run(_without_none(fetches), feeds)
    shapes = {name: value.shape for name, value in got["shapes"].items()}
    return Measured(
        ports={name: _dense(got["ports"][name], shape) for name, shape in shapes.items()},
        data={name: _dense(got["data"].get(name), shape) for name, shape in shapes.items()},
        penalties={
            (key, name): _dense(got["penalties"].get(str((key, name))), shapes[name])
            for key, name in penalties
        },
        values={key: float(np.sum(value)) for key, value in got["values"].items()},
        optimized=float(got["optimized"]) if "optimized" in got else None,
    )


def _patched(logged: bytes, changed: bytes) -> Any:
    meta, other = v1.MetaGraphDef.FromString(logged), v1.MetaGraphDef.FromString(changed)
    _patch(meta.graph_def.node, other.graph_def.node)
    functions = zip(meta.graph_def.library.function, other.graph_def.library.function, strict=True)
    for mine, theirs in functions:
        _patch(mine.node_def, theirs.node_def)
    return meta


def _patch(mine: Any, theirs: Any) -> None:
    for a, b in zip(mine, theirs, strict=True):
        assert (a.name, a.op, list(a.input)) == (b.name, b.op, list(b.input)), (a.name, b.name)
        if a.op == "Const":
            a.attr["value"].CopyFrom(b.attr["value"])


def _variables() -> list[Any]:
    found = {v.name: v for v in v1.global_variables() + v1.trainable_variables()}
    return list(found.values())


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


def _without_none(fetches: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
        for key, value in fetches.items()
    }


def _dense(value: Any, shape: tuple[int, ...]) -> Array:
    if value is None:
        return np.zeros(shape)
    if isinstance(value, tuple):
        rows, indices = value
        dense = np.zeros(shape)
        np.add.at(dense, indices.reshape(-1), rows.reshape(-1, *shape[1:]))
        return dense
    return np.asarray(value, np.float64)
