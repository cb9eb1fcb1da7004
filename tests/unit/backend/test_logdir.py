# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Runs are found and named as TensorBoard finds and names them."""

from __future__ import annotations

import os
import pathlib

import pytest
from tensorboard.backend.event_processing import data_ingester

from tb_regloss.backend import logdir
from tests import written_logs
from tests.event_logs import EventLog, instrumented
from tests.unit.backend.serving import await_runs, serving

FOLDERS = ("", "train", "train/eval", "a b", "ü/λ", "<x>", ".hidden", "deep/er/est")


@pytest.mark.parametrize("reader", ["python", "rust"])
def test_names_are_tensorboards(tmp_path: pathlib.Path, reader: str) -> None:
    for folder in FOLDERS:
        with EventLog(tmp_path / folder) as log:
            log.simple(0, {"a": 1.0})
    (tmp_path / "no_run").mkdir()
    (tmp_path / "no_run" / "checkpoint").touch()
    found = logdir.from_flags(str(tmp_path), None)
    assert found is not None
    found.refresh()
    with written_logs.PROVIDERS[reader](tmp_path) as provider:
        if reader == "rust":
            await_runs(provider)
        from tensorboard.context import RequestContext

        runs = provider.list_runs(RequestContext(), experiment_id="")
    assert list(found.runs()) == sorted(run.run_name for run in runs)
    assert {run: files.path for run, files in found.runs().items()} == {
        (folder or "."): os.path.join(tmp_path, folder) if folder else str(tmp_path)
        for folder in FOLDERS
    }


def test_a_folder_whose_name_is_no_text_harms_no_other_run(tmp_path: pathlib.Path) -> None:
    # The Python reader gives up the whole logdir where TensorFlow is installed.
    instrumented(tmp_path / "fine", steps=2)
    instrumented(os.fsdecode(os.fsencode(tmp_path) + b"/odd\xff"), steps=2)
    with serving(tmp_path, "rust") as served:
        runs = {run["run"]: run["status"] for run in served.settled()["runs"]}
        assert "odd\ufffd" in runs
        assert served.json("verdict", run="fine")["losses"]["step"] == 1
        for run in runs:
            if run.isprintable():
                assert served.json("verdict", run=run)["run"] == run


def test_a_run_keeps_its_files_and_finds_new_ones(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path / "train") as log:
        log.graph()
    found = logdir.Logdir({str(tmp_path): None})
    found.refresh()
    before = found.runs()["train"]
    assert len(before.scan()[0]) == 1
    with EventLog(tmp_path / "train", "events.out.tfevents.2") as log:
        log.graph()
    (tmp_path / "train" / "events.out.tfevents.3.profile-empty").touch()
    found.refresh()
    assert found.runs()["train"] is before
    assert len(before.scan()[0]) == 2
    sizes = before.sizes()
    before.scan()
    assert before.sizes() == sizes


def test_a_run_that_vanished_is_gone(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path / "train") as log:
        log.graph()
    found = logdir.Logdir({str(tmp_path): None})
    found.refresh()
    files = found.runs()["train"]
    log.path.unlink()
    assert files.scan() == ((), ())
    found.refresh()
    assert found.runs() == {}


@pytest.mark.parametrize(
    "specification",
    [
        "/a/b",
        "name:/a/b",
        "/a:b/c",
        "one:/a,two:/b,/c",
        "gs://bucket/logs",
        "name:gs://bucket/logs",
        "name:/with:colon",
    ],
)
def test_a_specification_is_read_as_tensorboard_reads_it(specification: str) -> None:
    assert logdir.parse_spec(specification) == data_ingester._parse_event_files_spec(specification)


def test_without_a_logdir_there_are_no_files() -> None:
    assert logdir.from_flags("", "") is None
    assert logdir.from_flags(None, None) is None
