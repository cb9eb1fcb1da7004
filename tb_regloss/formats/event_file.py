# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Where the graphs stand in an event file, found without reading the rest.

An event file is a chain of records (TFRecord): length (8 bytes), masked CRC of
the length (4), payload, masked CRC of the payload (4). The payload is an Event
proto, whose first bytes tell what it holds. So a file of many GB costs a hop
per record; only the bytes of graphs are ever read, and only when asked for.

Both of TensorBoard's readers drop MetaGraphDefs and keep one graph of a run
(the Python one the first, the Rust one the last): hence this file.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from collections.abc import Iterator

from tb_regloss.analysis.facts import Problem
from tb_regloss.formats import checksums, files, records
from tb_regloss.formats.wire import LENGTH, Window, fields

# Kinds of what a record holds: those of `formats.graphs`, and this one.
GRAPH_DEF = "graph_def"
META_GRAPH = "meta_graph"
RUN_METADATA = "run_metadata"
KERAS_MODEL = "keras_model"

# Fields of Event, Summary.Value, SummaryMetadata and TensorProto
# (tensorboard/compat/proto/{event,summary,tensor}.proto).
_WALL_TIME, _GRAPH_DEF, _SUMMARY, _TAGGED_RUN_METADATA, _META_GRAPH = 1, 4, 5, 8, 9
_VALUE, _VALUE_TAG, _VALUE_TENSOR, _VALUE_METADATA = 1, 1, 8, 9
_FUNCTION_GRAPHS = 4  # RunMetadata.function_graphs

# Summaries of these plugins hold graphs (tensorboard/plugins/graph/metadata.py).
_PLUGIN_KINDS = {
    b"graphs": GRAPH_DEF,
    b"graph_run_metadata": RUN_METADATA,
    b"graph_run_metadata_graph": RUN_METADATA,
    b"graph_keras_model": KERAS_MODEL,
}
_ALL_NAMES_CONTAIN = b"graph"

# Summaries up to this size are searched as a whole, larger ones field by field.
_SMALL = 1 << 16
# Wall time (9 bytes), step (up to 11), the key of what follows.
_LONGEST_PLAIN_HEAD = 21
# A tail that was not completed for so long will not be.
_STALE_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class GraphRecord:
    """Where one graph stands.

    Attributes:
      path: the event file.
      kind: `GRAPH_DEF`, `META_GRAPH`, `RUN_METADATA` or `KERAS_MODEL`.
      start: offset of the graph's first byte in the file.
      length: number of its bytes.
      wall_time: when it was written, seconds since the epoch.
      number: it is the file's number-th record with a graph, from 1.
      generation: raised when the file was replaced by another.
    """

    path: str
    kind: str
    start: int
    length: int
    wall_time: float
    number: int
    generation: int = 0

    @property
    def source(self) -> str:
        """Where it was found, for people."""
        words = {GRAPH_DEF: "graph", META_GRAPH: "meta graph", RUN_METADATA: "run metadata"}
        what = words.get(self.kind, "Keras model")
        return f"{what}, graph event {self.number} of {os.path.basename(self.path)}"

    def read(self) -> bytes:
        """Returns the bytes of the graph.

        Raises:
          errors.UnreadableError: the file is gone or was cut since.
        """
        source = files.open_source(self.path)
        try:
            data = source.read_at(self.start, self.length)
        except OSError as error:
            raise files.unreadable(self.path, error) from error
        finally:
            source.close()
        if len(data) < self.length:
            cut = OSError(f"it ends at byte {self.start + len(data)}, within {self.source}")
            raise files.unreadable(self.path, cut)
        return data


