# SPDX-FileCopyrightText: 2026 The RegLoss authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluations belong to a training run and are not judged alone; a resumed run is one run."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from tensorboard.compat.proto import event_pb2

from tb_regloss.backend.checking import check
from tests.event_logs import START, EventLog, a_graph
from tests.helpers.training import TrainingStep
from tests.unit.backend.serving import serving

_LOSSES = {"Loss/localization_loss": 2.0, "Loss/regularization_loss": 0.5, "Loss/total_loss": 2.0}


def _missing() -> TrainingStep:
    step = TrainingStep()
    step.l2("w")
    step.minimize(step.data_loss())
    return step


def _included() -> TrainingStep:
    step = TrainingStep()
    step.minimize(step.add(step.data_loss(), step.l2("w")))
    return step


def _write(folder: pathlib.Path, step: TrainingStep | None = None, points: int = 3) -> None:
    with EventLog(folder) as log:
        if step is not None:
            log.add(event_pb2.Event(meta_graph_def=step.graph.meta_graph().SerializeToString()))
        for number in range(points):
            log.simple(number, {tag: value + number for tag, value in _LOSSES.items()})


def _judged(logdir: pathlib.Path) -> dict[str, dict[str, Any]]:
    return {run["run"]: run for run in check([str(logdir)]).runs}


@pytest.mark.parametrize(
    ("train", "evaluation"),
    [
        ("train", "eval"),
        ("train", "validation"),
        ("train", "eval_0"),
        ("train", "test"),
        (".", "eval"),
        ("model_dir", "model_dir/eval"),
        ("fold/train_1", "fold/val_1"),
    ],
)
def test_an_evaluation_has_no_verdict_of_its_own(
    tmp_path: pathlib.Path, train: str, evaluation: str
) -> None:
    _write(tmp_path / train, _missing())
    _write(tmp_path / evaluation)
    runs = _judged(tmp_path)
    assert runs[train]["status"] == "missing"
    assert runs[train]["related_to"] is None
    found = runs[evaluation]
    assert (found["status"], found["severity"]) == ("not_training", "ok")
    assert found["related_to"] == train
    assert train in found["headline"]
    assert (found["findings"], found["fix"]) == ([], None)
    assert found["losses"]["regularization_sum"] == 2.5


def test_a_test_writer_that_was_given_the_training_graph_is_no_second_error(
    tmp_path: pathlib.Path,
) -> None:
    for run in ("train", "test"):
        _write(tmp_path / run, _missing())
    runs = _judged(tmp_path)
    assert runs["train"]["severity"] == "error"
    assert runs["test"]["severity"] == "ok"
    assert runs["test"]["related_to"] == "train"
    assert runs["test"]["regularization_losses"] == []


def test_a_run_that_trains_something_else_is_judged_whatever_it_is_called(
    tmp_path: pathlib.Path,
) -> None:
    _write(tmp_path / "train", _included())
    _write(tmp_path / "test", _missing())
    runs = _judged(tmp_path)
    assert runs["train"]["status"] == "included"
    assert runs["test"]["status"] == "missing"
    assert runs["test"]["related_to"] is None


def test_an_evaluation_without_its_training_is_judged_alone(tmp_path: pathlib.Path) -> None:
    _write(tmp_path / "eval", _missing())
    _write(tmp_path / "other", _included())
    assert _judged(tmp_path)["eval"]["status"] == "missing"


def test_a_run_without_losses_trains_nobody(tmp_path: pathlib.Path) -> None:
    with EventLog(tmp_path) as log:
        log.simple(0, {"lr": 0.1})
    _write(tmp_path / "test")
    found = _judged(tmp_path)["test"]
    assert found["related_to"] is None
    assert found["evidence"]


def test_the_panel_says_the_same(tmp_path: pathlib.Path) -> None:
    _write(tmp_path / "train", _missing())
    _write(tmp_path / "eval")
    expected = _judged(tmp_path)
    with serving(tmp_path) as client:
        assert client.json("verdict", run="eval") == expected["eval"]
        assert client.json("verdict", run="train") == expected["train"]
        listed = {run["run"]: run for run in client.settled()["runs"]}
    assert listed["eval"]["related_to"] == "train"
    assert listed["eval"]["severity"] == "ok"


def test_a_resumed_run_is_one_run_and_its_newest_graph_decides(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "train"
    for number, step in enumerate((_missing(), _included())):
        with EventLog(folder, f"events.out.tfevents.{number}") as log:
            graph = step.graph.meta_graph().SerializeToString()
            at = START + 1000 * number
            log.add(event_pb2.Event(meta_graph_def=graph), wall_time=at)
            for place in range(10 * number, 10 * number + 20):
                log.simple(place, {tag: value + number for tag, value in _LOSSES.items()})
    runs = _judged(tmp_path)
    assert list(runs) == ["train"]
    assert runs["train"]["status"] == "included"
    findings = {item["code"]: item["text"] for item in runs["train"]["findings"]}
    assert "events.out.tfevents.0" in findings["graphs_disagree"]
    with serving(tmp_path) as client:
        series = client.post("losses", {"runs": ["train"]})["runs"]["train"]["data_loss"]
    assert series["steps"] == list(range(30))
    assert series["values"] == [2.0] * 10 + [3.0] * 20


def test_an_evaluation_graph_that_trains_nothing_stays_open(tmp_path: pathlib.Path) -> None:
    _write(tmp_path / "train", _included())
    with EventLog(tmp_path / "eval") as log:
        log.graph(a_graph())
    found = _judged(tmp_path)["eval"]
    assert found["status"] == "not_training"
    assert found["related_to"] == "train"
