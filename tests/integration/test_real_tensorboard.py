# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""A real TensorBoard with both of its readers answers as the command line does."""

from __future__ import annotations

import json
import pathlib
import time

import pytest
from tensorboard.compat.proto import event_pb2

from tests.event_logs import EventLog, declaration, instrumented, unnamed
from tests.helpers.training import TrainingStep
from tests.integration.tensorboard_process import check, tensorboard

LOADERS = ("true", "false")


def make_logs(logdir: pathlib.Path) -> None:
    """Everything that tells the readers apart."""
    instrumented(logdir / "train", steps=50)
    instrumented(logdir / "<script>alert('x')</script>", steps=3)
    instrumented(logdir / "a b" / "ü&=#", steps=3)
    with EventLog(logdir / "restarted") as log:
        name = log.declare(declaration("a", "b"))
        for step in (0, 10, 20, 30, 20, 25):
            log.ours(step, data_loss=float(step), regularization_sum=1.0, optimized_loss=2.0)
            log.vector(step, name, [step, 1.0])
    with EventLog(logdir / "resumed", "events.out.tfevents.1") as log:
        log.graph()
        log.ours(0, data_loss=1.0)
        log.ours(10, data_loss=2.0)
    with EventLog(logdir / "resumed", "events.out.tfevents.2") as log:
        log._time += 100
        log.meta_graph()
        log.ours(5, data_loss=3.0)
    with EventLog(logdir / "long") as log:
        for step in range(12_000):
            noise = (step * 7919 % 1000) / 1000
            log.simple(
                step,
                {
                    "losses/xent/value": 1 + noise,
                    "regularization_loss": 0.5 + (step * 31 % 97) / 100,
                    "total_loss": 1 + noise if step != 11_000 else float("nan"),
                },
            )
    with EventLog(logdir / "meta_only") as log:
        log.meta_graph()
    with EventLog(logdir / "corrupt") as log:
        log.graph()
        log.ours(0, data_loss=1.0)
        before = log.size()
        log.ours(1, data_loss=2.0)
    data = bytearray(log.path.read_bytes())
    data[before] ^= 1
    log.path.write_bytes(data)
    (logdir / "empty").mkdir()
    (logdir / "empty" / "events.out.tfevents.1").touch()


@pytest.mark.parametrize("load_fast", LOADERS)
def test_the_panel_says_what_the_command_line_says(tmp_path: pathlib.Path, load_fast: str) -> None:
    logdir = tmp_path / "logs"
    make_logs(logdir)
    expected = {run["run"]: run for run in check(str(logdir))["runs"]}
    assert set(expected) == {
        "train",
        "<script>alert('x')</script>",
        "a b/ü&=#",
        "restarted",
        "resumed",
        "long",
        "meta_only",
        "corrupt",
        "empty",
    }
    assert expected["restarted"]["losses"]["step"] == 25
    assert expected["resumed"]["losses"] == {
        "data_loss": 3.0,
        "regularization_sum": None,
        "total_loss": None,
        "optimized_loss": None,
        "step": 5,
    }
    with tensorboard(f"--logdir={logdir}", f"--load_fast={load_fast}") as board:
        listed = board.get("plugins_listing")["regloss"]
        assert listed["enabled"]
        assert listed["tab_name"] == "RegLoss"
        assert listed["loading_mechanism"]["module_path"] == "/data/plugin/regloss/index.js"
        runs = board.settled(len(expected))
        assert [run["run"] for run in runs] == sorted(expected)
        for name in board.differing(expected):
            assert board.verdict(name) == expected[name]
        for run in board.settled(len(expected)):
            whole = expected[run["run"]]
            for key in ("run", "status", "severity", "headline", "coverage"):
                assert run[key] == whole[key]
        series = board.post("plugin/regloss/losses", {"runs": ["train", "restarted"]})["runs"]
        assert series["train"]["data_loss"]["steps"] == list(range(50))
        assert series["restarted"]["data_loss"]["steps"] == [0, 10, 20, 25]
        each = board.get("plugin/regloss/regularization_losses", run="restarted")
        assert each["steps"] == [0, 10, 20, 25]
        assert each["values"] == [[0.0, 10.0, 20.0, 25.0], [1.0] * 4]
        status, headers, body = board.open("plugin/regloss/verdicts")
        assert status == 200
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        for run in runs:
            assert f'id="{run["status"]}"' in body.decode()
        status, headers, body = board.open("plugin/regloss/verdict", run="nope")
        assert status == 404
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body)["error"]["code"] == "not_found"