class EventFile:
    """One event file, and how far it was looked through.

    Not thread-safe: its owner holds a lock around `scan`.

    Attributes:
      path: the file.
      records: what was found so far, in the order of the file.
      problem: what is wrong with the file, `None` while nothing is.
      records_read: number of complete records so far.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.records: list[GraphRecord] = []
        self.problem: Problem | None = None
        self.records_read = 0
        self._offset = 0
        self._size = -1
        self._generation = 0

    @property
    def generation(self) -> int:
        """Raised when the file was replaced by another of that name."""
        return self._generation

    @property
    def size(self) -> int:
        """The file's size at the last scan; a different size means new records."""
        return self._size

    def scan(self) -> None:
        """Looks through what was added since the last call; never raises for bad files."""
        try:
            source = files.open_source(self.path)
        except Exception as error:  # A file system may raise anything.
            self.problem = Problem(self.path, str(error))
            return
        try:
            size = source.size()
            if size < self._offset:
                self._start_over()
            resumed, was_fine = self._offset, self.problem is None
            self._scan_from(source, size)
            if self.problem and was_fine and 0 < resumed == self._offset < size:
                # The old end is no record's beginning any more: another file.
                self._start_over()
                self._scan_from(source, size)
            self._size = size
        except OSError as error:
            self.problem = Problem(self.path, str(files.unreadable(self.path, error)))
        finally:
            source.close()

    def _start_over(self) -> None:
        self.records = []
        self.records_read = 0
        self._offset = 0
        self._generation += 1

    def _scan_from(self, source: files.ByteSource, size: int) -> None:
        self.problem = None
        window = Window(source, size)
        for start, end in records.intact_records(window, self._offset, size):
            self._look_at(window, start, end)
            self._offset = end + records.FOOTER_BYTES
            self.records_read += 1
        if self._offset < size:
            self._note_end(window, size)

    def _look_at(self, window: Window, start: int, end: int) -> None:
        small = end - start <= _SMALL
        if (
            small
            and window.find(_ALL_NAMES_CONTAIN, start, end) < 0
            and not _may_be_bare(window, start, end)
        ):
            return
        wall_time = 0.0
        for field, wire, low, high in fields(window, start, end):
            if field == _WALL_TIME and high - low == 8:
                (wall_time,) = struct.unpack("<d", window.read(low, 8))
            elif wire != LENGTH:
                continue
            elif field == _GRAPH_DEF:
                self._add(GRAPH_DEF, low, high, wall_time)
            elif field == _META_GRAPH:
                self._add(META_GRAPH, low, high, wall_time)
            elif field == _TAGGED_RUN_METADATA:
                for inner, inner_wire, begin, stop in fields(window, low, high):
                    if inner == 2 and inner_wire == LENGTH:
                        self._add_run_metadata(window, begin, stop, wall_time)
            elif field == _SUMMARY:
                self._look_at_summary(window, low, high, wall_time)

    def _look_at_summary(self, window: Window, start: int, end: int, wall_time: float) -> None:
        for field, wire, low, high in fields(window, start, end):
            if field != _VALUE or wire != LENGTH:
                continue
            tensor, plugin = None, b""
            for inner, inner_wire, begin, stop in fields(window, low, high):
                if inner_wire != LENGTH:
                    continue
                if inner == _VALUE_TENSOR:
                    tensor = (begin, stop)
                elif inner == _VALUE_METADATA:
                    plugin = _plugin_name(window, begin, stop)
            kind = _PLUGIN_KINDS.get(plugin)
            if kind is None or tensor is None:
                continue
            for begin, stop in _strings(window, *tensor):
                if kind == RUN_METADATA:
                    self._add_run_metadata(window, begin, stop, wall_time)
                else:
                    self._add(kind, begin, stop, wall_time)

    def _add_run_metadata(self, window: Window, start: int, end: int, wall_time: float) -> None:
        # Most hold timings only, and these may be very long.
        if any(field == _FUNCTION_GRAPHS for field, *_ in fields(window, start, end)):
            self._add(RUN_METADATA, start, end, wall_time)

    def _add(self, kind: str, start: int, end: int, wall_time: float) -> None:
        if end > start:
            number = len(self.records) + 1
            record = GraphRecord(
                self.path, kind, start, end - start, wall_time, number, self._generation
            )
            self.records.append(record)

    def _note_end(self, window: Window, size: int) -> None:
        """Tells a record in the making from damage."""
        present, needed = size - self._offset, 0
        header = window.read(self._offset, records.HEADER.size)
        if len(header) == records.HEADER.size:
            length, checksum = records.HEADER.unpack(header)
            if checksum != checksums.of_length(length):
                self.problem = Problem(self.path, self._damage(self._offset))
                return
            needed = records.HEADER.size + length + records.FOOTER_BYTES
        # The normal state of a file that is being written.
        if files.unchanged_for(self.path) > _STALE_SECONDS:
            missing = f" of {needed}" if needed else ""
            self.problem = Problem(
                self.path,
                f"{os.path.basename(self.path)} ends within a record ({present}{missing} bytes are "
                f"there): its writer was stopped. The {self.records_read} records before it are "
                "used.",
            )

    def _damage(self, offset: int) -> str:
        name = os.path.basename(self.path)
        if not self.records_read:
            return (
                f"{name} is no event file, or its start is damaged: at byte {offset} a record "
                "header was expected and its checksum does not match. Nothing of it is used."
            )
        return (
            f"{name} is damaged at byte {offset}: the checksum of the record header there does "
            f"not match. The {self.records_read} records before it are used, nothing after it; "
            "if this is a copy, copy the file again."
        )


def _may_be_bare(window: Window, start: int, end: int) -> bool:
    """Returns whether the event holds a graph outside of a summary."""
    # Nearly all events are wall time, step and a summary, in this order.
    head = window.read(start, min(_LONGEST_PLAIN_HEAD, end - start))
    if head[:1] == b"\x09" and len(head) == _LONGEST_PLAIN_HEAD:
        at = 9
        if head[at] == 0x10:
            at += 1
            while head[at] >= 0x80 and at < 19:
                at += 1
            at += 1
        if head[at] == _SUMMARY << 3 | LENGTH:
            return False
    for field, wire, _, _ in fields(window, start, end):
        if wire == LENGTH and field in (_GRAPH_DEF, _META_GRAPH, _TAGGED_RUN_METADATA):
            return True
        if wire == LENGTH and field == _SUMMARY:
            return False
    return False


def _plugin_name(window: Window, start: int, end: int) -> bytes:
    for field, wire, low, high in fields(window, start, end):
        if field == 1 and wire == LENGTH:  # SummaryMetadata.plugin_data
            for inner, inner_wire, begin, stop in fields(window, low, high):
                if inner == 1 and inner_wire == LENGTH:  # PluginData.plugin_name
                    return window.read(begin, min(stop - begin, 64))
    return b""


def _strings(window: Window, start: int, end: int) -> Iterator[tuple[int, int]]:
    for field, wire, low, high in fields(window, start, end):
        if field == 8 and wire == LENGTH:  # TensorProto.string_val
            yield low, high
