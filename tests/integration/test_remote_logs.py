# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Logs on a file system that only TensorFlow can open: its own, in memory."""

from __future__ import annotations

import pathlib

import pytest

from tb_regloss.backend.checking import check
from tests.event_logs import instrumented

tf = pytest.importorskip("tensorflow")


def test_remote_logs_are_judged_as_local_ones(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    instrumented(tmp_path / "train")
    instrumented(tmp_path / "train" / "eval", steps=2, graph=False)
    instrumented(tmp_path / "deep" / "er", steps=3)
    for path in tmp_path.rglob("*tfevents*"):
        remote = f"ram://logs/{path.relative_to(tmp_path).as_posix()}"
        tf.io.gfile.makedirs(remote.rpartition("/")[0])
        with tf.io.gfile.GFile(remote, "wb") as file:
            file.write(path.read_bytes())
    capfd.readouterr()
    found, expected = check(["ram://logs"]), check([str(tmp_path)])
    assert capfd.readouterr() == ("", "")
    assert found.problems == ()
    assert [run["path"] for run in found.runs] == [
        "ram://logs/deep/er",
        "ram://logs/train",
        "ram://logs/train/eval",
    ]
    places = {"path", "argument"}
    assert [{k: v for k, v in run.items() if k not in places} for run in found.runs] == [
        {k: v for k, v in run.items() if k not in places} for run in expected.runs
    ]
    assert [run["status"] for run in check(["ram://logs/deep"]).runs] == [
        expected.runs[0]["status"]
    ]


def test_a_remote_path_that_is_not_there_is_named() -> None:
    found = check(["ram://nowhere/logs"])
    assert found.unreadable == ("ram://nowhere/logs",)
    assert "does not exist" in found.problems[0]["message"]