@pytest.mark.parametrize("load_fast", LOADERS)
def test_told_the_same_the_panel_says_what_the_command_line_says(
    tmp_path: pathlib.Path, load_fast: str
) -> None:
    unnamed(tmp_path / "plain")
    instrumented(tmp_path / "train", steps=3)
    flags = ("--data=my/ce", "--regularization=my/wd", "--optimized=my/total")
    expected = {run["run"]: run for run in check(str(tmp_path), *flags)["runs"]}
    assert expected["plain"]["status"] == "included"
    said = {"data_loss": ["my/ce"], "regularization_sum": ["my/wd"], "optimized_loss": ["my/total"]}
    roles = json.dumps({"all": said})
    with tensorboard(f"--logdir={tmp_path}", f"--load_fast={load_fast}") as board:
        board.settled(len(expected))
        assert board.differing(expected, roles=roles) == []
        tags = board.get("plugin/regloss/tags", run="plain")["tags"]
        assert tags == ["my/ce", "my/lr", "my/total", "my/wd"]
        status, _, body = board.open("plugin/regloss/verdict", run="plain", roles="{")
        assert (status, json.loads(body)["error"]["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize("load_fast", LOADERS)
def test_a_thousand_points_and_a_live_run(tmp_path: pathlib.Path, load_fast: str) -> None:
    instrumented(tmp_path / "train", steps=900)
    flags = (f"--logdir={tmp_path}", f"--load_fast={load_fast}", "--reload_interval=1")
    with tensorboard(*flags) as board:
        board.settled(1)
        first = board.get("plugin/regloss/regularization_losses", run="train")
        assert len(first["steps"]) == 900
        assert board.verdict("train")["status"] == "not_training"
        step = TrainingStep()
        step.l2("w")
        step.minimize(step.data_loss())
        with EventLog(tmp_path / "train") as log:
            log.ours(900, data_loss=42.0)
            graph = step.graph.meta_graph().SerializeToString()
            log.add(event_pb2.Event(meta_graph_def=graph))
        deadline = time.monotonic() + 20
        while board.verdict("train")["losses"]["step"] != 900:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        found = board.verdict("train")
        assert found["losses"]["data_loss"] == 42.0
        assert found["status"] == "missing"


def test_a_path_prefix_and_a_logdir_spec(tmp_path: pathlib.Path) -> None:
    instrumented(tmp_path / "a" / "train")
    instrumented(tmp_path / "b")
    spec = f"--logdir_spec=first:{tmp_path / 'a'},second:{tmp_path / 'b'}"
    with tensorboard(spec, "--path_prefix=/deep/down") as board:
        names = [run["run"] for run in board.settled(2)]
        assert names == ["first/train", "second/."]
        assert board.verdict("first/train")["path"] == str(tmp_path / "a" / "train")


@pytest.mark.parametrize("load_fast", LOADERS)
def test_equal_on_every_public_log(wild: pathlib.Path, load_fast: str) -> None:
    found = check(str(wild))
    expected = {run["run"]: run for run in found["runs"]}
    assert len(expected) > 50
    with tensorboard(f"--logdir={wild}", f"--load_fast={load_fast}") as board:
        board.settled(len(expected))
        for name in board.differing(expected):
            assert board.verdict(name) == expected[name]


def test_without_the_files_the_providers_graph_is_used(tmp_path: pathlib.Path) -> None:
    from tests import written_logs

    instrumented(tmp_path / "train")
    with written_logs.rust_provider(tmp_path) as provider:
        address = provider._addr
        with tensorboard(f"--grpc_data_provider={address}") as board:
            board.settled(1)
            found = board.verdict("train")
            assert found["losses"]["step"] == 4
            assert any("--grpc_data_provider" in note for note in found["notes"])
            assert found["problems"] == []
