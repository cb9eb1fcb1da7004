# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Gathers all that is known of a run: `Reader.gather` is the only way to facts.

Panel, command line and Python interface start from it, so they cannot disagree.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

from tb_regloss import errors
from tb_regloss.analysis.facts import ConfiguredRegularizer, Problem, RunFacts, Series
from tb_regloss.backend import declared, series
from tb_regloss.backend.given_roles import RunRoles
from tb_regloss.backend.loader import SAMPLES
from tb_regloss.backend.logdir import RunFiles
from tb_regloss.backend.provider import Provider
from tb_regloss.formats import event_file, keras_config

# With 1,000 regularization losses and 1,000 steps a run is 4 MB.
_READ_AHEAD = 16

# Blob sequences that hold graphs, for providers whose files are out of reach
# (tensorboard/plugins/graph/metadata.py).
_BLOB_KINDS = {
    "graphs": event_file.GRAPH_DEF,
    "graph_run_metadata": event_file.RUN_METADATA,
    "graph_run_metadata_graph": event_file.RUN_METADATA,
    "graph_keras_model": event_file.KERAS_MODEL,
}

_OUT_OF_REACH = (
    "The event files are out of reach (--grpc_data_provider), so only the one graph that the data "
    "provider hands out could be looked at, and no collections."
)
_NO_GRAPH_IN_REACH = (
    "The event files are out of reach (--grpc_data_provider), and the data provider hands out no "
    "graph of this run. If its files hold one, `tb-regloss check` finds it where they are."
)

Configured = tuple[ConfiguredRegularizer, ...] | None


@dataclasses.dataclass(frozen=True)
class GraphBlob:
    """One serialized graph of a run, read only when it is asked for.

    Attributes:
      kind: one of `formats.graphs.KINDS`, or `event_file.KERAS_MODEL`.
      source: where it was found, for people.
      path: the file it stands in.
      key: equal keys mean equal bytes; saves reading them again.
      read: returns the bytes, or raises `errors.UnreadableError`.
    """

    kind: str
    source: str
    path: str
    key: Hashable
    read: Callable[[], bytes]


@dataclasses.dataclass(frozen=True)
class Gathered:
    """A run's facts and its graphs, oldest first."""

    facts: RunFacts
    graphs: tuple[GraphBlob, ...] = ()


@dataclasses.dataclass(frozen=True)
class RunData:
    """All that the provider knows of one run, the graphs excepted."""

    series: series.RunSeries
    declared: declared.RunDeclarations


@dataclasses.dataclass(frozen=True)
class RunSource:
    """Where the data of one run is.

    Attributes:
      run: the run's name as shown.
      path: its folder or file.
      files: its event files, `None` where they are out of reach.
      provider: TensorBoard's, `None` for a file that holds a graph only.
      provider_run: the run's name in the provider.
      graphs: graphs that stand in no event file.
      said: what the user said of its tags.
    """

    run: str
    path: str
    files: RunFiles | None
    provider: Provider | None
    provider_run: str
    graphs: tuple[GraphBlob, ...] = ()
    said: RunRoles = dataclasses.field(default_factory=RunRoles)

    def fingerprint(self, listing: Hashable = None) -> Hashable:
        """Returns a value that changes when there is something new to gather.

        Args:
          listing: the run's own of `provider.listings`, if that was asked for.
        """
        if listing is None and self.provider is not None:
            listing = self.provider.listings([self.provider_run])[self.provider_run]
        if self.files is None:
            return (listing,)
        self.files.scan()
        return (self.files.sizes(), listing)


def gather(source: RunSource, data: RunData | None = None) -> Gathered:
    """Returns all that is known of a run.

    Reads the run's event files (what was added since the last time) and its
    series: milliseconds for most runs, more where event files are remote.

    Args:
      source: where the run's data is.
      data: the run's own of `read_ahead`, if that was asked for.
    """
    graphs = source.graphs
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    if source.files is not None:
        records, problems = source.files.scan()
        graphs = tuple(_blob_of_record(record) for record in records)
    elif source.provider is not None:
        graphs = tuple(_blobs_of_provider(source.provider, source.provider_run))
        notes = (_OUT_OF_REACH if graphs else _NO_GRAPH_IN_REACH,)
    graphs, configured, trouble = _without_keras_models(graphs)
    problems += trouble
    if source.provider is None:
        facts = RunFacts(
            run=source.run,
            path=source.path,
            keras_regularizers=configured,
            notes=notes,
            problems=problems,
        )
        return Gathered(facts, graphs)
    if data is None:
        data = _read(source.provider, [source])[source.provider_run]
    roles, extra, trouble = _unthinned(source, data.series)
    problems += trouble
    facts = RunFacts(
        run=source.run,
        path=source.path,
        series=roles,
        declarations=data.declared.declarations,
        loss_matrix=data.declared.matrix,
        keras_regularizers=configured,
        notes=notes + data.series.notes,
        problems=problems + data.declared.problems,
        extra=extra,
        optimized_assured=data.series.assured,
        roles=data.series.found,
    )
    return Gathered(facts, graphs)


