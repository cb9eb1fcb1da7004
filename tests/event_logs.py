# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Event files for tests, record by record, through TensorBoard's own record writer.

`tb_regloss.summary.pb` opens its files through TensorBoard's `tf`, which is the
real TensorFlow where that is installed: seconds a process, and no way to
write a broken file.
"""

from __future__ import annotations

import io
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto import (
    config_pb2,
    event_pb2,
    graph_pb2,
    meta_graph_pb2,
    summary_pb2,
)
from tensorboard.summary.writer import record_writer
from tensorboard.util import tensor_util

from tb_regloss import metadata
from tb_regloss.analysis.facts import Declaration, DeclaredLoss

START = 1_700_000_000.0


class EventLog:
    """One event file; every method adds one event, at the next second."""

    def __init__(self, folder: os.PathLike[str] | str, name: str = "events.out.tfevents.1") -> None:
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        self.path = pathlib.Path(folder, name)
        self._file = io.FileIO(self.path, "ab")
        self._records = record_writer.RecordWriter(self._file)
        self._time = START
        if self._file.tell() == 0:
            self.add(event_pb2.Event(file_version="brain.Event:2"))

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if not self._file.closed:
            self._records.close()

    def flush(self) -> None:
        self._records.flush()

    def size(self) -> int:
        self.flush()
        return self.path.stat().st_size

    def add(self, event: event_pb2.Event, wall_time: float | None = None) -> None:
        self._time = self._time + 1 if wall_time is None else wall_time
        event.wall_time = self._time
        self._records.write(event.SerializeToString())

    def simple(self, step: int, values: Mapping[str, float]) -> None:
        """Scalars as TF1 writes them."""
        summary = summary_pb2.Summary(
            value=[
                summary_pb2.Summary.Value(tag=tag, simple_value=value)
                for tag, value in values.items()
            ]
        )
        self.add(event_pb2.Event(step=step, summary=summary))

    def tensor(self, step: int, tag: str, value: Any, content: Any) -> None:
        """A tensor summary with its metadata."""
        tensor = tensor_util.make_tensor_proto(value)
        summary = summary_pb2.Summary(
            value=[summary_pb2.Summary.Value(tag=tag, metadata=content, tensor=tensor)]
        )
        self.add(event_pb2.Event(step=step, summary=summary))

    def ours(self, step: int, **values: float) -> None:
        """Scalars of ours, by role: `data_loss=0.5`."""
        for name, value in values.items():
            content = metadata.scalar_metadata(summary_pb2.SummaryMetadata)
            self.tensor(step, metadata.TAG_PREFIX + name, np.float32(value), content)

    def declare(self, declaration: Declaration, step: int = 0) -> str:
        """A declaration; returns its hash."""
        encoded = metadata.encode_declaration(declaration)
        name = metadata.declaration_hash(encoded)
        content = metadata.declaration_metadata(summary_pb2.SummaryMetadata)
        value = np.array(encoded, dtype=object)
        self.tensor(step, metadata.TAG_DECLARATION + name, value, content)
        return name

    def vector(self, step: int, name: str, values: Sequence[float]) -> None:
        """The values of the regularization losses of the declaration with that hash."""
        content = metadata.loss_vector_metadata(summary_pb2.SummaryMetadata, name)
        value = np.array(values, np.float32)
        self.tensor(step, metadata.TAG_REGULARIZATION_LOSSES + name, value, content)

    def graph(self, graph: graph_pb2.GraphDef | None = None) -> bytes:
        data = (graph or a_graph()).SerializeToString()
        self.add(event_pb2.Event(graph_def=data))
        return data

    def meta_graph(self, graph: graph_pb2.GraphDef | None = None) -> bytes:
        meta = meta_graph_pb2.MetaGraphDef(graph_def=graph or a_graph())
        data = meta.SerializeToString()
        self.add(event_pb2.Event(meta_graph_def=data))
        return data

    def traced(self, plugin: str = "graph_run_metadata_graph", with_graph: bool = True) -> bytes:
        """A RunMetadata as `tf.summary.trace_export` writes it."""
        run_metadata = config_pb2.RunMetadata()
        run_metadata.step_stats.dev_stats.add(device="/cpu:0")
        if with_graph:
            run_metadata.function_graphs.add().pre_optimization_graph.CopyFrom(a_graph())
        data: bytes = run_metadata.SerializeToString()
        content = summary_pb2.SummaryMetadata()
        content.plugin_data.plugin_name = plugin
        self.tensor(0, "trace", np.array([data], dtype=object), content)
        return data

    def keras_model(self, text: str) -> None:
        """A model's JSON as the Keras callback writes it."""
        content = summary_pb2.SummaryMetadata()
        content.plugin_data.plugin_name = "graph_keras_model"
        self.tensor(0, "keras", np.array(text.encode(), dtype=object), content)


def a_graph(name: str = "loss", padding: int = 0) -> graph_pb2.GraphDef:
    """A graph that trains nothing; `padding` makes it larger."""
    graph = graph_pb2.GraphDef()
    node = graph.node.add(name=name, op="Const")
    if padding:
        node.attr["value"].s = b"x" * padding
    return graph


def declaration(*names: str) -> Declaration:
    """A declaration of regularization losses with these names."""
    return Declaration(
        framework="tf1",
        regularization_losses=tuple(
            DeclaredLoss(name, name, (name.split("/")[0],), "model.py:7") for name in names
        ),
    )


def instrumented(folder: os.PathLike[str] | str, steps: int = 5, graph: bool = True) -> None:
    """A run with everything that our summaries write, and a graph."""
    with EventLog(folder) as log:
        if graph:
            log.graph()
        name = log.declare(declaration("a/l2:0", "b/l2:0"))
        for step in range(steps):
            log.ours(step, data_loss=1.0 / (step + 1), regularization_sum=0.25, optimized_loss=1.0)
            log.vector(step, name, [0.125, 0.125])


def unnamed(folder: os.PathLike[str] | str, multiplier: float = 1.0, prefix: str = "my/") -> None:
    """A run whose losses have tags that no convention knows: `my/ce`, `my/wd`, `my/total`."""
    with EventLog(folder) as log:
        for step in range(0, 300, 3):
            # Irregular on purpose: from smooth curves nothing would follow.
            data = 0.2 + 2 * math.exp(-step / 90) + 0.1 * math.sin(step * step)
            penalty = 0.3 * (1 + 0.2 * math.sin(step / 40))
            total = data + multiplier * penalty
            values = {"ce": data, "wd": penalty, "total": total, "lr": 0.1}
            log.simple(step, {prefix + name: value for name, value in values.items()})
