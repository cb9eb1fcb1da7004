# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""What a logdir holds: by TensorBoard's record reader and by both data providers."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from tensorboard.backend.event_processing import (
    data_provider,
    event_file_loader,
    plugin_event_multiplexer,
)
from tensorboard.compat.proto import event_pb2
from tensorboard.context import RequestContext
from tensorboard.data import server_ingester
from tensorboard.util import grpc_util, tensor_util

from tb_regloss import metadata
from tb_regloss.analysis import facts


@dataclasses.dataclass
class Log:
    """All that event files of one folder hold, in the order of writing."""

    scalars: dict[str, list[tuple[int, float]]]
    vectors: dict[str, list[tuple[int, list[float]]]]
    declarations: list[facts.Declaration]
    graph_defs: list[bytes]
    meta_graphs: list[bytes]

    @property
    def declaration(self) -> facts.Declaration:
        return self.declarations[-1]

    @property
    def vector(self) -> list[tuple[int, list[float]]]:
        (only,) = self.vectors.values()
        return only


def read(folder: Any) -> Log:
    """Returns what stands in the event files directly below a folder."""
    log = Log({}, {}, [], [], [])
    for event in events(folder):
        if event.graph_def:
            log.graph_defs.append(event.graph_def)
        if event.meta_graph_def:
            log.meta_graphs.append(event.meta_graph_def)
        for value in event.summary.value:
            array = tensor_util.make_ndarray(value.tensor) if value.HasField("tensor") else None
            if value.tag.startswith(metadata.TAG_DECLARATION):
                log.declarations.append(metadata.decode_declaration(array.item()))
            elif value.tag.startswith(metadata.TAG_REGULARIZATION_LOSSES):
                rows = log.vectors.setdefault(value.tag.rpartition("/")[2], [])
                rows.append((event.step, array.tolist()))
            elif value.tag.startswith(metadata.TAG_PREFIX):
                log.scalars.setdefault(value.tag, []).append((event.step, array.item()))
    return log


def events(folder: Any) -> Iterator[event_pb2.Event]:
    """Yields every event once."""
    for path in sorted(pathlib.Path(folder).glob("events.out.*")):
        loader = event_file_loader.RawEventFileLoader(str(path))
        for record in loader.Load():
            yield event_pb2.Event.FromString(record)


def size(folder: Any) -> int:
    """Returns the bytes of all event files below a folder."""
    return sum(path.stat().st_size for path in pathlib.Path(folder).rglob("events.out.*"))


@contextlib.contextmanager
def python_provider(logdir: Any) -> Iterator[Any]:
    """The provider of `tensorboard --load_fast=false`."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={metadata.PLUGIN_NAME: 1000}
    )
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    yield data_provider.MultiplexerDataProvider(multiplexer, str(logdir))


@contextlib.contextmanager
def rust_provider(logdir: Any) -> Iterator[Any]:
    """The provider of `tensorboard --load_fast=true`."""
    ingester = server_ingester.SubprocessServerDataIngester(
        server_binary=server_ingester.get_server_binary(),
        logdir=str(logdir),
        reload_interval=5,
        channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
        samples_per_plugin={metadata.PLUGIN_NAME: 1000},
    )
    try:
        with warnings.catch_warnings():
            # The ingester drops its handle of the process it has just started.
            warnings.simplefilter("ignore", ResourceWarning)
            ingester.start()
        yield ingester.data_provider
    finally:
        ingester._stdin_handle.close()  # The server ends with its standard input.


PROVIDERS = {"python": python_provider, "rust": rust_provider}


def series(provider: Any) -> dict[str, dict[str, list[tuple[int, Any]]]]:
    """Returns all of our series by run and tag, as a provider hands them out."""
    context, answer = RequestContext(), {}
    asked = {"experiment_id": "", "plugin_name": metadata.PLUGIN_NAME}
    scalars = provider.read_scalars(context, downsample=1000, **asked)
    tensors = provider.read_tensors(context, downsample=1000, **asked)
    for run in {*scalars, *tensors}:
        answer[run] = {
            **{
                tag: [(datum.step, datum.value) for datum in data]
                for tag, data in scalars.get(run, {}).items()
            },
            **{
                tag: [(datum.step, np.asarray(datum.numpy).tolist()) for datum in data]
                for tag, data in tensors.get(run, {}).items()
            },
        }
    return answer