def _read(provider: Provider, sources: Sequence[RunSource]) -> dict[str, RunData]:
    runs = [source.provider_run for source in sources]
    found = series.read_series(
        provider, runs, {source.provider_run: source.said for source in sources}
    )
    said = declared.read_declarations(provider, runs)
    return {run: RunData(found[run], said[run]) for run in runs}


def _unthinned(
    source: RunSource, found: series.RunSeries
) -> tuple[Mapping[str, Series], Mapping[str, Series], tuple[Problem, ...]]:
    """Returns the series, from the event files where the provider may have thinned them.

    The two providers keep different points of long series, and the verdict must
    not depend on which of them is at work.
    """
    tags = {tag for one in (*found.roles.values(), *found.extra.values()) for tag in one.tags}
    if source.files is None or not tags or not _may_be_thinned(source.files, found):
        return found.roles, found.extra, ()
    try:
        points = source.files.points(tags)
    except errors.UnreadableError as error:
        return found.roles, found.extra, (Problem(source.path, str(error)),)
    return series.reread(found.roles, points), series.reread(found.extra, points), ()


def _may_be_thinned(run_files: RunFiles, found: series.RunSeries) -> bool:
    """Returns whether a provider may lack points; the same for both of them."""
    if run_files.records_read() <= SAMPLES:
        return False
    # A restarted program has more than one file. What a reader has left of a
    # series then may be few points of which it had thinned out others before.
    return found.most_points >= SAMPLES or len(run_files.sizes()) > 1


def _without_keras_models(
    graphs: tuple[GraphBlob, ...],
) -> tuple[tuple[GraphBlob, ...], Configured, tuple[Problem, ...]]:
    """Returns the graphs, and what the newest Keras model among them configures."""
    models = [blob for blob in graphs if blob.kind == event_file.KERAS_MODEL]
    others = tuple(blob for blob in graphs if blob.kind != event_file.KERAS_MODEL)
    if not models:
        return others, None, ()
    newest = models[-1]
    try:
        return others, keras_config.parse(newest.read(), newest.source), ()
    except errors.UnreadableError as error:
        return others, None, (Problem(newest.path, str(error)),)


def read_ahead(
    sources: Sequence[RunSource],
) -> Iterator[tuple[RunSource, RunData | None]]:
    """Yields the sources with their data, which is asked for in few large questions.

    A question to TensorBoard's data server takes 40 ms, however small. Where
    one run's data cannot be read, that of its neighbours is not read ahead
    either (`None`), and each run's own `gather` tells what is wrong with it.
    """
    for start in range(0, len(sources), _READ_AHEAD):
        chunk = sources[start : start + _READ_AHEAD]
        data: dict[str, RunData] = {}
        provider = next((source.provider for source in chunk if source.provider), None)
        if provider is not None:
            wanted = [source for source in chunk if source.provider is not None]
            with contextlib.suppress(Exception):
                data = _read(provider, wanted)
        for source in chunk:
            yield source, data.get(source.provider_run) if source.provider is not None else None


def _blob_of_record(record: event_file.GraphRecord) -> GraphBlob:
    key = (record.path, record.start, record.length, record.generation)
    return GraphBlob(record.kind, record.source, record.path, key, record.read)


def _blobs_of_provider(provider: Provider, run: str) -> Iterator[GraphBlob]:
    for plugin, kind in _BLOB_KINDS.items():
        found = provider.call("read_blob_sequences", plugin, [run], None, downsample=1)
        for tag, data in sorted(found.get(run, {}).items()):
            for datum in data:
                for reference in datum.values:
                    yield GraphBlob(
                        kind=kind,
                        source=f"{tag} of the data provider",
                        path=run,
                        key=(run, reference.blob_key, datum.wall_time),
                        read=_read_blob(provider, reference.blob_key),
                    )


def _read_blob(provider: Provider, key: str) -> Callable[[], bytes]:
    def read() -> bytes:
        data: Any = provider.provider.read_blob(provider.context, blob_key=key)
        return bytes(data)

    return read
