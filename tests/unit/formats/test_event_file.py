# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs are found in event files by hopping, and bad files are told from live ones."""

from __future__ import annotations

import os
import pathlib
import struct

import pytest
from tensorboard.compat.proto import config_pb2, event_pb2, summary_pb2

from tb_regloss import errors
from tb_regloss.formats import event_file, files, records
from tests.event_logs import EventLog, a_graph


def scanned(path: pathlib.Path) -> event_file.EventFile:
    found = event_file.EventFile(str(path))
    found.scan()
    return found


def test_every_form_of_graph_is_found_in_order(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.simple(0, {"loss": 1.0})
        graph = log.graph()
        meta = log.meta_graph()
        traced = log.traced()
        log.keras_model('{"class_name": "Sequential"}')
        log.simple(1, {"graph/loss": 1.0})
    found = scanned(log.path)
    assert [record.kind for record in found.records] == [
        "graph_def",
        "meta_graph",
        "run_metadata",
        "keras_model",
    ]
    assert [record.read() for record in found.records[:3]] == [graph, meta, traced]
    assert found.records[3].read() == b'{"class_name": "Sequential"}'
    assert [record.wall_time for record in found.records] == sorted(
        record.wall_time for record in found.records
    )
    assert found.records[1].source == "meta graph, graph event 2 of events.out.tfevents.1"
    assert found.problem is None
    assert found.records_read == 7


@pytest.mark.parametrize("padding", [0, 100, 65_536, 3_000_000])
def test_graphs_of_all_sizes_are_read_exactly(tmp_path: pathlib.Path, padding: int) -> None:
    with EventLog(tmp_path) as log:
        first = log.graph(a_graph("first", padding))
        log.simple(0, {"loss": 1.0})
        second = log.meta_graph(a_graph("second", padding))
    assert [record.read() for record in scanned(log.path).records] == [first, second]


def test_run_metadata_with_timings_only_is_left_where_it_is(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.traced(with_graph=False)
        timings = config_pb2.RunMetadata()
        timings.step_stats.dev_stats.add(device="/cpu:0")
        tagged = event_pb2.TaggedRunMetadata(tag="step 1", run_metadata=timings.SerializeToString())
        log.add(event_pb2.Event(tagged_run_metadata=tagged))
        timings.function_graphs.add().pre_optimization_graph.CopyFrom(a_graph())
        tagged.run_metadata = timings.SerializeToString()
        log.add(event_pb2.Event(tagged_run_metadata=tagged))
    (record,) = scanned(log.path).records
    assert record.kind == "run_metadata"
    assert record.read() == tagged.run_metadata


def test_a_graph_in_a_merged_summary_is_found(tmp_path: pathlib.Path) -> None:
    summary = summary_pb2.Summary()
    summary.value.add(tag="image").tensor.string_val.append(b"x" * 200_000)
    value = summary.value.add(tag="keras")
    value.tensor.string_val.append(b"{}")
    value.metadata.plugin_data.plugin_name = "graph_keras_model"
    with EventLog(tmp_path) as log:
        log.add(event_pb2.Event(step=3, summary=summary))
    (record,) = scanned(log.path).records
    assert (record.kind, record.read()) == ("keras_model", b"{}")


def test_a_scan_goes_on_where_the_last_one_ended(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.graph()
        log.flush()
        found = scanned(log.path)
        assert (len(found.records), found.records_read) == (1, 2)
        log.simple(0, {"loss": 1.0})
        log.meta_graph()
        log.flush()
        found.scan()
    assert (len(found.records), found.records_read) == (2, 4)
    assert found.records[1].number == 2


def test_a_record_in_the_making_is_no_problem_and_is_read_when_complete(
    tmp_path: pathlib.Path,
) -> None:
    with EventLog(tmp_path) as log:
        before = log.size()
        graph = log.graph()
    whole = log.path.read_bytes()
    for cut in (before + 1, before + 12, before + 20, len(whole) - 1):
        log.path.write_bytes(whole[:cut])
        found = scanned(log.path)
        assert (found.records, found.problem) == ([], None)
        log.path.write_bytes(whole)
        found.scan()
        assert [record.read() for record in found.records] == [graph]


def test_a_tail_that_nobody_completes_is_named(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.graph()
        log.meta_graph()
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-3])
    os.utime(log.path, (1, 1))
    found = scanned(log.path)
    assert [record.kind for record in found.records] == ["graph_def"]
    assert found.problem is not None
    assert found.problem.path == str(log.path)
    assert "ends within a record" in found.problem.message
    assert "The 2 records before it are used" in found.problem.message


def test_damage_is_named_with_its_place_and_what_stands_before_is_used(
    tmp_path: pathlib.Path,
) -> None:
    with EventLog(tmp_path) as log:
        graph = log.graph()
        damaged = log.size()
        log.meta_graph()
    data = bytearray(log.path.read_bytes())
    data[damaged] ^= 1
    log.path.write_bytes(data)
    found = scanned(log.path)
    assert [record.read() for record in found.records] == [graph]
    assert found.problem is not None
    assert f"is damaged at byte {damaged}" in found.problem.message
    assert "The 2 records before it are used" in found.problem.message


@pytest.mark.parametrize("content", [b"not an event file at all", b"\0" * 64])
def test_what_is_no_event_file_is_called_so(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(content)
    found = scanned(path)
    assert found.problem is not None
    assert "is no event file, or its start is damaged" in found.problem.message
    assert not records.is_event_file(content)


@pytest.mark.parametrize("content", [b"", b"\x18"])
def test_a_file_that_has_just_begun_is_fine(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(content)
    assert scanned(path).problem is None


def test_a_payload_that_is_no_event_is_passed_over(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log._records.write(b"\xff" * 40)
        log._records.write(b"")
        log._records.write(b"\x22\xff\xff\xff\x7fgraph")
        graph = log.graph()
    found = scanned(log.path)
    assert [record.read() for record in found.records] == [graph]
    assert found.problem is None


def test_a_file_that_was_replaced_is_read_anew(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.graph(a_graph("old", 100))
        log.graph(a_graph("old too", 100))
    found = scanned(log.path)
    for padding in (0, 4000):  # a shorter file, a longer one
        log.path.unlink()
        with EventLog(tmp_path) as log:
            new = log.graph(a_graph("new", padding))
            log.graph(a_graph("newer", padding))
        generation = found.records[0].generation
        found.scan()
        assert len(found.records) == 2
        assert found.records[0].read() == new
        assert found.records[0].generation > generation
        assert found.problem is None


def test_a_graph_whose_file_was_cut_is_unreadable(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.graph(a_graph("x", 1000))
    (record,) = scanned(log.path).records
    log.path.write_bytes(log.path.read_bytes()[:500])
    with pytest.raises(errors.UnreadableError, match="it ends at byte 500, within graph, graph"):
        record.read()
    log.path.unlink()
    with pytest.raises(errors.UnreadableError, match="No such file"):
        record.read()


def test_a_missing_file_is_a_problem_not_an_error(tmp_path: pathlib.Path) -> None:
    found = scanned(tmp_path / "events.out.tfevents.1")
    assert found.problem is not None
    assert "cannot be read: No such file or directory." in found.problem.message


class Counting:
    """A file of 20 GB that is made up while it is read: large images, a graph at the end."""

    RECORD = 10_000_000
    RECORDS = 2000

    def __init__(self) -> None:
        self.bytes_read = 0
        image = summary_pb2.Summary()
        value = image.value.add(tag="image")
        value.metadata.plugin_data.plugin_name = "images"
        self.after = event_pb2.Event(
            wall_time=1.0, summary=summary_pb2.Summary(value=[value])
        ).SerializeToString()
        graph = event_pb2.Event(wall_time=2.0, graph_def=a_graph().SerializeToString())
        self.last = _record(graph.SerializeToString())
        self.image = _image_record(self.RECORD)

    def size(self) -> int:
        return self.RECORDS * len(self.image) + len(self.last)

    def read_at(self, offset: int, count: int) -> bytes:
        self.bytes_read += count
        parts = []
        while count > 0 and offset < self.size():
            number, place = divmod(offset, len(self.image))
            record = self.image if number < self.RECORDS else self.last
            part = record[place : place + count]
            parts.append(part)
            offset, count = offset + len(part), count - len(part)
        return b"".join(parts)

    def close(self) -> None:
        return None


def _record(payload: bytes) -> bytes:
    from tb_regloss.formats import checksums

    return (
        struct.pack("<QI", len(payload), checksums.of_length(len(payload))) + payload + b"\0\0\0\0"
    )


def _image_record(size: int) -> bytes:
    summary = summary_pb2.Summary()
    value = summary.value.add(tag="image")
    value.metadata.plugin_data.plugin_name = "images"
    value.tensor.string_val.append(b"p" * size)
    return _record(event_pb2.Event(wall_time=1.0, summary=summary).SerializeToString())


def test_a_file_of_many_gigabytes_costs_hops(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Counting()
    monkeypatch.setattr(files, "open_source", lambda path: source)
    found = event_file.EventFile("events.out.tfevents.1")
    found.scan()
    assert [record.kind for record in found.records] == ["graph_def"]
    assert found.records_read == Counting.RECORDS + 1
    assert source.size() > 20e9
    assert source.bytes_read < source.size() / 1000
